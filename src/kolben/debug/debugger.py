"""The development server's wrapper around an application: a page for each unhandled exception, with consoles in it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, MutableMapping

    Scope = MutableMapping[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]

Headers: t.TypeAlias = list[tuple[bytes, bytes]]

PREFIX = "/__debugger__/"
"""Paths below it are answered by the debugger; the application never sees them."""


class Debugger:
    """An ASGI application around another: answers for the exceptions that come out of it, and passes on all else.

    .. code-block:: python

        debugger = Debugger(app, url="http://127.0.0.1:5000", secret=secret)
        print("Debugger:", debugger.link)

    Lifespan and WebSocket scopes pass through; exceptions out of them are recorded and raised again, as are those of a
    response that began. :exc:`BaseException` beside :exc:`Exception` passes through unseen.

    Whoever runs a WSGI application under it puts ``scope["kolben.preserve_context"]`` into the environ as
    ``werkzeug.debug.preserve_context``, and calls it in a copy of the context of its own task.

    :param app: the application.
    :param url: where the server listens, without a slash at the end: for the links that are printed, and its host is
        one under which the debugger answers, beside ``localhost``, names below it, ``127.0.0.1`` and ``[::1]``.
    :param secret: what all that is secret is derived from. A server that starts one process after the other passes
        the same to all (not by an environment variable), so that a browser that was let in stays in after a reload.
        Random if not passed.
    :param links_used: how many links were used up in earlier processes of this server.
    :param on_link_used: called with that number when it grows, for the process to come.
    :param log: takes a line for the terminal. Standard error if not passed.
    :param hosts: further host names under which the debugger answers, without port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        url: str = "http://127.0.0.1:5000",
        secret: str | None = None,
        links_used: int = 0,
        on_link_used: Callable[[int], None] | None = None,
        log: Callable[[str], None] | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        self.app = app
        self.url = url

    @property
    def link(self) -> str:
        """The URL that lets the browser that opens it first use the consoles. For the terminal, and nowhere else."""
        return self.url + PREFIX

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def failing(exc: Exception) -> ASGIApp:
    """An ASGI application that raises ``exc`` for every request: to serve below a :class:`Debugger` what could not be
    imported. It lives through a lifespan, and refuses WebSockets."""
    raise NotImplementedError


def render_error(exc: BaseException, accept: str = "text/html") -> tuple[bytes, Headers]:
    """The page, or for clients that want none the text or JSON, of an exception outside any request.

    It has no consoles. Its style is ``/__debugger__/static/...``, which :func:`static_file` gives.

    :param accept: the request's ``Accept`` header.
    :return: the body and the headers of a response with status 500.
    """
    raise NotImplementedError


def static_file(path: str) -> tuple[bytes, Headers] | None:
    """The file of the debugger's pages at this path (``/__debugger__/static/...``), and its headers; else ``None``."""
    raise NotImplementedError
