"""Streams whose client does not read, or has gone (S18); over sockets in tests/servers/test_limits.py."""

from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben import Kolben, Response
from tests.security.raw import environ_of, scope_of

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MOST_CHUNKS = 1000
MOST_AHEAD = 64
"""Chunks that a thread pulls in one turn, while the loop sends nothing."""


@pytest.fixture(params=["sync", "async"])
def produced(app: Kolben, request: pytest.FixtureRequest) -> list[int]:
    """An application whose `/` streams without end and never waits; what it has yielded so far."""
    produced: list[int] = []

    def chunks() -> Iterator[bytes]:
        while True:
            produced.append(1)
            assert len(produced) <= MOST_CHUNKS, "the generator ran on"
            yield b"x" * 100

    async def async_chunks() -> AsyncIterator[bytes]:
        for chunk in chunks():
            yield chunk

    def index() -> Response:
        return Response(chunks())

    async def index_async() -> Response:
        return Response(async_chunks())

    app.add_url_rule("/", view_func=index if request.param == "sync" else index_async)
    return produced


async def stream(app: Kolben, send: t.Any, gone: asyncio.Event) -> None:
    async def receive() -> dict[str, t.Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    try:
        await t.cast(t.Any, app)(scope_of(b"/"), receive, send)
    except asyncio.CancelledError:
        pass


def test_s18_a_client_that_has_gone_is_noticed_though_nothing_ever_waits(app: Kolben, produced: list[int]) -> None:
    """A server's send() returns at once when the client has gone, and the loop must get its turn nevertheless."""

    async def test() -> None:
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def send(message: t.Any) -> None:
            if message["type"] == "http.response.start":
                loop.call_soon(gone.set)

        await stream(app, send, gone)

    asyncio.run(test())
    assert len(produced) < MOST_CHUNKS


def test_s18_chunks_are_made_when_those_before_were_taken(
    app: Kolben, produced: list[int], request: pytest.FixtureRequest
) -> None:
    ahead = MOST_AHEAD if "sync" in request.node.callspec.id.split("-") else 1

    async def test() -> None:
        gone, taken = asyncio.Event(), 0

        async def send(message: t.Any) -> None:
            nonlocal taken
            if message.get("body"):
                taken += 1
                assert len(produced) <= taken + ahead
                if taken == 100:
                    gone.set()
                    await asyncio.Event().wait()

        await stream(app, send, gone)
        assert taken == 100

    asyncio.run(test())
    assert len(produced) <= 100 + ahead


def test_s18_under_wsgi_a_chunk_is_made_when_the_server_asks(app: Kolben, produced: list[int]) -> None:
    body: t.Any = iter(app(environ_of(b"/"), lambda status, headers: None))
    for number in range(1, 21):
        next(body)
        assert len(produced) <= number + 1
    body.close()
    assert len(produced) <= 21
