"""WebSockets, driven over plain ASGI callables."""

from __future__ import annotations

import asyncio
import typing as t
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.http import websocket as websocket_module
from kolben.http.websocket import LOOK_AHEAD, SyncWebSocket, WebSocket, WebSocketClosed, origin_is_allowed

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kolben import Kolben

Event = dict[str, t.Any]
CONNECT: Event = {"type": "websocket.connect"}


def text(data: str) -> Event:
    return {"type": "websocket.receive", "text": data, "bytes": None}


def binary(data: bytes) -> Event:
    return {"type": "websocket.receive", "bytes": data}


def gone(code: int = 1001, reason: str = "") -> Event:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


class Server:
    """The server's side of one connection: what it will deliver, and what it was sent."""

    def __init__(self, *events: Event) -> None:
        self.incoming: asyncio.Queue[Event] = asyncio.Queue()
        self.sent: list[Event] = []
        self.failing: Exception | None = None
        self.deliver(CONNECT, *events)

    def deliver(self, *events: Event) -> None:
        for event in events:
            self.incoming.put_nowait(event)

    async def receive(self) -> Event:
        return await self.incoming.get()

    async def send(self, event: Event) -> None:
        if self.failing is not None:
            raise self.failing
        self.sent.append(event)

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("websocket.") for event in self.sent]

    def socket(self, **options: t.Any) -> WebSocket:
        request = t.cast("t.Any", SimpleNamespace(path="/ws", headers={"Origin": "http://a"}, args={"room": "1"}))
        scope: dict[str, t.Any] = {
            "subprotocols": ["chat", "soap"],
            "extensions": {"websocket.http.response": {}} if options.pop("can_reject", False) else None,
        }
        return WebSocket(request, self.receive, self.send, scope, **options)


def run(
    view: Callable[[WebSocket, Server], Awaitable[t.Any]], *events: Event, **options: t.Any
) -> tuple[t.Any, Server, WebSocket]:
    """Run a view against a server that delivers these events, and close afterwards as a protocol does."""

    async def main() -> tuple[t.Any, Server, WebSocket]:
        server = Server(*events)
        ws = server.socket(**options)
        try:
            return await asyncio.wait_for(view(ws, server), 10), server, ws
        finally:
            await ws.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=1)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(main())


# -- accepting and refusing ------------------------------------------------------------------------------------------


def test_the_first_receive_or_send_accepts() -> None:
    async def receives(ws: WebSocket, server: Server) -> list[str]:
        assert not ws.accepted
        assert await ws.receive() == "hi"
        assert ws.accepted
        return server.types

    async def sends(ws: WebSocket, server: Server) -> list[str]:
        await ws.send("hi")
        return server.types

    assert run(receives, text("hi"))[0] == ["accept"]
    types, server, _ = run(sends)
    assert types == ["accept", "send"]
    assert server.sent[0] == {"type": "websocket.accept", "subprotocol": None, "headers": []}
    assert server.sent[1] == {"type": "websocket.send", "text": "hi"}


def test_accept_chooses_a_subprotocol_and_adds_headers() -> None:
    async def view(ws: WebSocket, server: Server) -> Event:
        assert ws.requested_subprotocols == ["chat", "soap"]
        await ws.accept(subprotocol="soap", headers={"Set-Cookie": "a=1"})
        await ws.accept()
        assert ws.accepted_subprotocol == "soap"
        return server.sent[0]

    accept, server, _ = run(view)
    assert accept["subprotocol"] == "soap"
    assert accept["headers"] == [(b"set-cookie", b"a=1")]
    assert server.types == ["accept", "close"]


def test_several_tasks_may_accept_at_once() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await asyncio.gather(ws.send("a"), ws.send("b"), ws.accept(), ws.receive())

    assert run(view, text("x"))[1].types == ["accept", "send", "send", "close"]


def test_s25_a_subprotocol_that_was_not_requested_is_refused() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        for wrong in ("other", "chat\r\nX: y", "", "caf\xe9"):
            with pytest.raises(ValueError, match="was not requested"):
                await ws.accept(wrong)

    assert run(view)[1].types == ["close"]


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nb"}, {"X\n": "a"}, {"X": "\u20ac"}, [("Sec-WebSocket-Protocol", "chat")]]
)
def test_s24_malformed_headers_are_refused_before_anything_is_sent(headers: t.Any) -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        with pytest.raises(ValueError, match="header"):
            await ws.accept(headers=headers)
        with pytest.raises(ValueError, match="header"):
            await ws.reject(400, [("X", "\n")])

    assert run(view, can_reject=True)[1].types == ["close"]


def test_close_before_accept_refuses() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.close()
        assert ws.closed
        assert not ws.accepted
        with pytest.raises(WebSocketClosed):
            await ws.accept()
        with pytest.raises(WebSocketClosed):
            await ws.send("late")

    assert run(view)[1].types == ["close"]


def test_a_client_that_left_before_the_handshake() -> None:
    async def main() -> None:
        server = Server()
        server.incoming.get_nowait()
        server.deliver(gone(1006))
        ws = server.socket()
        with pytest.raises(WebSocketClosed):
            await ws.receive()
        await ws.close()
        assert server.sent == []
        assert ws.close_code == 1006

    asyncio.run(main())


def test_reject_sends_a_response_where_the_server_can() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.reject(401, {"WWW-Authenticate": "Basic"}, b"who?")
        with pytest.raises(WebSocketClosed):
            await ws.send("late")

    _, server, _ = run(view, can_reject=True)
    assert server.sent == [
        {"type": "websocket.http.response.start", "status": 401, "headers": [(b"www-authenticate", b"Basic")]},
        {"type": "websocket.http.response.body", "body": b"who?", "more_body": False},
    ]
    assert run(view)[1].types == ["close"]


def test_reject_is_too_late_after_accept_and_harmless_when_the_client_left() -> None:
    async def late(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        with pytest.raises(RuntimeError, match="was accepted already"):
            await ws.reject(403)

    async def left(ws: WebSocket, server: Server) -> None:
        server.failing = OSError("gone")
        await ws.reject(403)

    run(late, can_reject=True)
    assert run(left, can_reject=True)[1].sent == []


# -- messages --------------------------------------------------------------------------------------------------------


def test_messages_are_text_or_bytes() -> None:
    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        await ws.send(b"b")
        await ws.send(t.cast("bytes", bytearray(b"c")))
        await ws.send(t.cast("bytes", memoryview(b"d")))
        return [await ws.receive() for _ in range(4)]

    messages, server, _ = run(view, text("a"), binary(b"b"), text(""), binary(b""))
    assert messages == ["a", b"b", "", b""]
    assert [event["bytes"] for event in server.sent[1:4]] == [b"b", b"c", b"d"]


def test_json() -> None:
    async def view(ws: WebSocket, server: Server) -> t.Any:
        await ws.send_json({"a": [1, None]})
        await ws.send_json(a="\xe4")
        await ws.send_json(1, 2)
        with pytest.raises(TypeError, match="not both"):
            await ws.send_json(1, a=2)
        received = await ws.receive_json(), await ws.receive_json()
        with pytest.raises(ValueError):  # Of the JSON library.
            await ws.receive_json()
        return received

    from kolben import json

    received, server, _ = run(view, text('{"x": 1}'), binary(b"[2]"), text("{"))
    assert received == ({"x": 1}, [2])
    assert [json.loads(event["text"]) for event in server.sent[1:4]] == [{"a": [1, None]}, {"a": "\xe4"}, [1, 2]]


def test_only_text_and_bytes_are_sent() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        with pytest.raises(TypeError, match=r"'dict'.*send_json"):
            await ws.send(t.cast("t.Any", {"a": 1}))

    assert run(view)[1].types == ["close"]


def test_iteration_ends_with_the_connection() -> None:
    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        return [message async for message in ws]

    for code in (1000, 1001, 1005, 1006):
        messages, server, ws = run(view, text("a"), binary(b"b"), gone(code, "bye"))
        assert messages == ["a", b"b"]
        assert (ws.close_code, ws.close_reason, ws.closed) == (code, "bye", True)
        assert server.types == ["accept"]


def test_receive_after_the_end_raises_again_and_again() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        for _ in range(3):
            with pytest.raises(WebSocketClosed) as caught:
                await ws.receive()
            assert (caught.value.code, caught.value.reason) == (4000, "kicked")
            assert "4000" in str(caught.value)

    run(view, gone(4000, "kicked"))


def test_s38_send_after_close_raises_websocket_closed() -> None:
    async def after_our_close(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        await ws.close(3001, "done")
        with pytest.raises(WebSocketClosed) as caught:
            await ws.send("late")
        assert caught.value.code == 3001
        with pytest.raises(WebSocketClosed):
            await ws.receive()

    async def after_theirs(ws: WebSocket, server: Server) -> None:
        with pytest.raises(WebSocketClosed):
            await ws.receive()
        with pytest.raises(WebSocketClosed):
            await ws.send("late")

    assert run(after_our_close)[1].types == ["accept", "close"]
    assert run(after_theirs, gone())[1].types == ["accept"]


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("after close"), ValueError("?"), KeyError("state")])
def test_s38_whatever_a_server_raises_becomes_websocket_closed(error: Exception) -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        server.failing = error
        with pytest.raises(WebSocketClosed) as caught:
            await ws.send("x")
        assert caught.value.code == 1006
        assert caught.value.__cause__ is error
        assert ws.closed

    run(view)


def test_close_while_another_task_receives_keeps_our_code() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        receiving = asyncio.ensure_future(ws.receive())
        await asyncio.sleep(0.01)
        await ws.close(4001, "enough")
        server.deliver(gone(1006))
        with pytest.raises(WebSocketClosed) as caught:
            await receiving
        assert caught.value.code == 4001

    _, server, ws = run(view)
    assert ws.close_code == 4001
    assert server.sent[-1] == {"type": "websocket.close", "code": 4001, "reason": "enough"}


def test_close_is_harmless_twice_and_when_the_client_was_faster() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        server.failing = RuntimeError("closed")
        await ws.close()
        await ws.close()
        assert ws.close_code == 1006

    assert run(view)[1].types == ["accept"]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
def test_close_codes_that_cannot_be_sent_are_refused(code: int) -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        with pytest.raises(ValueError, match="close code"):
            await ws.close(code)
        assert not ws.closed

    run(view)


def test_a_close_reason_must_fit_into_a_frame() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        with pytest.raises(ValueError, match="123 bytes"):
            await ws.close(1000, "\xe4" * 62)
        await ws.close(1000, "\xe4" * 61)

    run(view)


def test_the_request_can_be_read_through_the_socket() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        assert ws.path == "/ws"
        assert ws.args["room"] == "1"
        assert ws.headers["Origin"] == "http://a"
        with pytest.raises(AttributeError):
            _ = ws.nonsense
        assert "not accepted" in repr(ws)

    run(view)


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        (text("a" * 100), True),
        (text("a" * 101), False),
        (binary(b"a" * 100), True),
        (binary(b"a" * 101), False),
        (text("\u20ac" * 33), True),
        (text("\u20ac" * 34), False),
        (text("\U0001f600" * 25), True),
        (text("\U0001f600" * 26), False),
    ],
)
def test_s38_a_message_that_is_too_large_closes_with_1009(message: Event, fits: bool) -> None:
    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        return [received async for received in ws]

    messages, server, ws = run(view, message, gone(), max_message_size=100)
    assert len(messages) == fits
    if not fits:
        assert ws.close_code == 1009
        assert server.sent[-1]["code"] == 1009


def test_s38_the_size_may_be_unlimited() -> None:
    async def view(ws: WebSocket, server: Server) -> int:
        return len(await ws.receive())

    assert run(view, binary(b"a" * 3_000_000), max_message_size=None)[0] == 3_000_000


# -- a client that goes away unnoticed -------------------------------------------------------------------------------


@pytest.fixture
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "WATCH_AFTER", 0.01)


async def tick(ws: WebSocket, pause: float | None) -> None:
    while True:
        await ws.send("tick")
        if pause is not None:
            await asyncio.sleep(pause)


@pytest.mark.usefixtures("quick_watch")
def test_a_view_that_only_sends_notices_that_the_client_left() -> None:
    """The server here accepts every send without a word, as Granian and hypercorn do."""

    async def view(ws: WebSocket, server: Server) -> int:
        await ws.send("first")
        server.deliver(gone(1001))
        with pytest.raises(WebSocketClosed) as caught:
            await tick(ws, 0.005)
        return caught.value.code

    assert run(view)[0] == 1001


@pytest.mark.usefixtures("quick_watch")
def test_even_a_view_that_never_gives_way_notices() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        server.deliver(gone())
        with pytest.raises(WebSocketClosed):
            await tick(ws, None)

    run(view)


@pytest.mark.usefixtures("quick_watch")
def test_a_view_that_waits_for_something_else_can_be_ended() -> None:
    calls: list[int] = []

    async def view(ws: WebSocket, server: Server) -> None:
        left = asyncio.Event()

        def on_disconnect() -> None:
            calls.append(1)
            left.set()

        ws.on_disconnect = on_disconnect
        await ws.accept()
        server.deliver(gone())
        await left.wait()
        await asyncio.sleep(0.05)
        assert ws.closed

    run(view)
    assert calls == [1]


@pytest.mark.usefixtures("quick_watch")
def test_messages_that_were_looked_ahead_are_not_lost() -> None:
    sent = [f"{n}" for n in range(LOOK_AHEAD * 3)]

    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        ws.on_disconnect = lambda: pytest.fail("The view was still reading.")
        await ws.accept()
        server.deliver(*map(text, sent))
        await asyncio.sleep(0.05)
        # Only so many are taken from the server, the rest waits there.
        assert server.incoming.qsize() == len(sent) - LOOK_AHEAD
        server.deliver(gone())
        return [message async for message in ws]

    assert run(view)[0] == sent


@pytest.mark.usefixtures("quick_watch")
def test_large_messages_are_not_looked_ahead() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        await ws.accept()
        server.deliver(*[binary(b"a" * 50_000)] * 5)
        await asyncio.sleep(0.05)
        assert server.incoming.qsize() == 3
        for _ in range(5):
            assert len(await ws.receive()) == 50_000

    run(view)


@pytest.mark.usefixtures("quick_watch")
def test_a_view_that_leaves_messages_unread_is_ended_all_the_same() -> None:
    async def view(ws: WebSocket, server: Server) -> None:
        left = asyncio.Event()
        ws.on_disconnect = left.set
        await ws.accept()
        server.deliver(text("ignored"), gone())
        await left.wait()

    run(view)


@pytest.mark.usefixtures("quick_watch")
def test_receiving_goes_on_after_a_pause() -> None:
    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        messages: list[str | bytes] = []
        await ws.accept()
        for n in range(5):
            await asyncio.sleep(0.03)  # The watch begins ...
            server.deliver(text(f"{n}"))
            messages.append(await ws.receive())  # ... and hands over.
            server.deliver(text(f"{n}!"))
            messages.append(await ws.receive())
        return messages

    assert run(view)[0] == [f"{n}{mark}" for n in range(5) for mark in ("", "!")]


@pytest.mark.usefixtures("quick_watch")
def test_a_receive_with_a_timeout_loses_nothing() -> None:
    async def view(ws: WebSocket, server: Server) -> list[str | bytes]:
        messages: list[str | bytes] = []
        for n in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.005):
                    await ws.receive()
            await asyncio.sleep(0.012 if n % 2 else 0)
            server.deliver(text(str(n)))
            messages.append(await ws.receive())
        return messages

    assert run(view)[0] == [str(n) for n in range(20)]


@pytest.mark.usefixtures("quick_watch")
def test_a_server_that_fails_while_watched_counts_as_gone() -> None:
    async def main() -> None:
        server = Server()
        left = asyncio.Event()

        async def receive() -> Event:
            if server.incoming.empty():
                raise RuntimeError("broken")
            return await server.receive()

        ws = WebSocket(t.cast("t.Any", SimpleNamespace(path="/")), receive, server.send, on_disconnect=left.set)
        await ws.accept()
        await asyncio.wait_for(left.wait(), 5)
        with pytest.raises(WebSocketClosed) as caught:
            await ws.send("x")
        assert caught.value.code == 1006
        await ws.close()

    asyncio.run(main())


# -- sync views ------------------------------------------------------------------------------------------------------


def run_sync(view: Callable[[SyncWebSocket], t.Any], *events: Event) -> tuple[t.Any, Server]:
    """Run a sync view in a worker thread, as a protocol does."""
    from kolben.bridge import in_thread

    async def wrapped(ws: WebSocket, server: Server) -> t.Any:
        return await in_thread(view, SyncWebSocket(ws))

    result, server, _ = run(wrapped, *events)
    return result, server


def test_a_sync_view_uses_the_same_methods_without_await() -> None:
    def view(ws: SyncWebSocket) -> list[t.Any]:
        ws.accept("chat", {"X": "1"})
        ws.send("hi")
        ws.send_json(a=1)
        first = ws.receive()
        second = ws.receive_json()
        assert ws.path == "/ws"
        assert ws.accepted_subprotocol == "chat"
        rest = list(ws)
        assert ws.closed
        with pytest.raises(WebSocketClosed):
            ws.send("late")
        ws.close()
        assert repr(ws).startswith("<SyncWebSocket '/ws'")
        return [first, second, *rest]

    messages, server = run_sync(view, text("a"), text("[1]"), binary(b"b"), text("c"), gone())
    assert messages == ["a", [1], b"b", "c"]
    assert server.types == ["accept", "send", "send"]


def test_a_sync_view_may_refuse_and_close() -> None:
    assert run_sync(lambda ws: ws.close())[1].types == ["close"]

    def view(ws: SyncWebSocket) -> None:
        ws.accept()
        ws.close(4000, "why")

    assert run_sync(view)[1].sent[-1] == {"type": "websocket.close", "code": 4000, "reason": "why"}


# -- origins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://example.com", "example.com", "ws"),
        ("http://EXAMPLE.com", "example.com", "ws"),
        ("http://example.com:80", "example.com", "ws"),
        ("http://example.com", "example.com:80", "http"),
        ("https://example.com", "example.com:443", "wss"),
        ("https://example.com:8443", "example.com:8443", "https"),
        ("http://[::1]:5000", "[::1]:5000", "ws"),
        (None, "example.com", "ws"),
    ],
)
def test_s38_pages_of_the_same_origin_may_open_a_socket(origin: str | None, host: str, scheme: str) -> None:
    assert origin_is_allowed(origin, host, scheme)


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.com", "https://example.com", "http://example.com:8080", "http://example.com.evil.com"),
        *("http://evilexample.com", "http://sub.example.com", "http://exampleXcom", "http://example.com."),
        *("http://example.com@evil.com", "http://evil.com#example.com", "http://evil.com/example.com", "//example.com"),
        *("http://example.com/", "http://example.com\\@evil.com", "example.com", "null", "", " ", "*", "http://"),
        *("http://example.com http://evil.com", "http://example.com,http://evil.com", "http://example.com\n"),
        *("file://", "data:text/html,x", "ws://example.com", "http://\u212axample.com"),
    ],
)
def test_s38_pages_of_other_origins_may_not(origin: str) -> None:
    assert not origin_is_allowed(origin, "example.com", "ws")
    assert not origin_is_allowed(origin, "example.com", "ws", ["https://app.example.com"])
    assert origin_is_allowed(origin, "example.com", "ws", "*")


def test_s38_listed_origins_may() -> None:
    allowed = ["https://App.example.com", "http://localhost:3000", "moz-extension://a-b", "https://x:443"]
    for origin in (
        *("https://app.example.com", "https://app.example.com:443", "http://localhost:3000"),
        *("moz-extension://a-b", "https://X"),
    ):
        assert origin_is_allowed(origin, "example.com", "ws", allowed), origin
    for origin in (
        *("http://app.example.com", "https://app.example.com:444", "http://localhost", "https://appXexample.com"),
        *("https://b.app.example.com", "moz-extension://a-bc", "null"),
    ):
        assert not origin_is_allowed(origin, "example.com", "ws", allowed), origin
    assert origin_is_allowed("null", "example.com", "ws", ["null"])


@pytest.mark.parametrize("entry", ["https://*.example.com", "example.com", "https://a/", "", "http://", "ws://a", "**"])
def test_s38_an_entry_that_can_match_nothing_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="can match no request"):
        origin_is_allowed("http://a", "a", "ws", [entry])


def test_s38_without_a_host_no_origin_is_the_same() -> None:
    assert not origin_is_allowed("http://", "", "ws")
    assert not origin_is_allowed("http://a", "", "ws")


@given(st.text(alphabet="ahtp:/.@#?\\ com*,", max_size=20))
def test_s38_only_the_very_origin_is_the_same(origin: str) -> None:
    if origin_is_allowed(origin, "a.com", "ws"):
        assert origin in {"http://a.com", "http://a.com:80"}


# -- through an application ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("way", ["parameter", "proxy"])
def test_a_view_echoes(app: Kolben, kind: str, way: str) -> None:
    from kolben import websocket

    @app.websocket("/async/parameter/<name>")
    async def async_parameter(ws: WebSocket, name: str) -> None:
        async for message in ws:
            await ws.send(f"{name}: {message!r} {ws.args['q']}")

    @app.websocket("/async/proxy/<name>")
    async def async_proxy(name: str) -> None:
        while True:
            await websocket.send(f"{name}: {await websocket.receive()!r} {websocket.args['q']}")

    @app.websocket("/sync/parameter/<name>")
    def sync_parameter(ws: SyncWebSocket, name: str) -> None:
        for message in ws:
            ws.send(f"{name}: {message!r} {ws.args['q']}")

    @app.websocket("/sync/proxy/<name>")
    def sync_proxy(name: str) -> None:
        ws = t.cast("SyncWebSocket", websocket)
        while True:
            ws.send(f"{name}: {ws.receive()!r} {ws.args['q']}")

    with app.test_client().websocket(f"/{kind}/{way}/ada?q=1") as ws:
        ws.send("hi")
        assert ws.receive() == "ada: 'hi' 1"
        ws.send(b"hi")
        assert ws.receive() == "ada: b'hi' 1"


def test_s38_a_page_of_another_site_is_refused_before_the_view(app: Kolben) -> None:
    from kolben.testing.websocket import WebSocketRejected

    calls = []

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        calls.append(1)
        await ws.send("in")

    client = app.test_client()
    with pytest.raises(WebSocketRejected) as caught, client.websocket("/ws", headers={"Origin": "http://evil.example"}):
        pass
    assert caught.value.status_code == 403
    assert calls == []
    app.config["WEBSOCKET_ALLOWED_ORIGINS"] = ["http://evil.example"]
    with client.websocket("/ws", headers={"Origin": "http://evil.example"}) as ws:
        assert ws.receive() == "in"


def test_s38_a_message_that_is_too_large_ends_the_connection(app: Kolben) -> None:
    from kolben.testing.websocket import WebSocketClosed as ClosedForClient

    app.config["WEBSOCKET_MAX_MESSAGE_SIZE"] = 10

    @app.websocket("/ws")
    async def view(ws: WebSocket) -> None:
        async for message in ws:
            await ws.send(message)

    with app.test_client().websocket("/ws") as ws:
        ws.send("a" * 10)
        assert ws.receive() == "a" * 10
        ws.send("a" * 11)
        with pytest.raises(ClosedForClient) as caught:
            ws.receive()
    assert caught.value.code == 1009
