from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben.testing.body import aborted
from kolben.testing.exchange import ClientGone, Exchange
from tests.testing.bare import body, start

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kolben.testing.scope import ASGIApp, Message, Receive, Scope, Send


def scope(spec_version: str = "2.3") -> Scope:
    return {"type": "http", "path": "/", "asgi": {"version": "3.0", "spec_version": spec_version}}


def play(app: ASGIApp, client: Callable[[Exchange], Awaitable[t.Any]], sending: t.Any = b"", **options: t.Any) -> t.Any:
    """Run an application and a client against each other, and return what the client returns."""

    async def run() -> t.Any:
        exchange = Exchange(app, scope(**options), sending, patience=1)
        try:
            return await client(exchange)
        finally:
            await exchange.close()

    return asyncio.run(run())


async def read(exchange: Exchange) -> bytes:
    await exchange.started()
    return b"".join(await exchange.read())


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send(start(201, x_a="1"))
    await send(body(b"hello"))


def test_a_response_is_its_status_headers_and_body() -> None:
    async def client(exchange: Exchange) -> t.Any:
        return await read(exchange), exchange.status, exchange.headers["X-A"]

    assert play(hello, client) == (b"hello", "201 CREATED", "1")


def test_a_status_nobody_knows_is_told_so() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(599))
        await send(body())

    async def client(exchange: Exchange) -> str:
        await read(exchange)
        return exchange.status

    assert play(app, client) == "599 UNKNOWN"


def test_the_application_is_at_most_one_chunk_ahead() -> None:
    sent = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(10):
            sent.append(number)
            await send(body(b"%d" % number, more=True))
        await send(body())

    async def client(exchange: Exchange) -> None:
        await exchange.settled()
        assert sent == [0]
        assert await exchange.next_chunk() == b"0"
        await asyncio.sleep(0.01)
        assert sent == [0, 1]
        assert await exchange.read() == [b"%d" % number for number in range(1, 10)]
        assert await exchange.next_chunk() == b""

    play(app, client)


def test_a_body_is_received_piece_by_piece() -> None:
    messages: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not messages or messages[-1]["more_body"]:
            messages.append(await receive())
        await hello(scope, receive, send)

    play(app, read, sending=[b"a", b"b"])
    assert [message["body"] for message in messages] == [b"a", b"b", b""]


def test_a_piece_is_taken_only_when_it_is_asked_for() -> None:
    taken = []

    async def chunks() -> t.AsyncIterator[bytes]:
        for number in range(5):
            taken.append(number)
            yield b"x"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()
        await hello(scope, receive, send)

    assert play(app, read, sending=chunks()) == b"hello"
    assert taken == [0, 1]


def test_an_application_that_stops_listening_loses_no_piece() -> None:
    received = []

    async def chunks() -> t.AsyncIterator[bytes]:
        await asyncio.sleep(0.02)
        yield b"late"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.001)
        received.append((await receive())["body"])
        await hello(scope, receive, send)

    play(app, read, sending=chunks())
    assert received == [b"late"]


def test_after_the_response_the_application_receives_the_disconnect() -> None:
    received = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        received.append((await receive())["type"])

    play(app, read)
    assert received == ["http.disconnect"]


def test_who_goes_away_is_missed_by_receive() -> None:
    received = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start())
        received.append((await receive())["type"])

    async def client(exchange: Exchange) -> None:
        await exchange.started()
        exchange.disconnect()

    play(app, client)
    assert received == ["http.disconnect"]


@pytest.mark.parametrize(("spec_version", "raises"), [("2.3", False), ("2.4", True)])
def test_who_goes_away_is_missed_by_send(spec_version: str, raises: bool) -> None:
    outcome = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"taken", more=True))
        try:
            await send(body(b"lost", more=True))
        except OSError:
            outcome.append(True)
            raise
        outcome.append(False)

    async def client(exchange: Exchange) -> None:
        await exchange.settled()
        exchange.disconnect()

    play(app, client, spec_version=spec_version)
    assert outcome == [raises]


def test_an_upload_that_breaks_off_disconnects() -> None:
    received = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request":
            received.append(message["body"])

    with pytest.raises(ClientGone):
        play(app, read, sending=aborted([b"a", b"b"]))
    assert received == [b"a", b"b"]


def test_an_application_that_does_not_end_is_cancelled() -> None:
    cancelled = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def client(exchange: Exchange) -> None:
        exchange.patience = 0.01
        await exchange.started()
        with pytest.raises(RuntimeError, match=r"still worked on '/' 0\.01 seconds after its client had gone"):
            await exchange.close()

    play(app, client)
    assert cancelled == [True]


def test_an_endless_stream_can_be_stopped() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        while True:
            await send(body(b"x", more=True))

    async def client(exchange: Exchange) -> None:
        exchange.patience = 0.01
        await exchange.settled()
        with pytest.raises(RuntimeError, match="was cancelled"):
            await exchange.close()

    play(app, client)


def test_an_error_of_the_application_is_raised_once() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"x", more=True))
        raise ZeroDivisionError

    async def client(exchange: Exchange) -> None:
        with pytest.raises(ZeroDivisionError):
            await read(exchange)

    play(app, client)


def test_no_response_is_an_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    with pytest.raises(RuntimeError, match=r"without a response to '/'"):
        play(app, read)


def test_half_a_response_is_an_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"x", more=True))

    with pytest.raises(RuntimeError, match="before it was complete"):
        play(app, read)


def test_a_file_is_sent_by_its_path(tmp_path: t.Any) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 100_000)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send({"type": "http.response.pathsend", "path": str(file)})

    assert play(app, read) == b"x" * 100_000
