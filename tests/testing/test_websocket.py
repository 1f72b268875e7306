from __future__ import annotations

import asyncio
import json
import typing as t

import pytest

from kolben.testing import AsyncClient, KolbenClient, WebSocketClosed, WebSocketRejected
from tests.testing.bare import Bare

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kolben.testing import WebSocketConnection
    from kolben.testing.scope import ASGIApp, Message, Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, and sends back what it gets; "close" closes."""
    await receive()
    offered = scope["subprotocols"]
    await send(
        {"type": "websocket.accept", "subprotocol": offered[-1] if offered else None, "headers": [(b"x-a", b"1")]}
    )
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
        elif message.get("text") == "raise":
            raise ZeroDivisionError
        else:
            await send({**message, "type": "websocket.send"})


def talk(app: ASGIApp, client: Callable[[WebSocketConnection], Awaitable[t.Any]], **options: t.Any) -> None:
    """Open a WebSocket and let `client` talk over it, every message checked."""

    async def run() -> None:
        async with (
            AsyncClient(t.cast(t.Any, Bare(app)), validate=True) as test_client,
            test_client.websocket("/ws", **options) as websocket,
        ):
            await client(websocket)

    asyncio.run(run())


def refusing(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


async def nothing(websocket: WebSocketConnection) -> None:
    pass


def test_text_bytes_and_json_go_both_ways() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        await websocket.send("text")
        await websocket.send(b"bytes")
        await websocket.send_json({"a": [1]})
        assert await websocket.receive() == "text"
        assert await websocket.receive() == b"bytes"
        assert await websocket.receive_json() == {"a": [1]}

    talk(echo, client)


def test_the_handshake_says_subprotocol_and_headers() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        assert websocket.accepted
        assert websocket.subprotocol == "b"
        assert websocket.headers["X-A"] == "1"

    talk(echo, client, subprotocols=["a", "b"])


def test_the_request_is_described_as_any_other() -> None:
    scopes = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await echo(scope, receive, send)

    talk(
        app,
        nothing,
        query_string={"q": "1"},
        headers={"Origin": "https://example.com"},
        scheme="wss",
        scope_base={"client": ("1.2.3.4", 5)},
    )
    assert scopes[0]["path"] == "/ws"
    assert scopes[0]["query_string"] == b"q=1"
    assert scopes[0]["scheme"] == "wss"
    assert scopes[0]["client"] == ("1.2.3.4", 5)
    assert scopes[0]["state"] == {"pool": "a pool"}
    assert (b"origin", b"https://example.com") in scopes[0]["headers"]


def test_iteration_ends_when_the_application_closes() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        for text in ("a", "b", "close"):
            await websocket.send(text)
        assert [message async for message in websocket] == ["a", "b"]

    talk(echo, client)


def test_a_closed_websocket_says_why() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        await websocket.send("close")
        with pytest.raises(WebSocketClosed, match="code 4001: as you wish") as info:
            await websocket.receive()
        assert (info.value.code, info.value.reason) == (4001, "as you wish")
        with pytest.raises(WebSocketClosed):
            await websocket.send("too late")

    talk(echo, client)


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        (lambda websocket: websocket.close(4002, "bye"), 4002),
        (lambda websocket: websocket.disconnect(), 1006),
        (nothing, 1000),
    ],
)
def test_the_application_receives_how_the_client_left(
    leave: Callable[[WebSocketConnection], Awaitable[None]], code: int
) -> None:
    received: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        received.append(await receive())

    talk(app, leave)
    assert [message["code"] for message in received] == [code]


def test_an_application_that_just_ends_leaves_code_1006() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        with pytest.raises(WebSocketClosed) as info:
            await websocket.receive()
        assert info.value.code == 1006

    talk(refusing({"type": "websocket.accept"}), client)


def test_a_refusal_by_closing_is_a_403() -> None:
    with pytest.raises(WebSocketRejected, match="403 FORBIDDEN") as info:
        talk(refusing({"type": "websocket.close"}), nothing)
    assert info.value.status_code == 403
    assert info.value.response.data == b""


def test_a_refusal_by_a_response_is_that_response() -> None:
    app = refusing(
        {
            "type": "websocket.http.response.start",
            "status": 401,
            "headers": [(b"content-type", b"application/json")],
        },
        {"type": "websocket.http.response.body", "body": b'{"who":', "more_body": True},
        {"type": "websocket.http.response.body", "body": b'"you?"}'},
    )

    with pytest.raises(WebSocketRejected, match="401 UNAUTHORIZED") as info:
        talk(app, nothing)
    assert info.value.response.json == {"who": "you?"}


def test_an_error_in_the_handshake_is_raised() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        talk(app, nothing)


def test_an_error_of_the_application_is_raised_where_the_client_waits() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        await websocket.send("raise")
        with pytest.raises(ZeroDivisionError):
            await websocket.receive()

    talk(echo, client)


def test_an_error_that_nobody_waited_for_is_raised_at_the_end() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        await websocket.send("raise")

    with pytest.raises(ZeroDivisionError):
        talk(echo, client)


def test_an_error_of_the_test_comes_before_the_applications() -> None:
    async def client(websocket: WebSocketConnection) -> None:
        await websocket.send("raise")
        raise KeyError

    with pytest.raises(KeyError):
        talk(echo, client)


def test_a_client_that_reads_slowly_holds_the_application_back() -> None:
    sent = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(10):
            sent.append(number)
            await send({"type": "websocket.send", "text": str(number)})

    async def client(websocket: WebSocketConnection) -> None:
        await asyncio.sleep(0.01)
        assert sent == [0, 1]
        assert await websocket.receive() == "0"
        await asyncio.sleep(0.01)
        assert sent == [0, 1, 2]

    talk(app, client, window=2)


def test_a_synchronous_client_has_them_too() -> None:
    client = KolbenClient(t.cast(t.Any, Bare(echo)), validate=True)

    with client.websocket("/ws", subprotocols=["a"]) as websocket:
        assert websocket.subprotocol == "a"
        assert websocket.headers["X-A"] == "1"
        websocket.send("text")
        assert websocket.receive(timeout=5) == "text"
        websocket.send_json([1])
        assert websocket.receive_json(timeout=5) == [1]
        with pytest.raises(TimeoutError):
            websocket.receive(timeout=0.01)
        websocket.send("last")
        websocket.send("close")
        assert list(websocket) == ["last"]
    client.close()


def test_a_synchronous_client_may_leave() -> None:
    client = KolbenClient(t.cast(t.Any, Bare(echo)))

    with client.websocket("/ws") as websocket:
        websocket.close(4000)
        with pytest.raises(WebSocketClosed):
            websocket.send("x")
    with client.websocket("/ws") as websocket:
        websocket.disconnect()
    client.close()


def test_a_synchronous_client_is_refused_too() -> None:
    client = KolbenClient(t.cast(t.Any, Bare(refusing({"type": "websocket.close"}))))
    websocket = client.websocket("/ws")

    with pytest.raises(WebSocketRejected):
        websocket.__enter__()
    with pytest.raises(RuntimeError, match="not open"):
        websocket.send("x")
    client.close()


def test_cookies_of_the_client_are_sent_and_those_of_the_handshake_kept() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]).get(b"cookie"))
        await receive()
        await send({"type": "websocket.accept", "headers": [(b"set-cookie", b"b=2; Path=/")]})

    async def run() -> None:
        client = AsyncClient(t.cast(t.Any, Bare(app)), validate=True)
        client.set_cookie("a", "1")
        for _ in range(2):
            async with client.websocket("/ws"):
                pass

    asyncio.run(run())
    assert seen == [b"a=1", b"a=1; b=2"]


def test_json_is_the_applications_own() -> None:
    class Shouting:
        @staticmethod
        def dumps(obj: t.Any) -> str:
            return json.dumps(obj).upper()

        loads = staticmethod(json.loads)

    app = Bare(echo)
    app.json = Shouting()  # type: ignore[assignment]  # any object with dumps and loads

    async def run() -> None:
        async with AsyncClient(t.cast(t.Any, app)) as client, client.websocket("/ws") as websocket:
            await websocket.send_json("quiet")
            assert await websocket.receive() == '"QUIET"'

    asyncio.run(run())
