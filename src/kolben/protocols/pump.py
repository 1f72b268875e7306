"""Streamed responses under ASGI: pulled from the generator, pushed to the client, ended once."""

from __future__ import annotations

import asyncio
import typing as t
from contextvars import copy_context

from werkzeug.wrappers import Response as WerkzeugResponse

from .. import bridge
from ..http.headers import encode_headers
from ..http.response import Response, to_bytes
from ..http.sse import EventStream
from .wire import asgi_start

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping

    from ..ctx import RequestContext

    Message = MutableMapping[str, t.Any]

YIELD_EVERY = 16
"""Chunks that a generator may yield one after the other before everything else on the loop gets its turn.

NOTE: neither it nor a server's send() need ever give way, least of all when the client has gone.
"""


class Pump:
    """Sends one streamed response.

    The generator runs in a task of its own, in the request's context. A client that goes away cancels that task: an
    asynchronous generator sees :exc:`asyncio.CancelledError` at the ``await`` it stands at, a synchronous one
    :exc:`GeneratorExit` at its ``yield``. Whatever ends the stream, the generator, the response and the request's
    context are closed, once, on threads that no view can occupy.
    """

    def __init__(
        self,
        ctx: RequestContext,
        response: t.Any,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        close_request: Callable[[RequestContext], Awaitable[None]],
    ) -> None:
        self._ctx = ctx
        self._response = response
        self._receive = receive
        self._send = send
        self._close_request = close_request
        self._context = ctx.context or copy_context()
        self.lasts = isinstance(response, EventStream)
        self._task: asyncio.Task[None] | None = None
        self._is_told_to_end = False

    def end(self) -> None:
        """End the stream as if the client had gone away; one of events is completed, any other is cut off."""
        self._is_told_to_end = True
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """Send the stream until it ends or the client goes away.

        :raises Exception: what the generator raised.
        """
        loop = asyncio.get_running_loop()
        # NOTE: a copy, for threads enter the original to pull from a synchronous generator while this task waits.
        stream = self._task = loop.create_task(self._stream(), context=self._context.copy())
        watch = loop.create_task(self._watch(stream))
        drain = self._ctx.app.serving.drain
        if drain is not None:
            drain.add(self)
        try:
            await asyncio.wait({stream})
        except asyncio.CancelledError:
            stream.cancel()
            await _settled(stream)
            raise
        finally:
            watch.cancel()
            self._task = None
            if drain is not None:
                drain.remove(self)
        try:
            if not stream.cancelled():
                stream.result()
            elif self._is_told_to_end and self.lasts:
                await self._send({"type": "http.response.body", "body": b""})
            elif self._is_told_to_end:
                raise asyncio.CancelledError("The server stops, and the stream did not end in time.")
        finally:
            del stream, watch  # NOTE: what one raises knows this frame; together they would wait for the collector.

    async def _watch(self, stream: asyncio.Task[None]) -> None:
        if self._ctx.body_ended is not None:
            await self._ctx.body_ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        stream.cancel()

    async def _stream(self) -> None:
        start, body = await self._open()
        chunks: t.Any = body if hasattr(body, "__aiter__") else self._pulled(iter(body))
        try:
            await self._send(start)
            if not self._is_bodiless(start["status"]):
                pulled = 0
                async for chunk in chunks:
                    data = chunk if type(chunk) is bytes else to_bytes(chunk)
                    if data:
                        await self._send({"type": "http.response.body", "body": data, "more_body": True})
                    pulled += 1
                    if pulled % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
            await self._send({"type": "http.response.body", "body": b""})
        except BaseException as exc:
            self._ctx.error = exc
            if isinstance(exc, Exception) and not isinstance(exc, OSError):
                self._ctx.app.log_exception((type(exc), exc, exc.__traceback__))
                raise
            if isinstance(exc, asyncio.CancelledError):
                raise
        finally:
            await _uncancelled(self._finish(chunks, body))

    async def _open(self) -> tuple[Message, t.Any]:
        response = self._response
        if isinstance(response, Response) and response.goes_plain:
            return asgi_start(response), response.response
        return await bridge.in_thread(self._context.run, _call_wsgi, self._ctx, response)

    def _is_bodiless(self, status: int) -> bool:
        return self._ctx.request.method == "HEAD" or status < 200 or status in {204, 304}

    async def _pulled(self, iterator: Iterator[t.Any]) -> AsyncIterator[t.Any]:
        """The items of a synchronous iterator, each pulled in a worker thread."""
        while (item := await self._in_thread(bridge.pull, iterator)) is not bridge.END:
            yield item

    async def _in_thread(self, func: Callable[..., t.Any], *args: t.Any) -> t.Any:
        """Run in the stream's context. Cancelled, wait for a thread that has begun: it must be out of the generator."""
        turn = bridge.Turn(self._context.run, func, *args)
        future = bridge.in_thread(turn)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not turn.withdraw():
                await _settled(future)
            raise
        finally:
            del future

    async def _finish(self, chunks: t.Any, body: t.Any) -> None:
        try:
            closing = getattr(chunks, "aclose", None)
            if closing is not None:
                await closing()
            if not hasattr(body, "__aiter__"):
                # NOTE: a response closes its body, and what a response gave to WSGI closes the response.
                is_own = body is getattr(self._response, "response", None)
                close = getattr(body if hasattr(body, "close") and not is_own else self._response, "close", None)
                if close is not None:
                    await bridge.in_cleanup_thread(self._context.run, close)
            elif "_on_close" in getattr(self._response, "__dict__", ()):
                for func in self._response._on_close:
                    func()
        finally:
            await self._close_request(self._ctx)


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


async def _settled(future: asyncio.Future[t.Any]) -> None:
    """Wait until it is done, however often this task is cancelled meanwhile, as loops that end do with all tasks."""
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            pass


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
