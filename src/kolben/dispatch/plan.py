"""What a request needs to know of the application, worked out once: a :class:`Plan` per endpoint.

Plans are plain records. :mod:`kolben.dispatch.build` writes them, :mod:`kolben.dispatch.run` reads them.
"""

from __future__ import annotations

import enum
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from ..ctx import RequestContext
    from ..http.response import Response
    from ..http.wire import Page

    Answer: t.TypeAlias = Response | Page | bytes | Generator[t.Any, t.Any, t.Any] | AsyncGenerator[t.Any, t.Any]


class Mode(enum.Enum):
    """Where a plan's pipeline runs."""

    CALLER = "on the thread that called"
    """The synchronous twin, on the server's own thread (WSGI), or on the loop for views with ``blocking=False``."""

    THREAD = "in a worker thread"
    """The synchronous twin, for a synchronous view under ASGI."""

    LOOP = "on the event loop"
    """The asynchronous twin, for an asynchronous view under ASGI."""


class Plan:
    """Everything that is done for a request to one endpoint, under one protocol.

    All callables are already of the kind the pipeline calls: plain functions for the synchronous twin, functions that
    return awaitables for the asynchronous one.
    """

    __slots__ = (
        "after",
        "before",
        "blueprints",
        "close",
        "convert",
        "endpoint",
        "find_handler",
        "handlers",
        "has_teardown",
        "is_async",
        "is_led",
        "max_content_length",
        "mode",
        "pack",
        "page",
        "pass_through",
        "preprocessors",
        "run",
        "save_session",
        "sends_text",
        "stream_body",
        "takes_body_early",
        "takes_short_body",
        "teardown",
        "teardown_app",
        "view",
        "websocket_parameter",
    )

    endpoint: str | None
    blueprints: tuple[str, ...]
    """Innermost first, as ``request.blueprints``."""

    mode: Mode
    is_async: bool
    """Whether the view is known to be a coroutine function (under WSGI it runs on the portal)."""
    stream_body: bool
    max_content_length: int | None
    takes_body_early: bool
    """Whether a protocol that could leave the body to the view must look at it before."""

    takes_short_body: bool
    """Whether a body that comes in one message is kept as it comes, by the application's limits alone."""

    is_led: bool
    """Whether any function comes before the view, of the next two kinds."""
    preprocessors: tuple[Callable[..., t.Any], ...]
    before: tuple[Callable[[], t.Any], ...]
    view: Callable[..., t.Any]
    convert: Callable[[t.Any], Response]
    after: tuple[Callable[..., t.Any], ...]
    save_session: Callable[..., t.Any]
    teardown: tuple[Callable[[BaseException | None], t.Any], ...]
    teardown_app: tuple[Callable[[BaseException | None], t.Any], ...]

    pack: Callable[[t.Any], t.Any]
    """Makes a page of a response, or keeps its headers as they are sent; refuses what must not reach a server."""

    sends_text: bool
    """Whether a text, a generator, a page, and what :attr:`page` takes, are sent without a response, where nothing else
    wants one."""

    page: Callable[[t.Any], Page | None]
    """The whole answer that a text and its status make, or what is sent as JSON; ``None`` for anything else."""

    has_teardown: bool
    """Whether there is any function to call at the end."""

    handlers: dict[type[BaseException], Callable[..., t.Any] | None]
    """The error handler found for each type of exception seen so far, up to a number, if nothing but the type counts:
    it is no HTTP exception, and no ``RuntimeError``, which may have to be explained."""
    find_handler: Callable[[Exception], Callable[..., t.Any] | None]
    pass_through: Callable[[t.Any], t.Any]
    """Identity of the pipeline's kind: what answers for an exception that is a response itself."""

    websocket_parameter: str | None
    """The parameter that a WebSocket's view takes the socket by."""

    run: Callable[[RequestContext], t.Any]
    """:func:`kolben.dispatch.run.run` or its twin; if the application overrides a step, its own, in Flask's order.

    It gives a response; or a page; or the ``bytes`` or the generator that an ordinary response
    would have as its body.
    """
    close: Callable[[RequestContext, Plan, BaseException | None], t.Any]
    """:func:`kolben.dispatch.run.close` or its twin, or the application's own methods."""

    def __repr__(self) -> str:
        return f"<Plan {self.endpoint!r} {self.mode.value}>"
