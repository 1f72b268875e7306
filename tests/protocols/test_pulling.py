"""Synchronous generators under ASGI: how far they are pulled ahead, and that no chunk waits for the next."""

from __future__ import annotations

import asyncio
import threading
import typing as t

import pytest

from kolben import Kolben, Response, bridge
from kolben.protocols import pulling
from kolben.testing import EnvironBuilder
from kolben.testing.scope import scope_from_environ

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITHIN = 20


class Sent:
    """An application that streams, and what was sent of it.

    :param on_chunk: awaited for each chunk that is sent.
    """

    def __init__(self, generate: Callable[[], Iterator[t.Any]], on_chunk: t.Any = None) -> None:
        self.chunks: list[bytes] = []
        self.gone = asyncio.Event()
        self._on_chunk = on_chunk
        self.app = app = Kolben(__name__)
        app.add_url_rule("/", "index", generate)
        self.ended: list[BaseException | None] = []
        app.teardown_request(self.ended.append)

    async def _receive(self) -> dict[str, t.Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: t.MutableMapping[str, t.Any]) -> None:
        if message.get("body"):
            self.chunks.append(message["body"])
            if self._on_chunk is not None:
                await self._on_chunk()

    async def serve(self) -> None:
        scope = scope_from_environ(EnvironBuilder(self.app, "/").get_environ())
        async with asyncio.timeout(WITHIN):
            await self.app(scope, self._receive, self._send)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The turns of threads that views and generators took."""
    names: list[str] = []
    call = bridge.Workers.call

    def spy(self: bridge.Workers, func: t.Any, args: t.Any, context: t.Any) -> t.Any:
        if self is bridge.views:
            names.append(self.name)
        return call(self, func, args, context)

    monkeypatch.setattr(bridge.Workers, "call", spy)
    return names


def test_chunks_that_come_at_once_take_few_turns(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "LONGEST_TURN", 60)

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            yield b"%d;" % number

    async def main() -> None:
        sent = Sent(chunks)
        await sent.serve()
        assert sent.chunks == [b"%d;" % number for number in range(1000)]
        assert sent.ended == [None]

    asyncio.run(main())
    assert len(turns) == 1 + 1000 // pulling.MOST_CHUNKS + 1


@pytest.mark.parametrize("ready", [1, 2, 3, 70])
def test_chunk_that_is_ready_does_not_wait_for_one_that_is_not(ready: int) -> None:
    may_go_on = threading.Event()

    def chunks() -> Iterator[bytes]:
        for _ in range(ready):
            yield b"x"
        assert may_go_on.wait(WITHIN), "The chunks before were not sent."
        yield b"y"

    async def main() -> None:
        async def note() -> None:
            if len(sent.chunks) == ready:
                may_go_on.set()

        sent = Sent(chunks, note)
        await sent.serve()
        assert b"".join(sent.chunks) == b"x" * ready + b"y"

    asyncio.run(main())


def test_each_chunk_of_a_generator_that_stops_between_is_sent_when_it_comes() -> None:
    turn = threading.Semaphore(0)

    def chunks() -> Iterator[bytes]:
        for number in range(20):
            assert turn.acquire(timeout=WITHIN), "The chunk before was not sent."
            yield b"%d" % number

    async def main() -> None:
        async def note() -> None:
            turn.release()

        sent = Sent(chunks, note)
        turn.release()
        await sent.serve()
        assert len(sent.chunks) == 20

    asyncio.run(main())


@pytest.mark.parametrize(("size", "most"), [(1, pulling.MOST_CHUNKS), (10_000, 7), (1_000_000, 1)])
def test_client_that_does_not_read_holds_up_the_generator(
    size: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "LONGEST_TURN", 60)
    pulled: list[int] = []
    closed: list[bool] = []

    def chunks() -> Iterator[bytes]:
        try:
            while True:
                pulled.append(size)
                yield bytes(size)
        finally:
            closed.append(True)

    async def main() -> None:
        async def wait() -> None:
            await asyncio.sleep(0.1)
            sent.gone.set()
            await asyncio.Event().wait()

        sent = Sent(chunks, wait)
        await sent.serve()
        assert len(sent.chunks) == 1
        assert len(sent.ended) == 1

    asyncio.run(main())
    assert len(pulled) == most
    assert closed == [True]


def test_slow_generator_is_not_pulled_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "LONGEST_TURN", -1)
    pulled: list[int] = []
    seen: list[tuple[int, int]] = []

    def chunks() -> Iterator[bytes]:
        for number in range(10):
            pulled.append(number)
            yield b"x"

    async def main() -> None:
        async def note() -> None:
            await asyncio.sleep(0.005)
            seen.append((len(pulled), len(sent.chunks)))

        sent = Sent(chunks, note)
        await sent.serve()

    asyncio.run(main())
    assert seen == [(number, number) for number in range(1, 11)]


def test_what_came_before_an_error_is_sent() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a"
        yield b"b"
        raise LookupError("no more")

    async def main() -> None:
        sent = Sent(chunks)
        with pytest.raises(LookupError, match="no more"):
            await sent.serve()
        assert sent.chunks == [b"a", b"b"]
        assert [type(exc) for exc in sent.ended] == [LookupError]

    asyncio.run(main())


def test_body_that_cannot_be_iterated_is_closed_and_its_error_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Body:
        is_closed = False

        def __iter__(self) -> Iterator[bytes]:
            raise ValueError("no chunks")

        def close(self) -> None:
            self.is_closed = True

    body = Body()

    async def main() -> None:
        sent = Sent(lambda: t.cast(t.Any, Response(body)))
        with pytest.raises(ValueError, match="no chunks"):
            await sent.serve()
        assert [type(error) for error in sent.ended] == [ValueError]

    asyncio.run(main())
    assert (body.is_closed, [record.message for record in caplog.records]) == (True, ["Exception on / [GET]"])


def test_generator_of_a_client_that_left_ends_at_its_next_yield(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "LONGEST_TURN", 60)
    is_inside, may_go_on = threading.Event(), threading.Event()
    events: list[str] = []

    def chunks() -> Iterator[bytes]:
        try:
            is_inside.set()
            assert may_go_on.wait(WITHIN)
            yield b"x"
            events.append("pulled on")
            yield b"y"
        finally:
            events.append("closed")

    async def main() -> None:
        sent = Sent(chunks)
        serving = asyncio.ensure_future(sent.serve())
        while not is_inside.is_set():
            await asyncio.sleep(0.001)
        sent.gone.set()
        for _ in range(5):
            await asyncio.sleep(0.005)
        assert events == []
        may_go_on.set()
        await serving
        assert sent.chunks == []
        assert sent.ended

    asyncio.run(main())
    assert events == ["closed"]
