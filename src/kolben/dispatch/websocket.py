"""The pipeline of a WebSocket: hooks, view, and what becomes of an exception.

It exists once, on the event loop: a synchronous view runs in a thread of its own and talks to the loop.
"""

from __future__ import annotations

import typing as t
from types import CoroutineType

from werkzeug.exceptions import HTTPException, InternalServerError

from ..bridge import send_async, settle_async
from ..http.websocket import SyncWebSocket, WebSocket, WebSocketClosed
from ..signals import got_websocket_exception, websocket_finished, websocket_started, websocket_tearing_down
from .errors import must_propagate

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..http.response import Response
    from .plan import Plan


async def run(ctx: RequestContext, websocket: WebSocket) -> None:
    """Serve a WebSocket that has been matched, until its view ends; close or refuse it then.

    :raises Exception: what the view raised, where exceptions are to propagate (debugging, tests).
    """
    plan = ctx.plan
    response: Response | None = None
    try:
        if websocket_started.receivers:
            await send_async(websocket_started, ctx.app)
        rv = await _call(ctx, plan, websocket)
        if rv is not None and not websocket.accepted:
            response = plan.convert(rv)
        elif ctx.app.debug and not websocket.accepted and not websocket.closed:
            _warn_of_silence(ctx, plan)
    except WebSocketClosed:
        pass
    except Exception as exc:
        response = await _fail(ctx, plan, exc, websocket)
    for hook in plan.after:
        response = await hook(response)
    if ctx._session is not None and response is not None:
        await plan.save_session(ctx, response)
    if websocket_finished.receivers:
        await send_async(websocket_finished, ctx.app, response=response)
    if response is not None and not websocket.accepted:
        headers = [pair for pair in response.wire_headers() if pair[0].lower() != "content-length"]
        await websocket.reject(response.status_code, headers, b"".join(response.body_chunks()))
    elif not websocket.closed:
        await websocket.close(1000 if ctx.error is None else 1011)


async def _call(ctx: RequestContext, plan: Plan, websocket: WebSocket) -> t.Any:
    """Run hooks and view; what is returned instead of accepting refuses the socket."""
    request = ctx.request
    for preprocess in plan.preprocessors:
        await preprocess(plan.endpoint, request.view_args)
    for hook in plan.before:
        rv = await hook()
        if rv is not None:
            return rv
    values = dict(request.view_args or {})
    if plan.websocket_parameter is not None:
        values[plan.websocket_parameter] = websocket if plan.is_async else SyncWebSocket(websocket)
    rv = await plan.view(**values)
    return await settle_async(rv) if type(rv) is CoroutineType else rv


def _warn_of_silence(ctx: RequestContext, plan: Plan) -> None:
    """Say which view ended without a word: its client gets a 403, and nothing says why."""
    from ..places import describe_function

    cause = (
        "An 'await' is probably missing: 'await ws.send(…)' and 'await ws.receive()' accept it, 'ws.send(…)' alone does"
        " nothing."
        if plan.is_async
        else "'accept()', 'send(…)' and 'receive()' accept it."
    )
    ctx.app.logger.warning(
        "The view function %s ended without accepting the WebSocket, so its client got a 403. %s To refuse it, call"
        " 'close()' or return a response.",
        describe_function(ctx.app.view_functions[plan.endpoint or ""]),
        cause,
    )


async def _fail(ctx: RequestContext, plan: Plan, exc: Exception, websocket: WebSocket) -> Response | None:
    """Answer an exception: by its handler, as the HTTP exception it is, or as a logged error."""
    handler = plan.find_handler(exc)
    if handler is None and isinstance(exc, HTTPException):
        handler = plan.pass_through
    if handler is None:
        ctx.note_error(exc)
        if got_websocket_exception.receivers:
            await send_async(got_websocket_exception, ctx.app, exception=exc)
        if must_propagate(ctx.app):
            try:
                raise exc
            finally:
                del exc  # NOTE: or this frame, which its traceback knows, would keep it until the collector comes.
        ctx.app.log_exception((type(exc), exc, exc.__traceback__))
        handler, exc = plan.pass_through, InternalServerError(original_exception=exc)
    rv = await handler(exc)
    return None if rv is None or websocket.accepted else plan.convert(rv)


async def close(ctx: RequestContext, plan: Plan, exc: BaseException | None) -> None:
    """Run the teardown functions of a WebSocket."""
    error: Exception | None = None
    for func in (*plan.teardown, *plan.teardown_app):
        try:
            await func(exc)
        except Exception as failure:
            error = error or failure
    if websocket_tearing_down.receivers:
        await send_async(websocket_tearing_down, ctx.app, exc=exc)
    ctx.request.close()
    if error is not None:
        raise error
