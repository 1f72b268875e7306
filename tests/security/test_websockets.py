"""WebSockets: who may open one, what is let in before that, what may follow (S38, S18 in part)."""

from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben import Kolben, abort, g, request, session
from kolben.http.websocket import SyncWebSocket, WebSocket, WebSocketClosed
from kolben.testing import WebSocketRejected
from tests.security.raw import scope_of

HANDSHAKE = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")]


class Talk:
    """Opens a WebSocket as a server does, says what it is told to, leaves, and keeps what the application sends."""

    def __init__(self, app: Kolben, path: bytes = b"/ws", **headers: bytes) -> None:
        given = {"host": b"example.test", **headers}
        pairs = [(name.encode(), value) for name, value in given.items()]
        self.scope = scope_of(path, headers=[*pairs, *HANDSHAKE], scheme="ws")
        self.scope |= {"type": "websocket", "subprotocols": [], "extensions": {"websocket.http.response": {}}}
        del self.scope["method"]
        self.app = app
        self.sent: list[dict[str, t.Any]] = []
        self.events: list[dict[str, t.Any]] = [{"type": "websocket.connect"}]
        self.taken = 0

    def say(self, *messages: str | bytes) -> Talk:
        self.events += [
            {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}
            for message in messages
        ]
        return self

    async def _receive(self) -> dict[str, t.Any]:
        self.taken += 1
        if self.taken > len(self.events):
            return {"type": "websocket.disconnect", "code": 1001}
        return self.events[self.taken - 1]

    async def _send(self, message: t.Any) -> None:
        self.sent.append(dict(message))

    def run(self) -> Talk:
        async def serve() -> None:
            await t.cast(t.Any, self.app)(self.scope, self._receive, self._send)

        asyncio.run(serve())
        return self

    @property
    def types(self) -> list[str]:
        return [message["type"].removeprefix("websocket.") for message in self.sent]

    @property
    def status(self) -> int:
        """The status of the answer to the handshake."""
        first = self.sent[0]
        return 101 if first["type"] == "websocket.accept" else int(first.get("status", 403))


@pytest.fixture(params=["sync", "async"])
def opened(app: Kolben, request: pytest.FixtureRequest) -> list[str]:
    """An application with `/ws`, that notes every message it is sent."""
    app.testing = False
    opened: list[str] = []

    def view(ws: SyncWebSocket) -> None:
        opened.append("opened")
        opened.extend(map(str, ws))

    async def view_async(ws: WebSocket) -> None:
        opened.append("opened")
        opened.extend([str(message) async for message in ws])

    app.websocket("/ws")(view if request.param == "sync" else view_async)
    return opened


FOREIGN = [
    *(b"http://evil.test", b"https://example.test", b"http://example.test:8080", b"http://sub.example.test", b"null"),
    *(
        b"http://example.test.evil.test",
        b"http://exampleXtest",
        b"http://evil.test/http://example.test",
        b"",
        b"file://",
    ),
    *(b"http://example.test@evil.test", b"http://evil.test#example.test", b"http://example.test, http://evil.test"),
    *(b"http://example.test\\.evil.test", b"ws://example.test", b"example.test", b"http://example.test/", b"http://"),
    *(b"http://example.test\xff", b"*", b"http://[::1", b"http://evil.test\t.example.test"),
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_s38_a_page_of_another_site_opens_none(app: Kolben, opened: list[str], origin: bytes) -> None:
    talk = Talk(app, origin=origin).say("secret").run()

    assert talk.status == 403
    assert "accept" not in talk.types
    assert opened == []


@pytest.mark.parametrize("headers", [{"origin": b"http://example.test"}, {"origin": b"HTTP://EXAMPLE.test:80"}, {}])
def test_s38_a_page_of_ones_own_and_a_program_open_one(
    app: Kolben, opened: list[str], headers: dict[str, bytes]
) -> None:
    assert Talk(app, **headers).say("hi").run().status == 101
    assert opened == ["opened", "hi"]


def test_s38_two_origins_are_no_origin(app: Kolben, opened: list[str]) -> None:
    talk = Talk(app, origin=b"http://example.test")
    talk.scope["headers"].append((b"origin", b"http://evil.test"))

    assert talk.run().status in {400, 403}
    assert opened == []


def test_s38_other_origins_are_allowed_by_name(app: Kolben, opened: list[str]) -> None:
    app.config["WEBSOCKET_ALLOWED_ORIGINS"] = ["https://app.test"]

    assert Talk(app, origin=b"https://app.test").say("hi").run().status == 101
    assert Talk(app, origin=b"https://app.test.evil.test").run().status == 403
    assert Talk(app, origin=b"http://app.test").run().status == 403
    assert opened == ["opened", "hi"]


@pytest.mark.parametrize("host", [b"a/b?c", b"a@b", b"", b"[::1", b"h" * 300])
def test_s38_a_handshake_has_a_host_like_any_request(app: Kolben, opened: list[str], host: bytes) -> None:
    """S1 and S38: also if the origin says the same."""
    assert Talk(app, host=host, origin=b"http://" + host).run().status in {400, 403}
    assert opened == []


def test_s38_a_host_that_is_not_trusted_opens_none(app: Kolben, opened: list[str]) -> None:
    """S3 and S38."""
    app.config["TRUSTED_HOSTS"] = ["other.test"]

    assert Talk(app, origin=b"http://example.test").run().status == 400
    assert opened == []


@pytest.mark.parametrize("path", [b"@evil.test", b"/ws%00", b"/%ff", b""])
def test_s38_a_handshake_has_a_path_like_any_request(app: Kolben, opened: list[str], path: bytes) -> None:
    """S2 and S38."""
    assert Talk(app, path).run().status == 400
    assert opened == []


@pytest.mark.parametrize("how", ["hook", "view"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_s38_nothing_is_accepted_before_the_application_says_so(app: Kolben, how: str, kind: str) -> None:
    app.testing = False
    seen: list[t.Any] = []

    def authenticate() -> None:
        if "user" not in session:
            abort(401)
        g.user = session["user"]

    if how == "hook":
        app.before_websocket(authenticate)

    def view(ws: SyncWebSocket) -> None:
        if how == "view":
            authenticate()
        seen.append(ws.receive())

    async def view_async(ws: WebSocket) -> None:
        if how == "view":
            authenticate()
        seen.append(await ws.receive())

    app.websocket("/ws")(view if kind == "sync" else view_async)
    talk = Talk(app).say("secret").run()

    assert talk.status == 401
    assert "accept" not in talk.types
    assert talk.taken <= 1
    assert seen == []


def test_s38_a_refusal_is_seen_by_the_client(app: Kolben) -> None:
    app.testing = False

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        abort(404)

    client = app.test_client(protocol="asgi", validate=True)
    for path in ("/ws", "/none"):
        with pytest.raises(WebSocketRejected) as refused, client.websocket(path):
            pass
        assert refused.value.status_code == 404
    with pytest.raises(WebSocketRejected) as refused, client.websocket("/ws", headers={"Origin": "http://evil.test"}):
        pass
    assert refused.value.status_code == 403
    client.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_s38_after_the_close_nothing_is_sent(app: Kolben, kind: str) -> None:
    app.testing = False
    raised: list[str] = []

    def use(ws: SyncWebSocket) -> None:
        ws.send("before")
        ws.close(4000, "done")
        for call in (lambda: ws.send("after"), lambda: ws.send(b"after"), ws.receive, ws.accept):
            try:
                call()
            except WebSocketClosed as exc:
                raised.append(f"{exc.code}")
        ws.close()

    async def use_async(ws: WebSocket) -> None:
        await ws.send("before")
        await ws.close(4000, "done")
        for call in (lambda: ws.send("after"), lambda: ws.send(b"after"), ws.receive, ws.accept):
            try:
                await call()
            except WebSocketClosed as exc:
                raised.append(f"{exc.code}")
        await ws.close()

    app.websocket("/ws")(use if kind == "sync" else use_async)
    talk = Talk(app).run()

    assert talk.types == ["accept", "send", "close"]
    assert raised == ["4000"] * 4


@pytest.mark.parametrize("message", ["x" * 1001, b"x" * 1001, "é" * 501, "\U0001f600" * 251])
def test_s38_a_message_that_is_too_large_closes(app: Kolben, opened: list[str], message: str | bytes) -> None:
    app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 1000
    talk = Talk(app).say("x" * 1000, message, "after").run()

    assert talk.sent[-1]["type"] == "websocket.close"
    assert talk.sent[-1]["code"] == 1009
    assert opened == ["opened", "x" * 1000]


def test_s38_a_view_that_does_not_receive_lets_no_queue_grow(app: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
    """S18 and S38: while it is watched for the client going away, a few messages are taken, and no more."""
    from kolben.http import websocket

    app.testing = False
    monkeypatch.setattr(websocket, "WATCH_AFTER", 0.001)

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        await ws.accept()
        for _ in range(200):
            await asyncio.sleep(0.001)

    talk = Talk(app).say(*["x"] * 1000).run()
    assert talk.taken <= 1 + websocket.LOOK_AHEAD


def test_s38_headers_of_the_acceptance_cannot_be_split(app: Kolben) -> None:
    """S24 and S38."""
    app.testing = False

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        await ws.accept(headers={request.args["name"]: request.args["value"]})

    for query in (b"name=X-A&value=a%0d%0aX-Evil:1", b"name=X%0aA&value=a", b"name=sec-websocket-accept&value=a"):
        talk = Talk(app)
        talk.scope["query_string"] = query
        assert talk.run().status == 500
        assert "accept" not in talk.types


def test_s38_an_error_in_a_view_is_a_close_and_one_log(app: Kolben, caplog: pytest.LogCaptureFixture) -> None:
    app.testing = False

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        await ws.accept()
        raise ZeroDivisionError

    talk = Talk(app).run()
    assert talk.sent[-1]["code"] == 1011
    assert len(caplog.records) == 1
