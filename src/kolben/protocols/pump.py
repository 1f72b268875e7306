"""Streamed responses under ASGI: pulled from the generator, pushed to the client, ended once."""

from __future__ import annotations

import asyncio
import types
import typing as t
from asyncio import Task, current_task
from contextvars import copy_context

from werkzeug.wrappers import Response as WerkzeugResponse

from .. import bridge
from ..dispatch.run import STREAMED
from ..http.headers import encode_headers
from ..http.response import Response, to_bytes
from ..http.sse import EventStream
from ..http.wire import asgi_headers, is_bodiless
from .closing import needs_closing
from .drain import closing
from .pulling import Puller, settled

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, MutableMapping
    from contextvars import Context

    from ..ctx import RequestContext
    from ..http.request import Request

    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    CloseRequest = Callable[[RequestContext], Awaitable[None]]

YIELD_EVERY = 16
"""Chunks that a generator may yield one after the other before everything else on the loop gets its turn.

NOTE: neither it nor a server's send() need ever give way, least of all when the client has gone.
"""


@types.coroutine
def pump(
    ctx: RequestContext, response: t.Any, receive: Receive, send: Send, close_request: CloseRequest
) -> Generator[t.Any, t.Any, None]:
    """Send one streamed response, or a generator that is the body of an ordinary one, until it or its client ends it.

    The generator runs in the request's own task and context. When that first waits for anything, a task begins to watch
    the client; one that goes away cancels the stream: an asynchronous generator sees :exc:`asyncio.CancelledError` at
    the ``await`` it stands at, a synchronous one :exc:`GeneratorExit` at its ``yield``. Whatever ends the stream, the
    generator, the response and the request's context are closed, once, on threads that no view can occupy.

    :raises Exception: what the generator raised.
    """
    task: t.Any = current_task()
    if type(task) is not Task and (task is None or type(task).cancel is not Task.cancel):
        # NOTE: Granian's tasks in Rust cannot be cancelled.
        yield from _in_own_task(pump(ctx, response, receive, send, close_request))
        return
    stream = _stream(ctx, response, send, close_request)
    # NOTE: an asynchronous generator of a synchronous view runs in the view's context, not this task's; in a copy, for
    # threads enter the original to pull from a synchronous generator while this task waits.
    context = None if ctx.context is None else ctx.context.copy()
    step: Callable[..., t.Any] = stream.send
    sent: t.Any = None
    watch: Watch | None = None
    try:
        while True:
            try:
                awaited = step(sent) if context is None else context.run(step, sent)
            except StopIteration:
                return
            if watch is None:
                watch = Watch(ctx, response, receive, task)
            try:
                sent = yield awaited
                step = stream.send
            except BaseException as exc:
                sent = exc
                step = stream.throw
    except asyncio.CancelledError:
        if watch is None or not watch.has_cut_off():
            raise
    finally:
        del sent, step  # NOTE: what was thrown knows this frame; together they would wait for the collector.
        if watch is not None:
            watch.stop()
    assert watch is not None
    if watch.is_told_to_end:
        if not watch.lasts:
            raise asyncio.CancelledError("The server stops, and the stream did not end in time.")
        yield from _awaited(send({"type": "http.response.body", "body": response.farewell}))


class Watch:
    """A stream that waits: its client may go away, and the server may stop, and it is then cancelled."""

    def __init__(self, ctx: RequestContext, response: t.Any, receive: Receive, task: asyncio.Task[t.Any]) -> None:
        self._ctx = ctx
        self._receive = receive
        self._task: asyncio.Task[t.Any] | None = task
        self._before = task.cancelling()
        self._cancels = 0
        """How often this has cancelled the task: not the server's business."""
        self.is_told_to_end = False
        self.lasts = isinstance(response, EventStream)
        self._watcher: asyncio.Task[None] | None = asyncio.get_running_loop().create_task(self._watch())
        drain = ctx.app.serving.drain
        if drain is not None:
            drain.add(self)

    def end(self) -> None:
        """End the stream as if the client had gone away; one of events is completed, any other is cut off."""
        self.is_told_to_end = True
        # NOTE: later, for what ends it may be the stream itself, which cannot be cancelled while it runs.
        asyncio.get_running_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and self._task.cancel():
            self._cancels += 1

    def has_cut_off(self) -> bool:
        """Whether it was this that cancelled the stream, and nothing else."""
        return self._task is not None and 0 < self._cancels == self._task.cancelling() - self._before

    def stop(self) -> None:
        """Take back what was done to the task: the stream has ended."""
        task, watcher = self._task, self._watcher
        assert task is not None
        assert watcher is not None
        watcher.cancel()
        self._watcher = self._task = None  # NOTE: it knows this; together they would wait for the collector.
        for _ in range(self._cancels):
            task.uncancel()
        drain = self._ctx.app.serving.drain
        if drain is not None:
            drain.remove(self)

    async def _watch(self) -> None:
        if self._ctx.body_ended is not None:
            await self._ctx.body_ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel()


async def _stream(ctx: RequestContext, response: t.Any, send: Send, close_request: CloseRequest) -> None:
    """Send it all, and close what is to be closed."""
    has_body = ctx.request.method != "HEAD"
    if is_bare := type(response) in STREAMED:
        start: Message = {"type": "http.response.start", "status": 200, "headers": [ctx.plans.content_type]}
        body = response
    else:
        start, body = await _open(ctx, response)
        has_body = has_body and not is_bodiless(start["status"])
    if type(body) is types.AsyncGeneratorType or hasattr(body, "__aiter__"):
        chunks, context = body, None
    else:
        context = ctx.context or copy_context()
        chunks = Puller(body, context).chunks()
    is_exhausted, is_pulling = False, False
    try:
        await send(closing(start, _version(ctx.request)) if ctx.app.serving.closes_connections else start)
        if has_body:
            left, is_pulling = YIELD_EVERY, True
            async for chunk in chunks:
                if data := chunk if type(chunk) is bytes else to_bytes(chunk):
                    try:
                        await send({"type": "http.response.body", "body": data, "more_body": True})
                    except OSError:
                        is_pulling = False
                        raise
                left -= 1
                if not left:
                    left = YIELD_EVERY
                    await asyncio.sleep(0)
            is_exhausted, is_pulling = type(body) in STREAMED, False
        await send({"type": "http.response.body", "body": b""})
    except BaseException as exc:
        is_exhausted = False
        ctx.note_error(exc)
        # NOTE: a server may say by OSError that the client has gone; a generator's own is an error like any other.
        if isinstance(exc, Exception) and (is_pulling or not isinstance(exc, OSError)):
            ctx.app.log_exception((type(exc), exc, exc.__traceback__))
            raise
        if isinstance(exc, asyncio.CancelledError):
            raise
    finally:
        if is_exhausted and not needs_closing(ctx) and (is_bare or not _has_more_to_close(response)):
            ctx.is_closed, ctx.context = True, None
        else:
            await _uncancelled(_finish(ctx, response, chunks, body, context, close_request))


def _has_more_to_close(response: t.Any) -> bool:
    """Whether a response has anything to close when its generator has come to its end by itself."""
    if not isinstance(response, Response) or not response.goes_plain or response.closes_itself:
        return True
    return "_on_close" in response.__dict__


async def _open(ctx: RequestContext, response: t.Any) -> tuple[Message, t.Any]:
    if isinstance(response, Response) and response.goes_plain:
        status = response._status_code
        return {
            "type": "http.response.start",
            "status": status,
            "headers": asgi_headers(response),
        }, response.response
    return await bridge.in_thread((ctx.context or copy_context()).run, _call_wsgi, ctx, response)


async def _finish(
    ctx: RequestContext,
    response: t.Any,
    chunks: t.Any,
    body: t.Any,
    context: Context | None,
    close_request: CloseRequest,
) -> None:
    try:
        closing = getattr(chunks, "aclose", None)
        if closing is not None:
            await closing()
        if context is not None:
            # NOTE: a response closes its body, and what a response gave to WSGI closes the response.
            is_own = body is getattr(response, "response", None)
            close = getattr(body if hasattr(body, "close") and not is_own else response, "close", None)
            if close is not None:
                await bridge.in_cleanup_thread(context.run, close)
        elif "_on_close" in getattr(response, "__dict__", ()):
            for func in response._on_close:
                func()
    finally:
        await close_request(ctx)


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _in_own_task(stream: Awaitable[None]) -> None:
    task = asyncio.get_running_loop().create_task(_awaited(stream))
    try:
        await asyncio.wait({task})
        task.result()
    except asyncio.CancelledError:
        task.cancel()
        await settled(task)
        raise
    finally:
        del task


async def _uncancelled(closing: t.Coroutine[t.Any, t.Any, None]) -> None:
    """Await to the end even if this task is cancelled again meanwhile."""
    task = asyncio.get_running_loop().create_task(closing)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break
    try:
        if not task.cancelled():
            task.result()
    finally:
        del task


def _version(request: Request) -> str:
    scope = request.scope
    version: str = request.environ["SERVER_PROTOCOL"].removeprefix("HTTP/") if scope is None else scope["http_version"]
    return version


def _call_wsgi(ctx: RequestContext, response: t.Any) -> tuple[Message, t.Any]:
    """Let a response that sends itself (a WSGI application) do so, and return what it sent."""
    environ = ctx.request.environ
    if isinstance(response, WerkzeugResponse):
        body, status, headers = response.get_wsgi_response(environ)
    else:
        from werkzeug.test import run_wsgi_app

        body, status, headers = run_wsgi_app(response, environ)  # type: ignore[assignment]  # an iterable either way
    start = {
        "type": "http.response.start",
        "status": int(status.partition(" ")[0]),
        "headers": encode_headers(headers),
    }
    return start, body
