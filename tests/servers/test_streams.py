"""Streams that their clients abandon: closed once, torn down once, and nothing of them stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
import threading
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import create_environ

from kolben import Kolben, bridge, g, request
from kolben.bridge import CLEANUP_THREADS, WORKER_THREADS
from kolben.globals import current
from kolben.protocols.streams import OwnedStream
from tests.servers.live import ASGI, WSGI, Live, reset, run
from tests.servers.process import ENDS_WITHIN, wait_until

if t.TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

ABANDONED = 1000
CLIENTS = 8
MOST_CHUNKS = 12
IN_HASTE = {"KOLBEN_SERVE_GRACE": "1"}
KINDS = ("sync", "async", "sync-of-async", "async-of-sync", "events/sync", "events/async")


# -- over sockets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*WSGI, *ASGI])
def test_a_thousand_abandoned_streams_are_torn_down_a_thousand_times(name: str) -> None:
    with run(name, "streams:app") as live:
        _abandon(live, 50)
        before = _settled(live, 50)

        _abandon(live, ABANDONED)

        after = _settled(live, 50 + ABANDONED)
        assert after["teardown_request"] == after["teardown_appcontext"] == 50 + ABANDONED
        # NOTE: a stream of events opens with a comment. Who leaves after it has never started the generator.
        assert after["opened"] == after["ended"] <= 50 + ABANDONED
        assert after["closed"] + after.get("cancelled", 0) == after["ended"]
        assert "wrong context" not in after
        assert "left behind" not in after
        assert after["threads"] <= 2 * WORKER_THREADS + CLEANUP_THREADS + 2 * CLIENTS
        assert after["fds"] == before["fds"]
        assert "Traceback" not in live.log


def _abandon(live: Live, number: int) -> None:
    """Open so many streams, some at a time, and leave each at a random chunk, politely or not."""
    # A fixed seed, so that a failure can be repeated.
    choose = random.Random(number)
    plans = [(KINDS[i % len(KINDS)], choose.randrange(MOST_CHUNKS), choose.random() < 0.5) for i in range(number)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda plan: _read_some(live, *plan), plans))


def _read_some(live: Live, kind: str, chunks: int, rudely: bool) -> None:
    connection = live.send(f"/endless/{kind}")
    assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    for _ in range(chunks):
        assert connection.recv(4096)
    if rudely:
        reset(connection)
    else:
        connection.close()


def _settled(live: Live, torn_down: int) -> dict[str, int]:
    """The account, once so many streams were torn down and nothing of them is left."""
    account: dict[str, int] = {}

    def is_settled() -> bool:
        account.clear()
        account.update(live.get("/account"))
        return account.get("teardown_appcontext") == torn_down and not account["streams"] and not account["contexts"]

    try:
        wait_until(is_settled, 20)
    except TimeoutError:
        pytest.fail(f"It was to be torn down {torn_down} times, but: {account}\n{live.log}")
    return account


@pytest.mark.parametrize("name", ASGI)
@pytest.mark.parametrize("kind", ["async", "async-of-sync", "events/async"])
def test_client_that_leaves_cancels_an_async_generator_at_its_await(name: str, kind: str) -> None:
    with run(name, "streams:app") as live:
        _leave_after_first_chunk(live, f"/endless/{kind}?pause=300")
        account = _settled(live, 1)
    assert account["cancelled"] == account["ended"] == 1


@pytest.mark.parametrize("name", WSGI)
def test_heartbeat_notices_that_the_client_left_while_the_generator_waits(name: str) -> None:
    with run(name, "streams:app") as live:
        with live.send("/endless/events/async?pause=300"):
            wait_until(lambda: live.get("/account").get("waiting") == 1, 20)
        account = _settled(live, 1)
    assert account["cancelled"] == account["ended"] == 1


@pytest.mark.parametrize("name", [*WSGI, *ASGI])
@pytest.mark.parametrize("kind", ["sync", "events/sync"])
def test_client_that_leaves_closes_a_sync_generator_at_its_yield(name: str, kind: str) -> None:
    with run(name, "streams:app") as live:
        _leave_after_first_chunk(live, f"/endless/{kind}?pause=0.1")
        account = _settled(live, 1)
    assert account["closed"] == account["ended"] == 1


def _leave_after_first_chunk(live: Live, target: str) -> None:
    with live.send(target) as connection:
        received = b""
        while b"xxx" not in received:
            received += connection.recv(65536)


@pytest.mark.parametrize("name", [*ASGI, "kolben-wsgi", "hypercorn"])
def test_open_streams_are_closed_and_torn_down_when_the_server_stops(name: str, tmp_path: Path) -> None:
    if name == "hypercorn" and sys.version_info >= (3, 12):
        pytest.skip("hypercorn 0.18 does not stop while a connection is open there, whatever application it serves")
    account = tmp_path / "account"
    env = {"ACCOUNT": str(account), **IN_HASTE}
    with run(name, "streams:app", env=env) as live, contextlib.ExitStack() as connections:
        for kind in KINDS:
            connection = connections.enter_context(live.send(f"/endless/{kind}?pause=0.1"))
            while b"xxx" not in connection.recv(65536):
                pass
        live.process.terminate()
        assert live.process.wait(ENDS_WITHIN) is not None
    seen = Counter(account.read_text().split())
    assert seen["opened"] == seen["ended"] == len(KINDS)
    assert seen["closed"] + seen["cancelled"] == len(KINDS)
    assert seen["teardown_request"] == seen["teardown_appcontext"] == len(KINDS)


@pytest.mark.parametrize("name", [*ASGI, "kolben-wsgi"])
def test_event_stream_is_completed_when_the_server_stops_and_any_other_is_cut_off(name: str) -> None:
    with run(name, "streams:app", env=IN_HASTE) as live, contextlib.ExitStack() as connections:
        events = connections.enter_context(live.send("/endless/events/async?pause=0.1"))
        other = connections.enter_context(live.send("/endless/async?pause=0.1"))
        assert events.recv(100)
        assert other.recv(100)
        live.process.terminate()
        received = [_read_all(events), _read_all(other)]
    assert [data.endswith(b"0\r\n\r\n") for data in received] == [True, False]


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received


# -- in this process: what a server may do that these servers do not ---------------------------------------------------


class Streaming:
    """An application with an endless stream, driven as a WSGI server drives it.

    :ivar ended: what happened, in order.
    """

    def __init__(self, is_async: bool) -> None:
        self.ended: list[str] = []
        app = Kolben(__name__)

        @app.teardown_request
        def teardown(exc: BaseException | None) -> None:
            self.ended.append("teardown" if current.get().request is not None else "teardown without its context")

        @app.get("/")
        def index() -> t.Any:
            g.chunk = b"x"
            return self.chunks_async() if is_async else self.chunks()

        self.app = app

    def chunks(self) -> Iterator[bytes]:
        try:
            while request.path == "/":
                yield g.chunk
        finally:
            self.ended.append(f"closed {request.path}")

    async def chunks_async(self) -> AsyncIterator[bytes]:
        try:
            while request.path == "/":
                yield g.chunk
        finally:
            self.ended.append(f"closed {request.path}")

    def open(self, chunks: int) -> OwnedStream:
        """Answer a request and read so many chunks of it."""
        stream = self.app.wsgi_app(create_environ("/"), lambda *args: lambda data: None)
        assert isinstance(stream, OwnedStream)
        assert [next(stream) for _ in range(chunks)] == [b"x"] * chunks
        return stream


@pytest.fixture(params=["sync", "async"])
def streaming(request: pytest.FixtureRequest) -> Streaming:
    return Streaming(is_async=request.param == "async")


def _in_new_thread(func: Callable[[], t.Any]) -> t.Any:
    """Call it in a thread of its own, and see that it leaves no context there."""

    def call() -> t.Any:
        result = func()
        assert current.get(None) is None
        return result

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result(10)


def test_stream_is_opened_read_and_closed_on_different_threads(streaming: Streaming) -> None:
    stream = _in_new_thread(lambda: streaming.open(3))
    assert _in_new_thread(lambda: next(stream)) == b"x"
    _in_new_thread(stream.close)
    _in_new_thread(stream.close)
    assert streaming.ended == ["closed /", "teardown"]


def test_stream_that_was_not_started_is_torn_down(streaming: Streaming) -> None:
    stream = streaming.open(0)
    _in_new_thread(stream.close)
    assert streaming.ended == ["teardown"]


@pytest.mark.parametrize("chunks", [0, 2])
def test_stream_that_nobody_closes_is_torn_down_by_the_garbage_collector(streaming: Streaming, chunks: int) -> None:
    gc.disable()
    try:
        cycle: list[t.Any] = [streaming.open(chunks)]
        cycle.append(cycle)
        del cycle
        assert streaming.ended == []
        _in_new_thread(gc.collect)
    finally:
        gc.enable()
    assert streaming.ended == ["closed /", "teardown"][-1 - min(chunks, 1) :]


def test_garbage_collector_may_find_an_abandoned_stream_on_the_event_loop(streaming: Streaming) -> None:
    torn_down = threading.Event()
    streaming.app.teardown_appcontext(lambda exc: torn_down.set())

    async def collect() -> None:
        gc.collect()

    gc.disable()
    try:
        cycle: list[t.Any] = [streaming.open(2)]
        cycle.append(cycle)
        del cycle
        _in_new_thread(lambda: bridge.call_sync(collect))
    finally:
        gc.enable()
    assert torn_down.wait(10)
    assert streaming.ended == ["closed /", "teardown"]


def test_a_thousand_streams_abandoned_on_a_few_threads_leave_no_context(streaming: Streaming) -> None:
    choose = random.Random(1)
    of_others = _alive()
    with ThreadPoolExecutor(4) as openers, ThreadPoolExecutor(4) as closers:
        streams = openers.map(streaming.open, [choose.randrange(4) for _ in range(ABANDONED)])
        list(closers.map(lambda stream: stream.close(), streams))
        left = [pool.submit(current.get, None).result(10) for pool in (openers, closers) for _ in range(4)]
    assert streaming.ended.count("teardown") == ABANDONED
    assert left == [None] * 8
    assert not _alive() - of_others


def _alive() -> set[int]:
    """The streams of this process that nothing has freed; other tests may have left some, in tracebacks say."""
    gc.collect()
    return {id(thing) for thing in gc.get_objects() if type(thing) is OwnedStream}


def test_stream_is_closed_when_its_thread_is_out_of_it_however_often_it_is_cancelled() -> None:
    ended: list[str] = []
    is_inside, may_go_on = threading.Event(), threading.Event()
    app = Kolben(__name__)
    app.teardown_request(lambda exc: ended.append("teardown"))

    @app.get("/")
    def index() -> t.Any:
        def chunks() -> Iterator[bytes]:
            try:
                is_inside.set()
                may_go_on.wait(10)
                yield b"x"
            finally:
                ended.append(f"closed {request.path}")

        return chunks()

    async def send(message: t.Any) -> None:
        pass

    async def main() -> None:
        task = asyncio.ensure_future(app.asgi_app(scope, asyncio.Event().wait, send))
        while not is_inside.is_set():
            await asyncio.sleep(0.01)
        for _ in range(5):
            for running in asyncio.all_tasks() - {asyncio.current_task()}:
                running.cancel()
            await asyncio.sleep(0.01)
        assert ended == []
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}
    asyncio.run(main())
    assert ended == ["closed /", "teardown"]
