from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben.testing import AsyncClient, ClientGone, aborted, slow
from tests.testing.bare import Bare, body, start

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from kolben.testing.scope import ASGIApp, Receive, Scope, Send


def use(app: ASGIApp, test: Callable[[AsyncClient], Awaitable[None]]) -> None:
    """Run a test with a client of `app`, every message checked."""

    async def run() -> None:
        async with AsyncClient(t.cast(t.Any, Bare(app)), validate=True) as client:
            await test(client)

    asyncio.run(run())


class Counting:
    """Streams numbers until it is told that nobody listens; counts what it did."""

    def __init__(self) -> None:
        self.sent = 0
        self.closed = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        gone = asyncio.ensure_future(receive())
        await send(start(200, content_type="text/event-stream"))
        try:
            while not gone.done():
                await send(body(b"%d" % self.sent, more=True))
                self.sent += 1
        finally:
            self.closed += 1


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends back each piece of the body as it comes."""
    await send(start())
    while (message := await receive())["type"] == "http.request":
        await send(body(message["body"], more=message["more_body"]))
        if not message["more_body"]:
            return


def test_status_and_headers_come_before_the_body() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream("GET", "/events") as stream:
            assert stream.status_code == 200
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert await stream.receive() == b"0"
            assert [chunk async for chunk in _first(stream, 3)] == [b"1", b"2", b"3"]

    app = Counting()
    use(app, test)
    assert app.closed == 1


async def _first(chunks: t.Any, count: int) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
        count -= 1
        if not count:
            return


def test_a_client_goes_away_after_some_chunks() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream("GET", "/") as stream:
            assert await stream.abort_after(chunks=3) == [b"0", b"1", b"2"]
            assert app.closed == 1
            assert await stream.receive() == b""

    app = Counting()
    use(app, test)
    assert app.sent < 10


def test_a_client_goes_away_without_a_word_when_the_block_is_left() -> None:
    async def test(client: AsyncClient) -> None:
        with pytest.raises(KeyError):
            async with client.stream("GET", "/"):
                raise KeyError
        assert app.closed == 1

    app = Counting()
    use(app, test)


def test_many_streams_are_open_at_once() -> None:
    async def one(client: AsyncClient, chunks: int) -> list[bytes]:
        async with client.stream("GET", "/") as stream:
            return await stream.abort_after(chunks)

    async def test(client: AsyncClient) -> None:
        streams = await asyncio.gather(*[one(client, chunks) for chunks in range(20)])
        assert [len(chunks) for chunks in streams] == list(range(20))

    app = Counting()
    use(app, test)
    assert app.closed == 20


def test_a_short_response_may_be_read_to_its_end() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream("POST", "/", body=[b"a", b"b", b"c"]) as stream:
            assert await stream.receive() == b"a"
            assert await stream.read() == b"bc"
            assert await stream.receive() == b""
        response = await stream.as_response()
        assert response.status_code == 200
        assert response.data == b""

    use(echo, test)


def test_a_body_that_trickles_is_received_as_it_comes() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream("POST", "/", body=slow([b"a", b"b"], delay=0.001)) as stream:
            assert [chunk async for chunk in stream] == [b"a", b"b"]

    use(echo, test)


def test_a_request_is_sent_by_hand() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.request("/", method="POST") as connection:
            assert connection.status_code is None
            await connection.send(b"a")
            assert await connection.receive() == b"a"
            await connection.send(b"b")
            await connection.send_complete()
        response = await connection.as_response()
        assert response.data == b"b"

    use(echo, test)


def test_a_request_that_is_given_whole_is_not_sent_by_hand() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream("POST", "/", data=b"x") as stream:
            with pytest.raises(RuntimeError, match=r"client\.request"):
                await stream.send(b"y")

    use(echo, test)


def test_an_upload_is_abandoned_by_hand() -> None:
    async def test(client: AsyncClient) -> None:
        async with client.request("/", method="POST") as connection:
            await connection.send(b"half")
            assert await connection.receive() == b"half"
            await connection.disconnect()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        ended.append(True)

    ended: list[bool] = []
    use(app, test)
    assert ended == [True]


def test_an_upload_that_is_abandoned_has_no_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "http.request":
            pass

    async def test(client: AsyncClient) -> None:
        with pytest.raises(ClientGone):
            await client.post("/", body=aborted([b"half"]))

    use(app, test)


def test_a_refusal_may_come_before_the_body_is_complete() -> None:
    taken = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1000):
            taken.append(number)
            yield b"x"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start(413))
        await send(body())

    async def test(client: AsyncClient) -> None:
        assert (await client.post("/", body=chunks())).status_code == 413

    use(app, test)
    assert taken == [0]


def test_an_error_of_the_application_is_raised() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    async def test(client: AsyncClient) -> None:
        with pytest.raises(ZeroDivisionError):
            async with client.stream("GET", "/"):
                pass
        with pytest.raises(ZeroDivisionError):
            async with client.request("/"):
                pass
        with pytest.raises(KeyError):
            async with client.request("/"):
                raise KeyError

    use(app, test)
