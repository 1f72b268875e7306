"""ASGI 3: from a scope to a plan's response, and back to the server."""

from __future__ import annotations

import inspect
import sys
import threading
import typing as t
from contextvars import Token, copy_context
from functools import partial
from types import CoroutineType, coroutine

from werkzeug.exceptions import BadRequest

from .. import bridge
from ..ctx import RequestContext
from ..dispatch.plan import Mode, Plan
from ..globals import reset_current, set_current
from ..http.body import ReceivedBody, StreamedBody
from ..http.head import parse_content_length
from ..http.headers import RAW_LENGTHS
from ..http.wire import Page
from ..signals import appcontext_popped, appcontext_pushed, appcontext_tearing_down, request_tearing_down
from . import lifespan
from .closing import needs_closing
from .head import KNOWN_HOSTS, checked

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, MutableMapping

    from ..app import Kolben
    from ..dispatch.build import Known, Plans
    from ..dispatch.plan import Answer
    from ..http.request import Request
    from ..http.response import Response

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_new: t.Any = object.__new__
_WHOLE = frozenset({bytes, Page})
_LOOP, _THREAD, _MISSING = Mode.LOOP, Mode.THREAD, Token.MISSING
# PERF: benchmarks/inprocess.py, kind "plain text". A signal keeps one dict of its receivers for good.
_pushed, _popped = appcontext_pushed.receivers, appcontext_popped.receivers
_torn_down, _torn_down_app = request_tearing_down.receivers, appcontext_tearing_down.receivers
_NO_BODY_EXPECTED = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"})


async def serve(plans: Plans, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, serve one WebSocket, or live through the server's lifespan."""
    if scope["type"] != "http":
        return await _serve_other(plans, scope, receive, send)
    index, method, path = dict(headers := scope["headers"]), scope["method"], scope["path"]
    known, is_chunked = plans.fixed.get((method, path)), b"transfer-encoding" in index
    has_body = is_chunked or b"content-length" in index
    is_odd = is_chunked or index.get(b"host") not in KNOWN_HOSTS or len(index) != len(headers) or scope.get("root_path")
    is_odd = is_odd or (has_body and not ((size := index[b"content-length"]).isdigit() and len(size) < 19))
    is_odd = is_odd or (known is None and (path[:1] != "/" or path[1:2] == "/" or not path.isascii() or "\0" in path))
    if is_odd and (path := await _checked(plans, scope, index, send)) is None:
        return None
    ctx = _open(plans, scope, path) if is_odd else _open(plans, scope, path, known, index)
    token, is_over = set_current(ctx), False
    try:
        if token.old_value is not _MISSING or plans.serving.is_due or _pushed:
            await _enter(ctx, token)
        if not plans.session_is_lazy or (b"cookie" in index and _may_have_session(plans, scope, index)):
            await _open_early(plans, ctx)
        plan = ctx.plan = ctx.plan or plans.match(ctx)
        if (has_body or method not in _NO_BODY_EXPECTED) and (filling := _take_body(ctx, plan, index, receive)):
            plan = await filling
        mode = plan.mode
        answer = await plan.run(ctx) if mode is _LOOP else await _trip(ctx) if mode is _THREAD else plan.run(ctx)
        if type(answer) is bytes:
            pairs = [plans.content_type, RAW_LENGTHS[len(answer)]]
            start, body, told = {"type": "http.response.start", "status": 200, "headers": pairs}, answer, None
        elif type(answer) is Page:
            start = {"type": "http.response.start", "status": answer.status_code, "headers": answer.headers}
            body, told = answer.body, answer.told
        else:
            return await _stream(ctx, scope, answer, receive, send)
        # NOTE: what teardown releases, a database connection say, is free before a slow client is served.
        is_over = not (plan.has_teardown or ctx.request.holds_body or _torn_down or _torn_down_app) or ctx.is_closed
        if ctx.is_eventful or not is_over:
            is_over = not await _end(ctx, plan)
        send = send if told is None else _telling(told, send)
        await send(_say_closing(start, scope) if plans.serving.closes_connections else start)
        await send({"type": "http.response.body", "body": body if method != "HEAD" else b""})
    except BaseException as exc:
        ctx.error = None if is_over or ctx.is_closed else ctx.error or exc
        raise
    finally:
        if (is_over or (ctx.is_closed and not ctx.background)) and not (_popped or "kolben.preserve_context" in scope):
            reset_current(token)
        else:
            await _leave(ctx, scope, token)


async def _checked(plans: Plans, scope: Scope, index: dict[bytes, bytes], send: Send) -> str | None:
    """The path of a request whose head is not plain to see as good; ``None`` if it was refused."""
    try:
        return checked(scope, index)
    except BadRequest as exc:
        from .refusal import refuse_scope

        await refuse_scope(exc, scope, send, plans.app.explains_errors)
        return None


async def _serve_other(plans: Plans, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        from . import websocket

        await websocket.serve(plans, scope, receive, send)
    elif scope["type"] == "lifespan":
        await lifespan.serve(plans.app, receive, send)
    else:
        raise ValueError(f"The server opened a connection of a type that ASGI 3 does not know: {scope['type']!r}.")


def _open(
    plans: Plans, scope: Scope, path: str, known: Known | None = None, index: dict[bytes, bytes] | None = None
) -> RequestContext:
    """The context of a request, and the request, unless its class makes itself, without a constructor.

    :param index: the headers, if no name stands twice among them.
    """
    if not plans.makes_requests_plain:
        return RequestContext().bind(plans, plans.request_class.from_scope(scope))
    # PERF: benchmarks/inprocess.py, kind "plain text". What every request is asked is the instance's own: what only the
    # class says is found in three times as many steps.
    ctx = RequestContext()
    ctx.app = plans.app
    ctx.plans = plans
    ctx.is_eventful = False
    request: Request = _new(plans.request_class)
    ctx.request = request
    request.scope = scope
    request.index = index
    request.path = path
    request.holds_body = plans.holds_body
    request.method = scope["method"]
    if known is not None:
        request.url_rule, ctx.plan = known
        request.view_args = {}
    return ctx


async def _leave(ctx: RequestContext, scope: Scope, token: Token[t.Any]) -> None:
    """End what is still open of a request, after the test client had a look at it, and leave its context."""
    try:
        if "kolben.preserve_context" in scope:
            scope["kolben.preserve_context"](ctx)
        await _close(ctx)
    finally:
        reset_current(token)
        if _popped and ctx._app_ctx is None:
            await bridge.send_async(appcontext_popped, ctx.app)


async def _enter(ctx: RequestContext, token: Token[t.Any]) -> None:
    """Do what comes before the first request, and what comes with a context that is entered."""
    if token.old_value is not _MISSING:
        ctx.enter_app_context(token.old_value, on_loop=True)
    if ctx.app.serving.is_due:
        await ctx.app.serving.start()
    if _pushed and ctx._app_ctx is None:
        await bridge.send_async(appcontext_pushed, ctx.app)


async def _open_early(plans: Plans, ctx: RequestContext) -> None:
    """Open the session, in a thread if that is not Kolben's own, which may block."""
    if plans.session_is_lazy:
        plans.open_early(ctx)
    else:
        await bridge.in_thread(plans.open_early, ctx)


def _may_have_session(plans: Plans, scope: Scope, index: dict[bytes, bytes]) -> bool:
    # NOTE: HTTP/2 may split cookies over several headers, of which the index has one.
    return len(index) != len(scope["headers"]) or plans.session_cookie in index[b"cookie"].decode("latin-1")


def _trip(ctx: RequestContext) -> Awaitable[Answer]:
    """The answer of a plan that runs in a worker thread."""
    ctx.is_working = True
    return bridge.views.call(_answer_in_thread, (ctx,), copy_context())


def _answer_in_thread(ctx: RequestContext) -> Answer:
    """Run the pipeline, and for a body in memory its teardown too, on the one thread."""
    response: t.Any = None
    try:
        response = ctx.plan.run(ctx)
        return response  # type: ignore[no-any-return]  # PERF: a cast is a call
    except BaseException as exc:
        ctx.note_error(exc)
        raise
    finally:
        # NOTE: a cancelled request is closed by whoever comes last, this thread or the loop: each writes its own word
        # before it reads the other's.
        ctx.is_working = False
        is_whole = response is None or type(response) in _WHOLE
        if not is_whole and not ctx.is_abandoned:
            ctx.context = copy_context()
        elif ctx.is_abandoned or needs_closing(ctx):
            _close_here(ctx)
        else:
            ctx.is_closed = True


def _close_here(ctx: RequestContext) -> None:
    with _closing:
        is_closed, ctx.is_closed = ctx.is_closed, True
    if not is_closed:
        try:
            ctx.plan.close(ctx, ctx.plan, ctx.error)
        finally:
            ctx.error = None  # NOTE: its traceback knows this context; together they would wait for the collector.


_closing = threading.Lock()


def _end(ctx: RequestContext, plan: Plan) -> Awaitable[bool | None]:
    """What ends a request before its answer is sent; it gives whether background tasks keep it open."""
    if ctx.background is not None:
        return _later()
    if plan.mode is not _LOOP or ctx.error is not None or ctx.is_closed:
        return _close(ctx)
    ctx.is_closed = True
    return plan.close(ctx, plan, None)  # type: ignore[no-any-return]  # PERF: a cast is a call


async def _later() -> bool:
    return True


async def _close(ctx: RequestContext) -> None:
    """End a request's context on whatever runs its plan. Further calls do nothing."""
    plan: Plan | None = ctx.plan
    if plan is not None and not ctx.is_closed:
        if plan.mode is Mode.LOOP:
            ctx.is_closed = True
            try:
                await plan.close(ctx, plan, ctx.error)
            finally:
                ctx.error = None
        elif plan.mode is Mode.THREAD:
            ctx.is_abandoned = True
            if not ctx.is_working:
                context, ctx.context = ctx.context or copy_context(), None
                await bridge.in_cleanup_thread(context.run, _close_here, ctx)
        else:
            _close_here(ctx)
    if ctx.background is not None:
        jobs, ctx.background = ctx.background, None
        ctx.app.serving.launch(jobs)


def _take_body(ctx: RequestContext, plan: Plan, index: dict[bytes, bytes], receive: Receive) -> Awaitable[Plan] | None:
    """Take a short body that is there already; else return what :func:`_fill_body` is to be awaited for."""
    # PERF: benchmarks/inprocess.py, kinds "json body" and "form": what need not be waited for needs no watch.
    length, most = index.get(b"content-length"), ctx.plans.short_body
    size = int(length) if length else None
    # NOTE: a body that is too long is not asked for: servers answer an Expect header by that.
    if plan.takes_short_body and (size is None or size <= most):
        first = receive()
        if type(first) is CoroutineType:
            try:
                awaited = first.send(None)
            except StopIteration as stop:
                message = stop.value
                if message["type"] == "http.request" and not message.get("more_body"):
                    body = message.get("body", b"")
                    if len(body) == size or (size is None and len(body) <= most):
                        ctx.request.received = body
                        return None
                receive = _before(partial(_giving, message), receive)
            else:
                receive = _before(partial(_resumed, first, awaited), receive)
        else:
            receive = _before(lambda: first, receive)
    return _fill_body(ctx, plan, index, receive)


def _before(first: Receive, receive: Receive) -> Receive:
    """``receive`` where the first call of it was made already."""
    waiting = [first]

    def receive_on() -> Awaitable[Message]:
        return waiting.pop()() if waiting else receive()

    return receive_on


async def _giving(message: Message) -> Message:
    return message


@coroutine
def _resumed(started: CoroutineType[t.Any, t.Any, Message], awaited: t.Any) -> Generator[t.Any, t.Any, Message]:
    """Go on with a coroutine that was run up to where it waits."""
    try:
        while True:
            try:
                sent = yield awaited
            except BaseException as exc:
                awaited = started.throw(exc)
            else:
                awaited = started.send(sent)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # PERF: a cast is a call


async def _fill_body(ctx: RequestContext, plan: Plan, index: dict[bytes, bytes], receive: Receive) -> Plan:
    """Receive the body, or, for a view that streams it, say where it comes from. Returns the plan that answers."""
    request = ctx.request
    ctx.is_preserved = request.scope is not None and "kolben.preserve_context" in request.scope
    limit = request.max_content_length
    if plan.max_content_length is not None:
        limit = request.max_content_length = plan.max_content_length
    length = None if b"transfer-encoding" in index else parse_content_length(index.get(b"content-length"))
    pace = ctx.plans.pace
    arrival = None if pace is None else pace.arrival()
    if plan.stream_body:
        wait = None if plan.mode is Mode.LOOP else bridge.call_sync
        request.hold(StreamedBody(_noting_the_end(ctx, receive), length, limit, wait, arrival))
        return plan
    body = ReceivedBody(limit, length)
    request.hold(body)
    await body.fill(receive, bridge.in_thread, arrival)
    if body.is_complete:
        return plan
    if body.is_late:
        request.routing_exception = body.lateness()
        plan = ctx.plan = ctx.plans[None]
    elif body.wants_more is False and plan.mode is Mode.THREAD:
        body.resume = lambda: bridge.call_sync(body.fill, receive, bridge.in_thread, arrival)
    return plan


def _noting_the_end(ctx: RequestContext, receive: Receive) -> Receive:
    """``receive`` for a body that is streamed; whoever waits for the client to go must leave its messages alone."""
    from asyncio import Event

    ended = ctx.body_ended = Event()

    async def receive_and_note() -> Message:
        message = await receive()
        if not message.get("more_body"):
            ended.set()
        return message

    return receive_and_note


def _telling(told: Response, send: Send) -> Send:
    """``send`` that closes the response when it was sent, or when it cannot be."""

    async def send_and_tell(message: Message) -> None:
        is_over = True
        try:
            await send(message)
            is_over = message["type"] == "http.response.body"
        finally:
            if is_over:
                told.close()

    return send_and_tell


def _say_closing(start: dict[str, t.Any], scope: Scope) -> Message:
    from .drain import closing

    return closing(start, scope["http_version"])


def _stream(ctx: RequestContext, scope: Scope, response: t.Any, receive: Receive, send: Send) -> Awaitable[None]:
    if "kolben.preserve_context" in scope:
        # NOTE: now, for the test client reads the stream while it runs.
        scope.pop("kolben.preserve_context")(ctx)
    return _pump(ctx, response, receive, send, _close)  # type: ignore[no-any-return]  # loaded late


def _load_pump(*args: t.Any) -> t.Any:
    global _pump
    from .pump import pump

    _pump = pump
    return pump(*args)


_pump: t.Any = _load_pump  # NOTE: it needs asyncio, which is not loaded before a request needs it.


def mark(app: Kolben) -> None:
    """Let servers that look at ``app.__call__`` to guess the protocol see a coroutine function.

    NOTE: the attribute is what inspection finds; a call ``app(...)`` looks at the class and does not pass here.
    """
    call = _Call(app)
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(call)
    app.__dict__["__call__"] = call


async def _asgi_shape(scope: Scope, receive: Receive, send: Send) -> None:
    """What :class:`_Call` looks like from outside."""


class _Call:
    """``app.__call__`` for inspection: to :mod:`inspect` a coroutine function, called it is the application."""

    __name__ = "__call__"
    __qualname__ = "Kolben.__call__"
    __code__ = _asgi_shape.__code__
    __defaults__ = None
    __kwdefaults__ = None
    __annotations__ = _asgi_shape.__annotations__

    def __init__(self, app: Kolben) -> None:
        import weakref

        self._app = weakref.ref(app)

    def __call__(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        app = self._app()
        assert app is not None
        return type(app).__call__(app, *args, **kwargs)
