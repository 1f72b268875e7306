"""WSGI (PEP 3333): from an environ to a plan's response, and back to the server."""

from __future__ import annotations

import typing as t
from contextvars import Token, copy_context
from types import AsyncGeneratorType, GeneratorType

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import bridge
from ..ctx import RequestContext
from ..dispatch.run import STREAMED
from ..globals import reset_current, set_current
from ..http.head import parse_content_length
from ..http.headers import LENGTHS
from ..http.host import VALID_HOSTS, decode_path, validate_target
from ..http.response import Response
from ..http.wire import Page, is_bodiless
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down, request_tearing_down
from .closing import close, needs_closing
from .head import check_framing, check_host, with_one_slash
from .streams import OwnedStream, open_stream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ..dispatch.build import Known, Plans
    from ..dispatch.plan import Plan
    from ..http.request import Request

_new: t.Any = object.__new__
_MISSING = Token.MISSING
# PERF: benchmarks/inprocess.py, kind "plain text". A signal keeps one dict of its receivers for good.
_pushed, _popped = appcontext_pushed.receivers, appcontext_popped.receivers
_torn_down, _torn_down_app = request_tearing_down.receivers, appcontext_tearing_down.receivers


def serve(plans: Plans, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    path: str = environ.get("PATH_INFO", "")
    known = plans.fixed.get((environ["REQUEST_METHOD"], path))
    length = environ.get("CONTENT_LENGTH")
    is_odd = environ.get("HTTP_HOST") not in VALID_HOSTS or "HTTP_TRANSFER_ENCODING" in environ
    is_odd = is_odd or bool(length and not (length.isdigit() and length.isascii() and len(length) < 19))
    if is_odd or (known is None and (path[:1] != "/" or path[1:2] == "/" or not path.isascii() or "\0" in path)):
        try:
            known, path = None, _checked(environ, path)
        except BadRequest as exc:
            return _refuse(plans, exc, environ, start_response)
    token = set_current(ctx := _open(plans, environ, path, known))
    stream: Iterable[bytes] | None = None
    try:
        if token.old_value is not _MISSING or plans.serving.is_due or _pushed:
            _enter(ctx, token)
        if not plans.session_is_lazy or ("HTTP_COOKIE" in environ and plans.session_cookie in environ["HTTP_COOKIE"]):
            plans.open_early(ctx)
        plan = ctx.plan = ctx.plan or plans.match(ctx)
        if plan.takes_body_early:
            _take_body(ctx.request, plan)
        answer = plan.run(ctx)
        if type(answer) is bytes:
            start_response("200 OK", [plans.content_type, LENGTHS[len(answer)]])
            return [] if ctx.request.method == "HEAD" else [answer]
        if type(answer) is Page:
            start_response(answer.status, answer.headers)
            body = [answer.body] if answer.body and ctx.request.method != "HEAD" else []
            return body if answer.told is None else _Closing(body, answer.told)
        return (stream := _send_other(ctx, answer, environ, start_response))
    except BaseException as exc:
        ctx.note_error(exc)
        raise
    finally:
        is_left = _popped or "werkzeug.debug.preserve_context" in environ
        is_over = not (
            ctx.is_eventful or ctx.request.holds_body or ctx.plan.has_teardown or _torn_down or _torn_down_app
        )
        if is_left or not (is_over or type(stream) is OwnedStream):
            _leave(ctx, environ, token, stream)
        else:
            reset_current(token)


def _refuse(plans: Plans, exc: BadRequest, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    from .refusal import refuse

    return refuse(exc, environ, start_response, plans.app.explains_errors)


def _open(plans: Plans, environ: WSGIEnvironment, path: str, known: Known | None) -> RequestContext:
    """The context of a request, and the request, unless its class makes itself, without a constructor."""
    if not plans.makes_requests_plain:
        return RequestContext().bind(plans, plans.request_class(environ))
    # PERF: benchmarks/inprocess.py, kind "plain text". What every request is asked is the instance's own: what only the
    # class says is found in three times as many steps.
    ctx = RequestContext()
    ctx.app = plans.app
    ctx.plans = plans
    ctx.is_eventful = False
    request: Request = _new(plans.request_class)
    ctx.request = request
    request.environ = environ
    request.scope = None
    request.path = path
    request.holds_body = plans.holds_body
    request.method = environ["REQUEST_METHOD"]
    if known is not None:
        request.url_rule, ctx.plan = known
        request.view_args = {}
    elif not request.method.isupper():
        request.method = request.method.upper()
    return ctx


def _enter(ctx: RequestContext, token: Token[t.Any]) -> None:
    """Do what comes before the first request, and what comes with a context that is entered."""
    if token.old_value is not _MISSING:
        ctx.enter_app_context(token.old_value)
    if ctx.app.serving.is_due:
        ctx.app.serving.start_sync()
    if _pushed and ctx._app_ctx is None:
        bridge.send(appcontext_pushed, ctx.app)


def _leave(ctx: RequestContext, environ: WSGIEnvironment, token: Token[t.Any], stream: t.Any) -> None:
    """End what is still open of a request, unless its body does, after the test client had a look at it."""
    if "werkzeug.debug.preserve_context" in environ:
        environ["werkzeug.debug.preserve_context"](ctx)
    try:
        if type(stream) is not OwnedStream and needs_closing(ctx):
            close(ctx)
    finally:
        reset_current(token)
        if _popped and ctx._app_ctx is None and type(stream) is not OwnedStream:
            bridge.send(appcontext_popped, ctx.app)


def _take_body(request: Request, plan: Plan) -> None:
    """Apply the limit of the route; receive the body of an asynchronous view."""
    if plan.max_content_length is not None:
        request.max_content_length = plan.max_content_length
    if plan.is_async and not plan.stream_body:
        # NOTE: the view runs on the portal's loop, which must not wait for this client to send.
        request.body.load()


def _checked(environ: WSGIEnvironment, path: str) -> str:
    """The path of a request whose head is not plain to see as good. It begins with exactly one slash.

    :raises BadRequest: host, path or ``Content-Length`` is malformed.
    """
    parse_content_length(environ.get("CONTENT_LENGTH"))
    if "HTTP_TRANSFER_ENCODING" in environ:
        check_framing(environ["HTTP_TRANSFER_ENCODING"], bool(environ.get("CONTENT_LENGTH")))
    path = decode_path(validate_target(path, environ.get("REQUEST_METHOD", "GET"), environ.get("SCRIPT_NAME", "")))
    check_host(
        environ.get("HTTP_HOST"),
        version=environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
        has_peer=bool(environ.get("REMOTE_ADDR")),
    )
    return with_one_slash(path)


def _send_other(
    ctx: RequestContext, response: t.Any, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Send a stream, or a response that sends itself."""
    if type(response) in STREAMED:
        start_response("200 OK", [ctx.plans.content_type])
        if ctx.request.method == "HEAD":
            return _Closing([], response)
        return open_stream(ctx, None, response) if type(response) is GeneratorType else _owned(ctx, None, response)
    if not isinstance(response, Response) or not response.goes_plain:
        return _owned(ctx, None, response(environ, start_response))
    status = response._status_code
    headers = response.__dict__.get("sealed") or response.wire_headers()
    start_response(response.status, headers)
    if ctx.request.method == "HEAD" or is_bodiless(status):
        return _Closing([], response)
    body = response.response
    if isinstance(body, (list, tuple)):
        return _Closing(response.body_chunks(), response)
    return _owned(ctx, response, body)


def _owned(ctx: RequestContext, response: t.Any, body: t.Any) -> Iterable[bytes]:
    if isinstance(response, WerkzeugResponse) and not hasattr(body, "close") and isinstance(body, (list, tuple)):
        return _Closing(list(body), response)
    # NOTE: two contexts, for the loop is in one of them while this thread, in the other, waits for it.
    iterator = bridge.SyncIterator(body, copy_context()) if hasattr(body, "__aiter__") else iter(body)
    return open_stream(ctx, response, iterator)


class _Closing:
    """A body in memory whose response wants to know when it was sent."""

    __slots__ = ("_body", "_response")

    def __init__(self, body: list[bytes], response: t.Any) -> None:
        self._body = body
        self._response = response

    def __iter__(self) -> t.Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        if type(self._response) is not AsyncGeneratorType:
            self._response.close()
