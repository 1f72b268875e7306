"""What answers for an exception: which handler, which log line, which page.

The lookup follows Flask: the blueprint's handlers before the application's, a handler for the code before one for the
class, the nearest class in the method resolution order first. What was found is kept in the plan.
"""

from __future__ import annotations

import sys
import typing as t

from werkzeug.exceptions import BadRequest, BadRequestKeyError, HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RoutingException, WebsocketMismatch

from ..http.wire import Page
from ..signals import request_finished, request_started
from .convert import error_response, prefers_json

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..app import Kolben
    from ..config import Config
    from ..ctx import RequestContext
    from ..http.request import Request
    from .build import Plans
    from .plan import Answer

HEARD = frozenset({"raise_routing_exception", "trap_http_exception"})
"""Methods of the application that every routing error passes through where they are overridden."""

Handler = t.Callable[..., t.Any]
HandlerSpec = t.Mapping["str | None", "Mapping[int | None, Mapping[type[Exception], Handler]]"]


def find_handler(spec: HandlerSpec, blueprints: Iterable[str], exc: Exception) -> Handler | None:
    """The handler registered for ``exc`` nearest to the view, or ``None``.

    :param spec: ``{blueprint or None: {code or None: {class: handler}}}``.
    :param blueprints: names of the blueprints of the request, innermost first.
    """
    code = type(exc).code if isinstance(exc, HTTPException) else None
    for wanted in (code, None) if code is not None else (None,):
        for name in (*blueprints, None):
            by_class = spec.get(name, {}).get(wanted)
            if not by_class:
                continue
            for cls in type(exc).__mro__:
                handler = by_class.get(cls)
                if handler is not None:
                    return handler
    return None


def handler_for(ctx: RequestContext, exc: Exception) -> Callable[[Exception], t.Any] | None:
    """What answers ``exc``, raised by a view or a hook: a registered handler, or an exception that is its own response.

    ``None`` if nothing does.
    """
    plan = ctx.plan
    config = ctx.app.config
    if isinstance(exc, BadRequestKeyError) and (config["DEBUG"] or config["TRAP_BAD_REQUEST_ERRORS"]):
        exc.show_exception = True
    if isinstance(exc, HTTPException) and not ctx.app.trap_http_exception(exc):
        if exc is ctx.request.routing_exception:
            # NOTE: it knows the request, which knows it: together with all that receives and sends they would wait for
            # the collector, and the server may keep the connection as long.
            exc.__traceback__ = None
        if exc.code is None or isinstance(exc, RoutingException):
            # NOTE: a redirect made by routing answers for itself; handlers would turn it into an error.
            return plan.pass_through
        return plan.find_handler(exc) or plan.pass_through
    if isinstance(exc, RuntimeError) and "flask.globals" in sys.modules:
        from ..outside import explain_foreign_proxy

        explain_foreign_proxy(exc)
    return plan.find_handler(exc)


def is_trapped(config: Config, exc: Exception) -> bool:
    """Whether an HTTP exception is to be treated as a programming error (``TRAP_*`` settings)."""
    if config["TRAP_HTTP_EXCEPTIONS"]:
        return True
    trap_bad_request = config["TRAP_BAD_REQUEST_ERRORS"]
    if trap_bad_request is None and config["DEBUG"] and isinstance(exc, BadRequestKeyError):
        return True
    return bool(trap_bad_request) and isinstance(exc, BadRequest)


def must_propagate(app: Kolben) -> bool:
    """Whether an unhandled exception goes on to the server (``PROPAGATE_EXCEPTIONS``, else if testing or debugging)."""
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    if propagate is None:
        return bool(app.testing or app.debug)
    return bool(propagate)


class UpgradeRequired(HTTPException):
    """A WebSocket was to be opened, but the server speaks WSGI, which has none.

    NOTE: RFC 9110 section 15.5.22 wants an ``Upgrade`` header here; PEP 3333 forbids it, and servers hold to that.
    """

    code = 426
    description = (
        "This is a WebSocket, and the server that answers speaks WSGI, which cannot carry one. Serve the application"
        " over ASGI: with 'granian --interface asgi', 'uvicorn' or 'hypercorn'."
    )


class WebSocketOnly(HTTPException):
    """An ordinary request for what is a WebSocket."""

    code = 426
    name = "Upgrade Required"  # pyright: ignore[reportAssignmentType]  # a property there
    description = "This is a WebSocket: it is opened by a WebSocket client, with 'ws://' or 'wss://' in its URL."

    def __init__(self, may_say_so: bool) -> None:
        super().__init__()
        self._may_say_so = may_say_so

    def get_headers(self, *args: t.Any, **kwargs: t.Any) -> list[tuple[str, str]]:
        """The headers of the response, with ``Upgrade`` where the protocol has that (RFC 9110 section 15.5.22)."""
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")] if self._may_say_so else []
        return [*super().get_headers(*args, **kwargs), *upgrade]


def explained(exc: HTTPException, request: Request) -> HTTPException:
    """The routing error, or a better one where an ordinary request met a WebSocket, or the other way round."""
    if not isinstance(exc, WebsocketMismatch):
        return exc
    if request.is_websocket:
        return WebsocketMismatch("There is no WebSocket at this URL: it answers ordinary requests.")
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return UpgradeRequired()
    return WebSocketOnly(request.scope is not None and request.scope.get("http_version", "") in {"1.0", "1.1"})


MAX_PAGES = 256
"""How many pages are kept, of as many sets of allowed methods."""


def may_refuse(plans: Plans) -> bool:
    """Whether an application without hooks and error handlers has nothing else that would see a routing error, or its
    response: another class's may differ from one request to the next."""
    return plans.sends_text and not plans.overrides & HEARD and not plans.app.config["TRAP_HTTP_EXCEPTIONS"]


def refuse(otherwise: Callable[[RequestContext], t.Any], ctx: RequestContext) -> Answer:
    """Answer a 404 or 405 of routing by a page made once; anything else is answered by ``otherwise(ctx)``."""
    # PERF: benchmarks/inprocess.py, kinds "404" and "405".
    exc = ctx.request.routing_exception
    key: t.Any = type(exc)
    if type(exc) is MethodNotAllowed:
        key = tuple(exc.valid_methods or ())
    is_heard = ctx._session is not None or request_started.receivers or request_finished.receivers
    if is_heard or (key is not NotFound and type(key) is not tuple) or (ctx.app.explains_errors and prefers_json()):
        return otherwise(ctx)  # type: ignore[no-any-return]  # PERF: a cast is a call
    pages = ctx.plans.pages
    page = pages.get(key)
    if page is None:
        assert exc is not None
        page = ctx.plan.pack(error_response(ctx.app, exc))
        if type(page) is not Page:
            return page  # type: ignore[no-any-return]  # PERF: a cast is a call
        if len(pages) < MAX_PAGES:
            pages[key] = page
    return page.copy()
