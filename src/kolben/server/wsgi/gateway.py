"""WSGI applications under Granian: by a gateway of Kolben's own over Granian's ASGI side.

Granian's WSGI side merges the process's environment variables into the request's, lets ``X_Name`` stand for ``X-Name``
and empties a header with a byte above 127. None of it could be undone behind it.
"""

from __future__ import annotations

import asyncio
import typing as t
from contextvars import copy_context

from werkzeug.exceptions import HTTPException

from ... import bridge
from ...http.sse import EventStream
from ...protocols import lifespan
from ...protocols.refusal import refuse_scope
from ...protocols.streams import OwnedStream
from .environ import environ_of
from .input import Input

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
    from contextvars import Context

    from ...app import Kolben

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

STREAM_THREADS = 1000
"""Threads for streams of Kolben's own, which may last: views do not wait for one of these."""

UPLOAD_THREADS = 256
"""Threads for requests whose body is larger than what is received ahead: other views do not wait for their clients."""

_NO_BODY = {"type": "http.response.body", "body": b""}


class Gateway:
    """An ASGI application that calls a WSGI application, each request in one thread.

    :param app: the application.
    :param multiprocess: whether there are further processes like this one.
    """

    def __init__(self, app: Kolben, *, multiprocess: bool = True) -> None:
        self.app = app
        self._multiprocess = multiprocess
        self._streams = bridge.Workers("kolben-stream", STREAM_THREADS)
        self._uploads = bridge.Workers("kolben-upload", UPLOAD_THREADS)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[t.Any, t.Any, None]:
        kind = scope["type"]
        if kind == "http":
            return self._answer(scope, receive, send)
        if kind == "lifespan":
            return lifespan.serve(self.app, receive, send)
        return _refuse_websocket(send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            environ = environ_of(scope, multiprocess=self._multiprocess)
            has_body = _has_body(environ)
            source = environ["wsgi.input"] = Input(self._paced(receive) if has_body else receive)
            if has_body:
                await source.fill()
            else:
                source.end()
        except HTTPException as exc:
            await refuse_scope(exc, scope, send, self.app.explains_errors)
            return
        context = copy_context()
        call = Call(self.app, environ, send)
        await (self._uploads if source.has_more else bridge.views).call(call.run, (), context)
        if call.stream is not None:
            stream = Stream(call, call.stream, context, source, receive)
            await stream.run(self.app, self._streams)
            return
        if call.is_sent:
            return
        await send(call.start())
        await send({"type": "http.response.body", "body": call.body})
        if call.close is not None:
            await bridge.closers.call(call.close, (), context)

    def _paced(self, receive: Receive) -> Receive:
        """``receive`` that waits for a body no longer than the application's settings say."""
        pace = self.app.plans(on_loop=False).pace
        if pace is None:
            return receive
        arrival = pace.arrival()
        return lambda: arrival.receive(receive)


class Call:
    """One call of a WSGI application, in a thread.

    After :meth:`run`, either the whole body is in :attr:`body`, or there is a :attr:`stream` to be pulled elsewhere, or
    all is sent.
    """

    __slots__ = ("_app", "_environ", "_send", "_status", "body", "close", "headers", "is_sent", "is_started", "stream")

    def __init__(self, app: t.Any, environ: dict[str, t.Any], send: Send) -> None:
        self._app = app
        self._environ = environ
        self._send = send
        self._status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.stream: OwnedStream | None = None
        self.close: Callable[[], t.Any] | None = None
        """What a body in memory wants called when it was sent."""
        self.is_started = False
        self.is_sent = False

    def run(self) -> None:
        """Call the application."""
        body = self._app(self._environ, self._start_response)
        if type(body) is OwnedStream:
            self.stream = body
        elif type(body) is list and self._status and not self.is_started:
            self.body = body[0] if len(body) == 1 else b"".join(body)
        else:
            self._pull(body)

    def start(self) -> Message:
        """The message that a response begins with."""
        self.is_started = True
        return {"type": "http.response.start", "status": self._status, "headers": self.headers}

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: t.Any = None
    ) -> Callable[[bytes], object]:
        try:
            if exc_info is not None and self.is_started:
                raise exc_info[1].with_traceback(exc_info[2])
        finally:
            exc_info = None
        if self._status and exc_info is None and self.is_started:
            raise AssertionError("start_response() was called a second time, after the response had begun.")
        self._status = int(status[:3])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._write

    def _write(self, data: bytes) -> None:
        bridge.call_sync(self._send_on, data)

    async def _send_on(self, data: bytes) -> None:
        if not self.is_started:
            await self._send(self.start())
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _pull(self, body: Iterable[bytes]) -> None:
        """Send a body of which nothing is known, in this thread, unless its first piece turns out to be all of it."""
        close = getattr(body, "close", None)
        try:
            iterator = iter(body)
            first = next(iterator, None)
            if not self._status:
                raise AssertionError("The WSGI application returned before it called start_response().")
            if first is not None and not self.is_started and (b"content-length", b"%d" % len(first)) in self.headers:
                self.body, self.close, close = first, close, None
                return
            self._write(first or b"")
            for chunk in iterator:
                self._write(chunk)
            self.is_sent = True
            bridge.call_sync(self._send, dict(_NO_BODY))
        finally:
            if close is not None:
                close()


class Stream:
    """A streamed response of Kolben's: pulled in a thread that is no view's, ended with its client or the server."""

    def __init__(self, call: Call, body: OwnedStream, context: Context, source: Input, receive: Receive) -> None:
        self._call = call
        self._body = body
        self._context = context
        self._source = source
        self._receive = receive
        self.lasts = isinstance(body.response, EventStream)
        self._is_gone = False
        self._is_told_to_end = False
        self._received_all = asyncio.Event()

    async def run(self, app: Kolben, workers: bridge.Workers) -> None:
        """Send the stream until it ends, the client goes away or the server stops.

        :raises Exception: what the generator raised.
        """
        self._source.on_end = self._received_all.set
        if not self._source.has_more:
            self._received_all.set()
        watch = asyncio.get_running_loop().create_task(self._watch())
        drain = app.serving.drain
        if drain is not None:
            drain.add(self)
        pulling = workers.call(self._pull, (), self._context)
        try:
            while not pulling.done():
                try:
                    await asyncio.wait({pulling})
                except asyncio.CancelledError:
                    self._leave()
            pulling.result()
        finally:
            watch.cancel()
            if drain is not None:
                drain.remove(self)
            del pulling  # NOTE: what it raises knows this frame; together they would wait for the collector.

    def end(self) -> None:
        """End the stream; one of events is completed, any other is cut off."""
        self._is_told_to_end = True
        self._leave()

    def _leave(self) -> None:
        self._is_gone = True
        self._body.interrupt()

    async def _watch(self) -> None:
        await self._received_all.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _pull(self) -> None:
        call = self._call
        try:
            call._write(b"")
            while not self._is_gone and (chunk := next(self._body, None)) is not None:
                if chunk:
                    call._write(chunk)
        except asyncio.CancelledError:
            if not self._is_gone:
                raise
        finally:
            self._body.close()
        if self._is_told_to_end and not self.lasts:
            raise RuntimeError("The server stops, and the stream did not end in time.")
        farewell = self._body.response.farewell if self._is_told_to_end else b""
        bridge.call_sync(call._send, {"type": "http.response.body", "body": farewell})


def _has_body(environ: dict[str, t.Any]) -> bool:
    # NOTE: HTTP/2 has no header that must announce a body.
    return "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ or environ["SERVER_PROTOCOL"] == "HTTP/2"


async def _refuse_websocket(send: Send) -> None:
    """Refuse a handshake that reached this gateway; Granian, told that there are no WebSockets, lets none do so."""
    body = b"WebSockets need ASGI: start the server with '--protocol asgi'.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": 426, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
