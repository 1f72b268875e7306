"""WebSockets over ASGI: from a handshake to a plan's view, and to the close."""

from __future__ import annotations

import asyncio
import typing as t

from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError

from .. import bridge
from ..ctx import RequestContext
from ..dispatch import websocket as pipeline
from ..globals import reset_current, set_current
from ..http.host import parse_host
from ..http.websocket import SyncWebSocket, WebSocket, origin_is_allowed
from ..signals import appcontext_popped, appcontext_pushed
from .head import checked

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from ..dispatch.build import Plans

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

NOTICES_WITHIN = 1.0
"""Seconds that a view has to notice that its WebSocket was closed for it, before it is cancelled."""


async def serve(plans: Plans, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one WebSocket in a task of its own, which is cancelled if the client goes away unnoticed by the view."""
    opened = _Opened(receive)
    task = opened.task = asyncio.get_running_loop().create_task(_serve(plans, scope, opened, send))
    drain = plans.app.serving.drain
    if drain is not None:
        drain.add(opened)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    finally:
        if drain is not None:
            drain.remove(opened)
    try:
        if not task.cancelled():
            task.result()
    finally:
        # NOTE: what it raises knows this frame; together they would wait for the collector.
        opened.task = None
        del task


async def _serve(plans: Plans, scope: Scope, opened: _Opened, send: Send) -> None:
    app = plans.app
    request = plans.request_class.from_scope(scope)
    limit = app.config["WEBSOCKET_MAX_MESSAGE_SIZE"]
    websocket = WebSocket(request, t.cast(t.Any, opened.receive), t.cast(t.Any, send), scope, max_message_size=limit)
    opened.websocket = websocket
    try:
        request.path = checked(scope, dict(scope["headers"]))
        _check_origin(plans, scope, websocket)
    except HTTPException as exc:
        return await _refuse(websocket, exc)
    if app.serving.is_due:
        await app.serving.start()
    ctx = RequestContext().bind(plans, request)
    token = set_current(ctx)
    try:
        if appcontext_pushed.receivers:
            await bridge.send_async(appcontext_pushed, app)
        if not plans.session_is_lazy:
            ctx._session = await bridge.in_thread(plans.open_session, ctx)
        plan = ctx.plan = plans.match_websocket(ctx)
        if plan.is_async:
            ctx.websocket, websocket.on_disconnect = websocket, opened.cancel
        else:
            # NOTE: its thread cannot be cancelled; the next call on the socket tells it.
            ctx.websocket = t.cast(WebSocket, SyncWebSocket(websocket))
        await _run(ctx, opened, websocket)
    except BaseException as exc:
        ctx.note_error(exc)
        raise
    finally:
        if "kolben.preserve_context" in scope:
            scope["kolben.preserve_context"](ctx)
        try:
            await _close(ctx)
        finally:
            reset_current(token)
            if appcontext_popped.receivers:
                await bridge.send_async(appcontext_popped, app)


async def _run(ctx: RequestContext, opened: _Opened, websocket: WebSocket) -> None:
    """Run the pipeline, and end what it left open.

    NOTE: of an exception the client is told here: the server that gets it may close as if all had gone well.
    """
    try:
        await pipeline.run(ctx, websocket)
    except Exception:
        await opened.closed()
        if websocket.accepted:
            await websocket.close(1011)
        else:
            await _refuse(websocket, InternalServerError())
        raise
    finally:
        await opened.closed()
        await websocket.close()


class _Opened:
    """A WebSocket as the server's end sees it: closed with 1012, "Service Restart", so that clients connect anew.

    :param receive: of the server.
    """

    lasts = True

    def __init__(self, receive: Receive) -> None:
        self.task: asyncio.Task[None] | None = None
        """In which it is served, while it is."""
        self.websocket: WebSocket | None = None
        self._receive = receive
        self._pending: t.Any = None
        self._ending: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None

    async def receive(self) -> Message:
        """The next message of the server, unless it is over."""
        if self._closing is None:
            self._pending = self._receive()
            try:
                return t.cast("Message", await self._pending)
            except asyncio.CancelledError:
                if self._closing is None:
                    raise
            finally:
                self._pending = None
        return {"type": "websocket.disconnect", "code": 1012}

    def cancel(self) -> None:
        """Cancel the view: nobody is there any more."""
        if self.task is not None:
            self.task.cancel()

    def end(self) -> None:
        """Close it. A view that does not notice, for it waits for something else, is cancelled."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        task = self.task
        if task is None:
            return
        if self.websocket is not None and self.websocket.accepted:
            self._closing = asyncio.get_running_loop().create_future()
            # NOTE: Granian sends no close frame while somebody is waiting to receive.
            if hasattr(self._pending, "cancel"):
                self._pending.cancel()
            try:
                # NOTE: in this step, before the view goes on: to it, the socket is closed with this code already.
                await self.websocket.close(1012, "Service Restart")
            finally:
                self._closing.set_result(None)
            await asyncio.wait({task}, timeout=NOTICES_WITHIN)
        task.cancel()

    async def closed(self) -> None:
        """Wait for the close frame, if one is being sent: an application that is done is closed without a code."""
        if self._closing is not None:
            await asyncio.wait({self._closing})


async def _close(ctx: RequestContext) -> None:
    if ctx.plan is not None:
        await pipeline.close(ctx, ctx.plan, ctx.error)
    if ctx.background is not None:
        ctx.app.serving.launch(ctx.background)


def _check_origin(plans: Plans, scope: Scope, websocket: WebSocket) -> None:
    """Refuse a page of another site: browsers send this site's cookies with its handshake (RFC 6455 section 10.2).

    :raises Forbidden: it is one.
    """
    host = websocket.headers.get("host", "")
    origin = websocket.headers.get("origin")
    allowed = plans.app.config["WEBSOCKET_ALLOWED_ORIGINS"]
    if not origin_is_allowed(origin, parse_host(host) if host else "", scope.get("scheme") or "ws", allowed):
        raise Forbidden(
            f"The WebSocket was opened by a page of {origin!r}. To allow it, add that origin to the"
            " 'WEBSOCKET_ALLOWED_ORIGINS' setting."
        )


async def _refuse(websocket: WebSocket, exc: HTTPException) -> None:
    response = exc.get_response()
    body = response.get_data()
    await websocket.reject(exc.code or 400, [("Content-Type", response.headers["Content-Type"])], body)
