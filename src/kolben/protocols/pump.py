"""Streamed responses under ASGI: pulled from the generator, pushed to the client, ended once."""

from __future__ import annotations

import asyncio
import types
import typing as t
from contextvars import copy_context

from werkzeug.wrappers import Response as WerkzeugResponse

from .. import bridge
from ..http.headers import encode_headers
from ..http.response import Response, to_bytes
from ..http.sse import EventStream
from ..http.wire import asgi_headers, is_bodiless
from .wsgi import GENERATORS, needs_closing

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, MutableMapping
    from contextvars import Context

    from ..ctx import RequestContext

    Message = MutableMapping[str, t.Any]

YIELD_EVERY = 16
"""Chunks that a generator may yield one after the other before everything else on the loop gets its turn.

NOTE: neither it nor a server's send() need ever give way, least of all when the client has gone.
"""


class Pump:
    """Sends one streamed response, or a generator that is the body of an ordinary one.

    The generator runs in the request's own task and context. When that first waits for anything, a task begins to watch
    the client; one that goes away cancels the stream: an asynchronous generator sees :exc:`asyncio.CancelledError` at
    the ``await`` it stands at, a synchronous one :exc:`GeneratorExit` at its ``yield``. Whatever ends the stream, the
    generator, the response and the request's context are closed, once, on threads that no view can occupy.
    """

    _watcher: asyncio.Task[None] | None = None
    _thread_context: Context | None = None
    _cancels = 0
    """How often this stream has cancelled its task: not the server's business."""
    _is_told_to_end = False

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
        self._task: asyncio.Task[t.Any] | None = None

    @property
    def lasts(self) -> bool:
        """Whether the stream is expected to go on until somebody ends it."""
        return isinstance(self._response, EventStream)

    def end(self) -> None:
        """End the stream as if the client had gone away; one of events is completed, any other is cut off."""
        self._is_told_to_end = True
        # NOTE: later, for what ends it may be the stream itself, which cannot be cancelled while it runs.
        asyncio.get_running_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and self._task.cancel():
            self._cancels += 1

    async def run(self) -> None:
        """Send the stream until it ends or the client goes away.

        :raises Exception: what the generator raised.
        """
        task = asyncio.current_task()
        if task is None or type(task).cancel is not asyncio.Task.cancel:
            await _in_own_task(self.run())  # NOTE: Granian's tasks in Rust cannot be cancelled.
            return
        before, is_cut = task.cancelling(), False
        try:
            await self._run()
        except asyncio.CancelledError:
            is_cut = 0 < self._cancels == task.cancelling() - before
            if not is_cut:
                raise
        finally:
            if self._watcher is not None:
                self._stop_watching(task)
        if is_cut and self._is_told_to_end:
            if not self.lasts:
                raise asyncio.CancelledError("The server stops, and the stream did not end in time.")
            await self._send({"type": "http.response.body", "body": self._response.farewell})

    @types.coroutine
    def _run(self) -> Generator[t.Any, t.Any, None]:
        """Run the stream, each step of it in its context, and begin to watch when it first waits."""
        stream = self._stream()
        context = self._own_context()
        step: Callable[..., t.Any] = stream.send
        sent: t.Any = None
        try:
            while True:
                try:
                    awaited = step(sent) if context is None else context.run(step, sent)
                except StopIteration:
                    return
                if self._watcher is None:
                    self._begin()
                try:
                    sent = yield awaited
                    step = stream.send
                except BaseException as exc:
                    sent = exc
                    step = stream.throw
        finally:
            del sent, step  # NOTE: what was thrown knows this frame; together they would wait for the collector.

    def _own_context(self) -> Context | None:
        """The context that an asynchronous generator of a synchronous view runs in: not this task's, but the view's."""
        context = self._ctx.context
        # NOTE: a copy, for threads enter the original to pull from a synchronous generator while this task waits.
        return context if context is None else context.copy()

    def _begin(self) -> None:
        """Watch the client, and whether the server stops, from the first time on that the stream waits."""
        self._task = asyncio.current_task()
        self._watcher = asyncio.get_running_loop().create_task(self._watch())
        drain = self._ctx.app.serving.drain
        if drain is not None:
            drain.add(self)

    def _stop_watching(self, task: asyncio.Task[t.Any]) -> None:
        assert self._watcher is not None
        self._watcher.cancel()
        self._watcher = self._task = None
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

    async def _stream(self) -> None:
        if type(self._response) in GENERATORS:
            body = self._response
            start: Message = {"type": "http.response.start", "status": 200, "headers": [self._ctx.plans.content_type]}
        else:
            start, body = await self._open()
        is_async = type(body) is types.AsyncGeneratorType or hasattr(body, "__aiter__")
        chunks: t.Any = body if is_async else self._pulled(body)
        send = self._send
        is_exhausted, is_sending = False, True
        try:
            await send(start)
            if not is_bodiless(start["status"]) and self._ctx.request.method != "HEAD":
                left, is_sending = YIELD_EVERY, False
                async for chunk in chunks:
                    data = chunk if type(chunk) is bytes else to_bytes(chunk)
                    if data:
                        is_sending = True
                        await send({"type": "http.response.body", "body": data, "more_body": True})
                        is_sending = False
                    left -= 1
                    if not left:
                        left = YIELD_EVERY
                        await asyncio.sleep(0)
                is_exhausted, is_sending = type(body) in GENERATORS, True
            await send({"type": "http.response.body", "body": b""})
        except BaseException as exc:
            is_exhausted = False
            self._ctx.error = exc
            # NOTE: a server may say by OSError that the client has gone; a generator's own is an error like any other.
            if isinstance(exc, Exception) and not (is_sending and isinstance(exc, OSError)):
                self._ctx.app.log_exception((type(exc), exc, exc.__traceback__))
                raise
            if isinstance(exc, asyncio.CancelledError):
                raise
        finally:
            if is_exhausted and not self._has_more_to_close():
                self._ctx.is_closed, self._ctx.context = True, None
            else:
                await _uncancelled(self._finish(chunks, body))

    def _has_more_to_close(self) -> object:
        """Say whether anything is to be closed when the generator has come to its end by itself."""
        response = self._response
        if type(response) in GENERATORS:
            return needs_closing(self._ctx)
        if not isinstance(response, Response) or not response.goes_plain or response.closes_itself:
            return True
        return "_on_close" in response.__dict__ or needs_closing(self._ctx)

    async def _open(self) -> tuple[Message, t.Any]:
        response = self._response
        if isinstance(response, Response) and response.goes_plain:
            status = response._status_code
            return {
                "type": "http.response.start",
                "status": status,
                "headers": asgi_headers(response),
            }, response.response
        return await bridge.in_thread(self._context().run, _call_wsgi, self._ctx, response)

    async def _pulled(self, iterable: t.Any) -> AsyncIterator[t.Any]:
        """The items of something synchronous, each pulled in a worker thread."""
        iterator = iter(iterable)
        while (item := await self._in_thread(bridge.pull, iterator)) is not bridge.END:
            yield item

    async def _in_thread(self, func: Callable[..., t.Any], *args: t.Any) -> t.Any:
        """Run in the stream's context. Cancelled, wait for a thread that has begun: it must be out of the generator."""
        turn = bridge.Turn(self._context().run, func, *args)
        future = bridge.in_thread(turn)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if not turn.withdraw():
                await _settled(future)
            raise
        finally:
            del future

    def _context(self) -> Context:
        """The context that threads work for the stream in."""
        if self._thread_context is None:
            self._thread_context = self._ctx.context or copy_context()
        return self._thread_context

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
                    await bridge.in_cleanup_thread(self._context().run, close)
            elif "_on_close" in getattr(self._response, "__dict__", ()):
                for func in self._response._on_close:
                    func()
        finally:
            await self._close_request(self._ctx)


async def _in_own_task(stream: Coroutine[t.Any, t.Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(stream)
    try:
        await asyncio.wait({task})
        task.result()
    except asyncio.CancelledError:
        task.cancel()
        await _settled(task)
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
