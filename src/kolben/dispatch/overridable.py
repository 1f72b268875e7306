"""The steps of a request as methods of the application, for those who override one.

:mod:`kolben.dispatch.run` does the same without a call for each step. It is used unless a subclass (or an assignment to
the instance) overrides one of :data:`STEPS`; then :func:`run` and :func:`close` call the methods in Flask's order.
"""

from __future__ import annotations

import sys
import typing as t
from itertools import chain

from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import RequestRedirect, RoutingException

from .. import bridge
from ..globals import _request, _request_ctx
from ..http.response import check_response
from ..signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from .convert import check_returned, make_converter, sendable
from .errors import HEARD, find_handler, is_trapped, must_propagate

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..app import Kolben
    from ..ctx import RequestContext
    from ..http.request import Request
    from ..http.response import Response
    from .plan import Answer, Plan

STEPS = frozenset(
    {
        "async_to_sync",
        "dispatch_request",
        "do_teardown_appcontext",
        "do_teardown_request",
        "ensure_sync",
        "finalize_request",
        "full_dispatch_request",
        "handle_exception",
        "handle_http_exception",
        "handle_user_exception",
        "preprocess_request",
        "process_response",
        "should_ignore_error",
    }
)
"""Overriding one of these makes requests run through all of them."""

_WATCHED = STEPS | HEARD | {"asgi_app", "create_url_adapter", "inject_url_defaults", "make_response", "wsgi_app"}

_sentinel: t.Any = object()


def find_overrides(app: Kolben, base: type[Kolben]) -> frozenset[str]:
    """The names of the watched methods that the application's class, or the application itself, replaces.

    :param base: the class whose methods are the originals.
    """
    own, cls = app.__dict__, type(app)
    return frozenset(name for name in _WATCHED if name in own or getattr(cls, name) is not getattr(base, name))


def run(ctx: RequestContext) -> Answer:
    """Answer a request through the application's methods."""
    try:
        return t.cast("Answer", ctx.plan.pack(ctx.app.full_dispatch_request()))
    except Exception as exc:
        return fail(ctx, exc)


def fail(ctx: RequestContext, exc: Exception) -> Answer:
    """Answer an exception that no handler took through the application's methods."""
    ctx.note_error(exc)
    return t.cast("Answer", ctx.plan.pack(ctx.app.handle_exception(exc)))


def close(ctx: RequestContext, plan: Plan, exc: BaseException | None) -> None:
    """Tear a request down through the application's methods."""
    app = ctx.app
    if exc is not None and app.should_ignore_error(exc):
        exc = None
    try:
        app.do_teardown_request(exc)
        if ctx.owns_request and not ctx.is_preserved:
            ctx.request.close()
    finally:
        if ctx._app_ctx is None:
            app.do_teardown_appcontext(exc)


# The methods of :class:`.Kolben`, in the order that a request goes through them.


def full_dispatch_request(app: Kolben) -> Response:
    """Run the hooks and the view; answer exceptions that handlers take; finalize."""
    app._got_first_request = True
    try:
        if request_started.receivers:
            request_started.send(app, _async_wrapper=app.ensure_sync)
        rv = app.preprocess_request()
        if rv is None:
            rv = app.dispatch_request()
    except Exception as exc:
        rv = app.handle_user_exception(exc)
    return app.finalize_request(rv)


def preprocess_request(app: Kolben) -> t.Any:
    """Run the URL value preprocessors and the functions of ``before_request``; stop at the first return value."""
    request = _request()
    names = (None, *reversed(request.blueprints))
    for name in names:
        for preprocess in app.url_value_preprocessors.get(name, ()):
            preprocess(request.endpoint, request.view_args)
    for name in names:
        for hook in app.before_request_funcs.get(name, ()):
            rv = app.ensure_sync(hook)()
            if rv is not None:
                return rv
    return None


def dispatch_request(app: Kolben) -> t.Any:
    """Call the view function and return what it returns, or raise why there is none."""
    request = _request()
    if request.routing_exception is not None:
        app.raise_routing_exception(request)
    rule = request.url_rule
    assert rule is not None
    if getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS":
        return app.make_default_options_response()
    rv = app.ensure_sync(app.view_functions[rule.endpoint])(**(request.view_args or {}))
    return bridge.settle(rv) if hasattr(rv, "__await__") else rv


def raise_routing_exception(app: Kolben, request: Request) -> t.NoReturn:
    """Raise why no rule matched. In debug mode, a redirect that would lose a form's data is an error that says so."""
    exc = request.routing_exception
    assert exc is not None
    if (
        not app.debug
        or not isinstance(exc, RequestRedirect)
        or exc.code in {307, 308}
        or request.method in {"GET", "HEAD", "OPTIONS"}
    ):
        raise exc
    from ..debug.forms import FormDataRoutingRedirect

    raise FormDataRoutingRedirect(request)


def make_default_options_response(app: Kolben) -> Response:
    """The answer to ``OPTIONS`` where no view takes it: the methods allowed."""
    adapter = _request_ctx().url_adapter
    assert adapter is not None
    response = app.response_class()
    response.allow.update(adapter.allowed_methods())
    return response


def make_response(app: Kolben, rv: t.Any) -> Response:
    """Make a response of a view's return value: str, bytes, dict, list, tuple, generator, response, WSGI callable.

    :raises TypeError: it is none of these.
    """
    return make_converter(app)(rv)


def finalize_request(app: Kolben, rv: t.Any, from_error_handler: bool = False) -> Response:
    """Make the response and process it. After an error handler, a second error is only logged."""
    response = app.make_response(rv)
    try:
        response = app.process_response(response)
        if request_finished.receivers:
            request_finished.send(app, _async_wrapper=app.ensure_sync, response=response)
        if len(response.__dict__) > 1:
            check_response(response)
    except Exception:
        if not from_error_handler:
            raise
        app.logger.exception("Request finalizing failed with an error while handling an error")
        response = sendable(app, response, InternalServerError())
    return response


def process_response(app: Kolben, response: Response) -> Response:
    """Run what was registered to change the response, and save the session."""
    ctx = _request_ctx()
    for func in ctx._after_request or ():
        response = app.ensure_sync(func)(response)
        check_returned(func, response)
    for name in chain(ctx.request.blueprints, (None,)):
        for func in reversed(app.after_request_funcs.get(name, ())):
            response = app.ensure_sync(func)(response)
            check_returned(func, response)
    session = ctx._session
    if session is not None and not app.session_interface.is_null_session(session):
        app.session_interface.save_session(app, session, response)
    return response


def handle_user_exception(app: Kolben, e: Exception) -> t.Any:
    """Answer an exception by its handler; an HTTP exception without one answers for itself.

    :raises Exception: ``e``, if no handler takes it.
    """
    if isinstance(e, BadRequestKeyError) and (app.debug or app.config["TRAP_BAD_REQUEST_ERRORS"]):
        e.show_exception = True
    if isinstance(e, HTTPException) and not app.trap_http_exception(e):
        return app.handle_http_exception(e)
    handler = find_handler(app.error_handler_spec, _request().blueprints, e)
    if handler is None:
        raise e
    return app.ensure_sync(handler)(e)


def handle_http_exception(app: Kolben, e: HTTPException) -> t.Any:
    """Answer an HTTP exception by its handler, or by itself."""
    if e.code is None or isinstance(e, RoutingException):
        return e
    handler = find_handler(app.error_handler_spec, _request().blueprints, e)
    return e if handler is None else app.ensure_sync(handler)(e)


def handle_exception(app: Kolben, e: Exception) -> Response:
    """Answer an exception that nothing took: log it; the handler for 500 gets it as ``original_exception``.

    :raises Exception: ``e``, if exceptions are to propagate.
    """
    if got_request_exception.receivers:
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=e)
    if must_propagate(app):
        raise e
    app.log_exception((type(e), e, e.__traceback__))
    error = InternalServerError(original_exception=e)
    handler = find_handler(app.error_handler_spec, _request().blueprints, error)
    rv = error if handler is None else app.ensure_sync(handler)(error)
    return app.finalize_request(rv, from_error_handler=True)


def trap_http_exception(app: Kolben, e: Exception) -> bool:
    """Whether an HTTP exception is handled like any other (``TRAP_HTTP_EXCEPTIONS``, ``TRAP_BAD_REQUEST_ERRORS``)."""
    return is_trapped(app.config, e)


def should_ignore_error(app: Kolben, error: BaseException | None) -> bool:
    """Whether teardown functions are not told of an exception. Never, unless overridden."""
    return False


def do_teardown_request(app: Kolben, exc: BaseException | None = _sentinel) -> None:
    """Run the functions of ``teardown_request``."""
    if exc is _sentinel:
        exc = sys.exc_info()[1]
    for name in chain(_request().blueprints, (None,)):
        for func in reversed(app.teardown_request_funcs.get(name, ())):
            app.ensure_sync(func)(exc)
    if request_tearing_down.receivers:
        request_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def do_teardown_appcontext(app: Kolben, exc: BaseException | None = _sentinel) -> None:
    """Run the functions of ``teardown_appcontext``."""
    if exc is _sentinel:
        exc = sys.exc_info()[1]
    for func in reversed(app.teardown_appcontext_funcs):
        app.ensure_sync(func)(exc)
    if appcontext_tearing_down.receivers:
        appcontext_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=exc)


def ensure_sync(app: Kolben, func: Callable[..., t.Any]) -> Callable[..., t.Any]:
    """``func`` as a plain function: a coroutine function is run on the worker's event loop by :meth:`async_to_sync`."""
    return app.async_to_sync(func) if bridge.is_async(func) else func


def async_to_sync(app: Kolben, func: Callable[..., t.Any]) -> Callable[..., t.Any]:
    """A plain function that runs the coroutine function ``func`` and waits for it."""
    return bridge.to_sync(func)
