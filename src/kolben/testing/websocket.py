"""The client's end of a WebSocket, for asynchronous and for synchronous tests."""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque

from werkzeug.datastructures import Headers

from .exchange import PATIENCE, AppTask, headers_of
from .scope import scope_from_environ, websocket_scope

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from types import TracebackType

    from werkzeug.test import TestResponse
    from werkzeug.wrappers import Request as BaseRequest

    from .client import KolbenClient
    from .scope import ASGIApp, Message, Scope
    from .server import LoopServer

T = t.TypeVar("T")


class WebSocketRejected(Exception):
    """The application refused the handshake.

    :ivar response: What it answered: an empty 403 if it just closed.
    :ivar status_code: The status of that.
    """

    def __init__(self, response: TestResponse) -> None:
        super().__init__(f"The application refused the WebSocket with {response.status}.")
        self.response = response
        self.status_code = response.status_code


class WebSocketClosed(Exception):
    """The WebSocket is closed, and nothing is left to receive.

    :ivar code: The code it was closed with (RFC 6455, 7.4), by either side; 1006 if the application just ended.
    :ivar reason: The text that came with it.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The WebSocket was closed with code {code}{f': {reason}' if reason else ''}.")
        self.code = code
        self.reason = reason


class WebSocketConnection(AppTask):
    """A WebSocket from the side of the client. Use it as ``async with client.websocket("/ws") as ws:``.

    The block begins when the application has accepted. At its end the client closes with code 1000 and waits for the
    application, whose errors are raised there.

    :ivar subprotocol: The one that the application chose.
    :ivar headers: Those that came with its acceptance.
    """

    def __init__(
        self, browser: KolbenClient, app: ASGIApp, scope: Scope, request: BaseRequest, window: int | None = None
    ) -> None:
        super().__init__(app, scope)
        self.accepted = False
        self.subprotocol: str | None = None
        self.headers = Headers()
        self._browser = browser
        self._request = request
        self._window = window
        self._closed: WebSocketClosed | None = None
        self._refusal: tuple[int, Headers] | None = None
        self._refusal_body: list[bytes] = []
        self._refused = False
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._messages: deque[str | bytes] = deque()

    # -- the client --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> t.Self:
        self._to_app.put_nowait({"type": "websocket.connect"})
        self.begin(self._run())
        await self.until(lambda: self.accepted or self._refused or self.ended)
        self._browser.keep_cookies(self._request.environ, self.headers)
        if self.accepted:
            return self
        await self._finish()
        raise WebSocketRejected(self._refusal_response())

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc_value is None:
            await self.close()
            await self._finish()
            return
        await self.disconnect()
        try:
            await self._finish()
        except Exception:
            # The error of the test is the one to see, unless it is but a consequence of the application's.
            if isinstance(exc_value, WebSocketClosed):
                raise

    async def send(self, data: str | bytes) -> None:
        """Send a text or binary message.

        :raises WebSocketClosed: the WebSocket is closed.
        """
        if self._closed is not None:
            raise self._closed
        kind = "text" if isinstance(data, str) else "bytes"
        self._to_app.put_nowait({"type": "websocket.receive", kind: data})

    async def receive(self) -> str | bytes:
        """The next message.

        :raises WebSocketClosed: the WebSocket is closed. What the application raised instead is raised here.
        """
        await self.until(lambda: self._messages or self._closed is not None or self.ended)
        if self._messages:
            message = self._messages.popleft()
            self.changed()
            return message
        if self.ended:
            await self._finish()
        raise self._closed or WebSocketClosed(1006, "")

    async def send_json(self, data: t.Any) -> None:
        """Send data as a text message, in JSON."""
        await self.send(self._browser.application.json.dumps(data))

    async def receive_json(self) -> t.Any:
        """The data of the next message, which is JSON."""
        return self._browser.application.json.loads(await self.receive())

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages, until the WebSocket is closed."""
        try:
            while True:
                yield await self.receive()
        except WebSocketClosed:
            return

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket from this side."""
        if self._closed is None:
            self._close(code, reason)
        # NOTE: lets the application see it before the test goes on.
        await asyncio.sleep(0)

    async def disconnect(self) -> None:
        """Go away without closing, as when the network fails: the application sees code 1006."""
        await self.close(1006)

    async def _finish(self) -> None:
        await self.end(PATIENCE)

    def _close(self, code: int, reason: str) -> None:
        self._closed = WebSocketClosed(code, reason)
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.changed()

    def _refusal_response(self) -> TestResponse:
        if self._refusal is None and not self._refused:
            raise RuntimeError(
                f"The application returned without an answer to the WebSocket handshake at '{self.scope['path']}': it"
                " neither accepted nor refused it."
            )
        status, headers = self._refusal or (403, Headers())
        return self._browser.make_response(self._request, self._refusal_body, str(status), headers)

    # -- the application ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        await self.app(self.scope, self._receive, self._send)

    async def _receive(self) -> Message:
        message = await self._to_app.get()
        if message["type"] == "websocket.disconnect":
            # Whoever asks again is told again.
            self._to_app.put_nowait(message)
        return message

    async def _send(self, message: Message) -> None:
        if self._closed is not None:
            await self.refuse()
            return
        match message["type"]:
            case "websocket.accept":
                self.accepted = True
                self.subprotocol = message.get("subprotocol")
                self.headers = headers_of(message)
            case "websocket.send":
                text = message.get("text")
                self._messages.append(text if text is not None else message["bytes"])
                self.changed()
                await self.until(self._may_go_on)
            case "websocket.close":
                self._refused = not self.accepted
                self._close(message.get("code", 1000), message.get("reason") or "")
            case "websocket.http.response.start":
                self.headers = headers_of(message)
                self._refusal = (message["status"], self.headers)
            case "websocket.http.response.body":
                self._refusal_body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    self._refused = True
                    self._close(1006, "")
        self.changed()

    def _may_go_on(self) -> bool:
        return self._window is None or len(self._messages) < self._window or self._closed is not None


class SyncWebSocket:
    """A WebSocket from the side of a synchronous client: :class:`WebSocketConnection` without ``await``."""

    def __init__(
        self,
        browser: KolbenClient,
        server: LoopServer,
        request: BaseRequest,
        subprotocols: list[str],
        window: int | None,
    ) -> None:
        self._browser = browser
        self._server = server
        self._request = request
        self._subprotocols = subprotocols
        self._window = window
        self._connection: WebSocketConnection | None = None

    def __enter__(self) -> t.Self:
        self._server.start()
        self._connection = self._server.run(self._open())
        return self

    async def _open(self) -> WebSocketConnection:
        self._browser._add_cookies_to_wsgi(self._request.environ)
        scope = websocket_scope(scope_from_environ(self._request.environ), self._subprotocols)
        scope["state"] = self._server.state()
        connection = WebSocketConnection(self._browser, self._server.app, scope, self._request, self._window)
        return await connection.__aenter__()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.run(self._opened.__aexit__(exc_type, exc_value, tb))

    @property
    def _opened(self) -> WebSocketConnection:
        if self._connection is None:
            raise RuntimeError("This WebSocket is not open. Use it in a block: 'with client.websocket(...) as ws:'.")
        return self._connection

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the application chose."""
        return self._opened.subprotocol

    @property
    def headers(self) -> Headers:
        """The headers that came with its acceptance."""
        return self._opened.headers

    def send(self, data: str | bytes) -> None:
        """Send a text or binary message."""
        self._server.run(self._opened.send(data))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """The next message; :exc:`TimeoutError` if there is none within ``timeout`` seconds."""
        return self._server.run(_within(timeout, self._opened.receive()))

    def send_json(self, data: t.Any) -> None:
        """Send data as a text message, in JSON."""
        self._server.run(self._opened.send_json(data))

    def receive_json(self, timeout: float | None = None) -> t.Any:
        """The data of the next message, which is JSON."""
        return self._server.run(_within(timeout, self._opened.receive_json()))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket from this side."""
        self._server.run(self._opened.close(code, reason))

    def disconnect(self) -> None:
        """Go away without closing, as when the network fails."""
        self._server.run(self._opened.disconnect())

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.receive()
        except WebSocketClosed:
            return


async def _within(timeout: float | None, work: Coroutine[t.Any, t.Any, T]) -> T:
    async with asyncio.timeout(timeout):
        return await work
