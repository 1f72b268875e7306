"""WebSockets (:rfc:`6455`) over ASGI: what the view of an ``@app.websocket`` route talks to.

:class:`WebSocket` is for async views, :class:`SyncWebSocket` is the same without ``await`` for sync views.
:func:`origin_is_allowed` decides, before a socket is accepted, whether the page that opens it may.
"""

from __future__ import annotations

import re
import typing as t
from collections import deque
from functools import lru_cache

from .. import json
from ..bridge import call_sync
from .headers import check_headers, encode_headers
from .host import parse_host, without_default_port

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping

    from werkzeug.datastructures import Headers, MultiDict

    from .request import Request

    Event: t.TypeAlias = dict[str, t.Any]
    Receive: t.TypeAlias = Callable[[], Awaitable[Event]]
    Send: t.TypeAlias = Callable[[Event], Awaitable[None]]
    HeaderPairs: t.TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

MAX_MESSAGE_SIZE = 1024 * 1024
"""Bytes a message may have where the application does not say (``WEBSOCKET_MAX_MESSAGE_SIZE``)."""

WATCH_AFTER = 5.0
"""Seconds after which a view that receives nothing is watched for the client going away, again and again."""

LOOK_AHEAD = 16
"""Messages that are taken from the server at most while a view that does not receive is watched."""

LOOK_AHEAD_SIZE = 64 * 1024
"""Bytes (or characters) after which no further one is taken."""

YIELD_EVERY = 16
"""Messages that a view may send one after the other before everything else on the loop gets its turn."""

# RFC 6455 section 7.4: 1005, 1006 and 1015 are never sent; the rest below 3000 is not assigned.
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class WebSocketClosed(Exception):
    """The connection is over, so nothing can be sent or received any more.

    A view need not catch it: one that ends with it has simply ended.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        """The close code, 1006 if the connection broke."""
        self.reason = reason

    def __str__(self) -> str:
        return f"The WebSocket is closed (code {self.code}{f', {self.reason!r}' if self.reason else ''})."


class WebSocket:
    """A WebSocket connection, from the handshake to the close.

    .. code-block:: python

        @app.websocket("/echo")
        async def echo(ws: WebSocket):
            async for message in ws:
                await ws.send(message)

    The first :meth:`send` or :meth:`receive` accepts the handshake, unless :meth:`accept` did. :meth:`close` before
    that refuses it (HTTP 403). Whatever the handshake request has can be read here: ``ws.headers``, ``ws.args``,
    ``ws.cookies``, ``ws.path``, ``ws.remote_addr``, ...

    :param request: the handshake.
    :param receive: of ASGI; nothing may have been received yet, not even ``websocket.connect``.
    :param send: of ASGI.
    :param scope: of ASGI: ``subprotocols`` and ``extensions`` are read.
    :param max_message_size: bytes a message from the client may have; ``None`` for any number.
    :param on_disconnect: called once, on the loop, if the client went away and the view is not about to notice, since
        it does something other than receiving. (Granian and hypercorn do not tell a view that only sends.)

    NOTE: whoever creates one calls :meth:`close` when the view has ended, however it ended: this ends the watching.
    """

    if t.TYPE_CHECKING:
        headers: Headers
        args: MultiDict[str, str]
        cookies: MultiDict[str, str]
        path: str
        url: str
        host: str
        remote_addr: str | None
        view_args: dict[str, t.Any] | None
        endpoint: str | None

    def __init__(
        self,
        request: Request,
        receive: Receive,
        send: Send,
        scope: Mapping[str, t.Any] | None = None,
        *,
        max_message_size: int | None = MAX_MESSAGE_SIZE,
        on_disconnect: Callable[[], t.Any] | None = None,
    ) -> None:
        scope = scope or {}
        self.request = request
        self.requested_subprotocols: list[str] = list(scope.get("subprotocols") or ())
        """What the client offers to speak, best first."""
        self.accepted_subprotocol: str | None = None
        self.accepted = False
        """Whether the handshake was answered with 101."""
        self.close_code: int | None = None
        """Why the connection was closed; ``None`` while it is not."""
        self.close_reason = ""
        self.max_message_size = max_message_size
        self.on_disconnect = on_disconnect
        self._can_reject = "websocket.http.response" in (scope.get("extensions") or {})
        self._inbox = _Inbox(receive)
        self._send = send
        self._handshake: asyncio.Lock | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._sent_in_a_row = 0

    def __getattr__(self, name: str) -> t.Any:
        # NOTE: `request` itself is missing only on an object whose constructor has not run, as copy() makes.
        if name == "request":
            raise AttributeError(name)
        return getattr(self.request, name)

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open" if self.accepted else "not accepted"
        return f"<{type(self).__name__} {self.request.path!r} [{state}]>"

    @property
    def closed(self) -> bool:
        """Whether the connection is over. Messages that arrived before may still be there to be received."""
        return self.close_code is not None or self._inbox.farewell is not None

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs | None = None) -> None:
        """Accept the handshake. Does nothing if that was done.

        :param subprotocol: one of :attr:`requested_subprotocols`.
        :param headers: to send along, such as ``Set-Cookie``.
        :raise WebSocketClosed: if the client went away, or the handshake was refused.
        :raise ValueError: for a subprotocol that was not requested, or a malformed header.
        """
        if self.accepted and self.close_code is None:
            return
        if subprotocol is not None and subprotocol not in self.requested_subprotocols:
            raise ValueError(
                f"The subprotocol {subprotocol!r} was not requested: the client offers {self.requested_subprotocols!r}."
                " It closes the connection if another is chosen (RFC 6455 section 4.1). Choose one of these, or none."
            )
        pairs = _accept_headers(headers)
        await self._connect()
        async with self._handshake_lock():
            if self.accepted:
                return
            await self._emit({"type": "websocket.accept", "subprotocol": subprotocol, "headers": pairs})
            self.accepted = True
            self.accepted_subprotocol = subprotocol
            self._schedule_watch()

    async def receive(self) -> str | bytes:
        """Wait for the next message: text as ``str``, binary as ``bytes``.

        :raise WebSocketClosed: if there is none, because the connection is over. Also if the message is larger than
            :attr:`max_message_size`: then the connection was closed with 1009.
        """
        if not self.accepted:
            await self.accept()
        self._sent_in_a_row = 0
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code, self.close_reason)
        event = await self._inbox.get()
        if event["type"] != "websocket.receive":
            raise self._ended(event.get("code") or 1005, event.get("reason") or "")
        text: str | None = event.get("text")
        message: str | bytes = text if text is not None else event.get("bytes") or b""
        if self.max_message_size is not None and _is_larger(message, self.max_message_size):
            reason = f"a message may have {self.max_message_size} bytes"
            await self.close(1009, reason)
            raise WebSocketClosed(1009, reason)
        return message

    async def receive_json(self) -> t.Any:
        """Wait for the next message and read it as JSON.

        :raise ValueError: if it is not JSON.
        """
        return json.loads(await self.receive())

    async def send(self, data: str | bytes) -> None:
        """Send a message: ``str`` as text, ``bytes`` as binary.

        :raise WebSocketClosed: if the connection is over.
        """
        event: Event
        if isinstance(data, str):
            event = {"type": "websocket.send", "text": data}
        elif isinstance(data, (bytes, bytearray, memoryview)):
            event = {"type": "websocket.send", "bytes": bytes(data)}
        else:
            raise TypeError(
                f"A WebSocket sends 'str' or 'bytes', not {type(data).__name__!r}. Other data is sent by 'send_json()'."
            )
        if not self.accepted:
            await self.accept()
        # NOTE: a server's send() may return without giving way. A view that does nothing else would then keep the loop
        # from everything, including from noticing that the client has gone.
        self._sent_in_a_row += 1
        if self._sent_in_a_row % YIELD_EVERY == 0:
            from asyncio import sleep

            await sleep(0)
        farewell = self._inbox.farewell
        if farewell is not None and self.close_code is None:
            raise self._ended(farewell.get("code") or 1005, farewell.get("reason") or "")
        await self._emit(event)

    async def send_json(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Send data as JSON text; arguments as for ``jsonify``."""
        if args and kwargs:
            raise TypeError("'send_json()' takes either one value, or several, or keyword arguments, not both kinds.")
        await self.send(json.dumps(args[0] if len(args) == 1 else args or kwargs))

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection; before it was accepted, refuse it with HTTP 403. Does nothing if it is closed.

        :param code: 1000 for done, 1001 for going away, 1008 for a violated policy, 1011 for an error, or a code of
            your own between 3000 and 4999.
        :param reason: at most 123 bytes in UTF-8.
        :raise ValueError: for a code or reason that cannot be sent.
        """
        if code not in _CLOSE_CODES and not 3000 <= code <= 4999:
            raise ValueError(
                f"The close code {code!r} cannot be sent. Use 1000 (done), 1001 (going away), 1008 (policy), 1011"
                " (error) or a code of your own between 3000 and 4999."
            )
        if reason and len(reason.encode()) > 123:
            raise ValueError(
                f"The close reason {reason!r} is longer than the 123 bytes that a close frame has room for."
            )
        self._end_watch()
        if self.closed:
            if self.close_code is None:
                self._ended(1005, "")
            return
        if not self.accepted:
            try:
                await self._connect()
            except WebSocketClosed:
                return
        self.close_code, self.close_reason = code, reason or ""
        try:
            await self._send({"type": "websocket.close", "code": code, "reason": reason or ""})
        except Exception:
            # NOTE: the client was faster, and what servers raise then differs. It is closed, as was asked.
            self.close_code = 1006

    async def reject(self, status: int, headers: HeaderPairs = (), body: bytes = b"") -> None:
        """Answer the handshake with an HTTP response, or with a bare 403 where the server can send no other.

        :raise RuntimeError: if it was accepted.
        """
        if self.accepted:
            raise RuntimeError("The WebSocket was accepted already: use 'close()' with a code and a reason.")
        if not self._can_reject:
            await self.close()
            return
        pairs = encode_headers(_pairs(headers))
        try:
            await self._connect()
            await self._emit({"type": "websocket.http.response.start", "status": status, "headers": pairs})
            await self._emit({"type": "websocket.http.response.body", "body": body, "more_body": False})
        except WebSocketClosed:
            return
        self.close_code = 1006

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        """The next message. The loop ends when the connection does, for whatever reason: :attr:`close_code` tells."""
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    def _handshake_lock(self) -> asyncio.Lock:
        if self._handshake is None:
            from asyncio import Lock

            self._handshake = Lock()
        return self._handshake

    async def _connect(self) -> None:
        """Take the event with which every connection begins."""
        async with self._handshake_lock():
            if self.close_code is not None:
                raise WebSocketClosed(self.close_code, self.close_reason)
            if not self._inbox.connected:
                event = await self._inbox.get()
                if event["type"] != "websocket.connect":
                    raise self._ended(event.get("code") or 1006, event.get("reason") or "")
                self._inbox.connected = True

    async def _emit(self, event: Event) -> None:
        if self.close_code is not None:
            raise WebSocketClosed(self.close_code, self.close_reason)
        try:
            await self._send(event)
        except Exception as exc:
            # NOTE: OSError by the specification; servers raise others. The event itself is well-formed.
            raise self._ended(1006, "") from exc

    def _ended(self, code: int, reason: str) -> WebSocketClosed:
        """Note that the connection is over, unless that is known, and return the exception that says so."""
        if self.close_code is None:
            farewell = self._inbox.farewell
            if farewell is not None:
                code, reason = farewell.get("code") or 1005, farewell.get("reason") or ""
            self.close_code, self.close_reason = code, reason
            self._end_watch()
        return WebSocketClosed(self.close_code, self.close_reason)

    def _schedule_watch(self) -> None:
        from asyncio import get_running_loop

        self._watch = get_running_loop().call_later(WATCH_AFTER, self._look)

    def _look(self) -> None:
        """Take notice of a client that has gone, for a view that received nothing since the last time."""
        inbox = self._inbox
        if inbox.farewell is not None and inbox.is_idle:
            self._gone()
            return
        inbox.is_idle = True
        inbox.watch(self._gone)
        self._schedule_watch()

    def _gone(self) -> None:
        if self.on_disconnect is not None and self.close_code is None:
            on_disconnect, self.on_disconnect = self.on_disconnect, None
            on_disconnect()

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._inbox.stop()


class _Inbox:
    """What comes from the client: taken from the server when it is asked for, or a few messages ahead while watched."""

    __slots__ = ("_ahead", "_arrived", "_pump", "_receive", "_receiving", "connected", "farewell", "is_idle")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._receiving = 0
        self._ahead: deque[Event] = deque()
        self._arrived: asyncio.Event | None = None
        self._pump: asyncio.Task[None] | None = None
        self.connected = False
        self.farewell: Event | None = None
        """The disconnect event, once the watch has seen it."""
        self.is_idle = False
        """Set by whoever watches; reset when an event is asked for."""

    async def get(self) -> Event:
        """Wait for the next event; after the last one, it is that again."""
        self.is_idle = False
        self._receiving += 1
        try:
            while not self._ahead and self._pump is not None:
                assert self._arrived is not None
                self._arrived.clear()
                await self._arrived.wait()
            if self._ahead:
                return self._ahead.popleft()
            if self.farewell is not None:
                return self.farewell
            return await self._receive()
        finally:
            self._receiving -= 1

    def watch(self, gone: Callable[[], None]) -> None:
        """Begin to look ahead, unless somebody is waiting for the next event anyway, or enough was looked ahead."""
        if self._receiving or self._pump is not None or not self._has_room():
            return
        import asyncio

        self._arrived = asyncio.Event()
        self._pump = asyncio.get_running_loop().create_task(self._look_ahead(gone))

    async def _look_ahead(self, gone: Callable[[], None]) -> None:
        assert self._arrived is not None
        try:
            while self._has_room():
                try:
                    event = await self._receive()
                except Exception:
                    event = {"type": "websocket.disconnect", "code": 1006}
                if event["type"] == "websocket.disconnect":
                    self.farewell = event
                    if not self._ahead and not self._receiving:
                        gone()
                    return
                self._ahead.append(event)
                if self._receiving:
                    return
        finally:
            self._pump = None
            self._arrived.set()

    def _has_room(self) -> bool:
        if len(self._ahead) >= LOOK_AHEAD:
            return False
        return sum(len(event.get("text") or event.get("bytes") or "") for event in self._ahead) < LOOK_AHEAD_SIZE

    def stop(self) -> None:
        """Look ahead no longer."""
        if self._pump is not None:
            self._pump.cancel()


def _is_larger(message: str | bytes, limit: int) -> bool:
    if len(message) > limit:
        return True
    # NOTE: a character has at most four bytes in UTF-8, so short texts need not be encoded to be measured.
    if isinstance(message, bytes) or len(message) * 4 <= limit or message.isascii():
        return False
    return len(message.encode(errors="surrogatepass")) > limit


def _pairs(headers: HeaderPairs) -> list[tuple[str, str]]:
    items: t.Any = getattr(headers, "items", None)
    return list(t.cast("Iterable[tuple[str, str]]", headers if items is None else items()))


def _accept_headers(headers: HeaderPairs | None) -> list[tuple[bytes, bytes]]:
    if not headers:
        return []
    pairs = _pairs(headers)
    check_headers(pairs)
    for name, _ in pairs:
        if name.lower().startswith("sec-websocket-"):
            raise ValueError(
                f"The header {name!r} belongs to the server: it answers the handshake with it. A subprotocol is chosen"
                " by 'accept(subprotocol=...)'."
            )
    return encode_headers(pairs)


class SyncWebSocket:
    """A :class:`WebSocket` for a sync view: the same methods without ``await``, and plain iteration.

    .. code-block:: python

        @app.websocket("/echo")
        def echo(ws):
            for message in ws:
                ws.send(message)

    NOTE: each call waits on the thread that the view runs in, and runs on the loop of the connection.

    :param call: runs a coroutine function on that loop and returns its result.
    """

    def __init__(self, websocket: WebSocket, call: Callable[..., t.Any] = call_sync) -> None:
        self.websocket = websocket
        """The same connection for async code."""
        self._call = call

    def __getattr__(self, name: str) -> t.Any:
        if name == "websocket":
            raise AttributeError(name)
        return getattr(self.websocket, name)

    def __repr__(self) -> str:
        return repr(self.websocket).replace("WebSocket", type(self).__name__, 1)

    def accept(self, subprotocol: str | None = None, headers: HeaderPairs | None = None) -> None:
        """See :meth:`WebSocket.accept`."""
        self._call(self.websocket.accept, subprotocol, headers)

    def receive(self) -> str | bytes:
        """See :meth:`WebSocket.receive`."""
        return t.cast("str | bytes", self._call(self.websocket.receive))

    def receive_json(self) -> t.Any:
        """See :meth:`WebSocket.receive_json`."""
        return json.loads(self.receive())

    def send(self, data: str | bytes) -> None:
        """See :meth:`WebSocket.send`."""
        self._call(self.websocket.send, data)

    def send_json(self, *args: t.Any, **kwargs: t.Any) -> None:
        """See :meth:`WebSocket.send_json`."""
        self._call(self.websocket.send_json, *args, **kwargs)

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """See :meth:`WebSocket.close`."""
        self._call(self.websocket.close, code, reason)

    def __iter__(self) -> Iterator[str | bytes]:
        return self

    def __next__(self) -> str | bytes:
        try:
            return self.receive()
        except WebSocketClosed:
            raise StopIteration from None


_ORIGIN = re.compile(r"(https?)://([^/?#@\\\s]+)", re.ASCII)
_SECURE = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


def origin_is_allowed(origin: str | None, host: str, scheme: str, allowed: Collection[str] | str | None = None) -> bool:
    """Return whether a page of this origin may open a WebSocket here.

    Browsers let any page open a WebSocket to any host, with that host's cookies; the ``Origin`` header is all that
    tells a page of one's own from another's (:rfc:`6455#section-10.2`).

    :param origin: the header; ``None`` if there is none, as from clients that are no browsers: they may.
    :param host: of the request, canonical (:func:`.host.parse_host`). The same host, port and security may.
    :param scheme: of the request: ``ws``, ``wss``, ``http`` or ``https``.
    :param allowed: further origins such as ``https://app.example.com``, compared whole, or ``*`` for all
        (``WEBSOCKET_ALLOWED_ORIGINS``).
    :raise ValueError: if an entry of ``allowed`` can match nothing.
    """
    if origin is None:
        return True
    listed = {_listed_origin(entry) for entry in ((allowed,) if isinstance(allowed, str) else allowed or ())}
    if "*" in listed:
        return True
    canonical = _canonical_origin(origin) or origin.lower()
    if canonical in listed:
        return True
    own = f"{_SECURE.get(scheme, scheme)}://{without_default_port(host, scheme)}"
    return host != "" and canonical == own


def _canonical_origin(origin: str) -> str | None:
    match = _ORIGIN.fullmatch(origin.lower())
    if match is None:
        return None
    try:
        return f"{match[1]}://{without_default_port(parse_host(match[2]), match[1])}"
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _listed_origin(entry: str) -> str:
    if entry == "*" or _canonical_origin(entry) is not None:
        return _canonical_origin(entry) or entry
    scheme, separator, rest = entry.lower().partition("://")
    # An application or extension of a browser: 'moz-extension://...', 'null' is what sandboxed pages send.
    if entry == "null" or (separator and rest and scheme not in _SECURE and "/" not in rest and "*" not in rest):
        return entry.lower()
    raise ValueError(
        f"The allowed origin {entry!r} can match no request: an origin is a scheme and a host with an optional port,"
        " such as 'https://app.example.com', without a path or a '*'. List each host, or write '*' to allow all."
    )
