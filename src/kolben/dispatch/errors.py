"""What answers for an exception: which handler, which log line, which page.

The lookup follows Flask: the blueprint's handlers before the application's, a handler for the code before one for the
class, the nearest class in the method resolution order first. What was found is kept in the plan.
"""

from __future__ import annotations

import sys
import typing as t

from werkzeug.exceptions import BadRequest, BadRequestKeyError, HTTPException
from werkzeug.routing import RoutingException, WebsocketMismatch

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..app import Kolben
    from ..config import Config
    from ..ctx import RequestContext
    from ..http.request import Request

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
    assert plan is not None
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


def explained(exc: HTTPException, request: Request) -> HTTPException:
    """The routing error, or a better one where a WebSocket's handshake came by WSGI."""
    if isinstance(exc, WebsocketMismatch) and request.headers.get("Upgrade", "").lower() == "websocket":
        return UpgradeRequired()
    return exc
