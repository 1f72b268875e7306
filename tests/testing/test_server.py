from __future__ import annotations

import gc
import threading
import typing as t

import pytest

from kolben.testing.lifespan import LifespanError
from kolben.testing.server import LoopServer
from tests.testing.bare import Bare, body, start

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kolben.testing.scope import ASGIApp, Receive, Scope, Send

SCOPE = {"type": "http", "path": "/", "asgi": {"version": "3.0"}}


_of_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def without_others() -> None:
    """Tests that ran before in this process may have left clients that nobody closed."""
    _of_others.clear()
    _of_others.update(threading.enumerate())


def threads() -> list[str]:
    own = set(threading.enumerate()) - _of_others
    return [thread.name for thread in own if thread.name == "kolben-test-server"]


class Streaming:
    """Sends numbers for ever, and says when it has been left."""

    def __init__(self) -> None:
        self.left = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send(start())
        try:
            for number in range(1_000_000):
                await send(body(b"%d" % number, more=True))
        finally:
            self.left.set()


@pytest.fixture
def serve() -> Iterator[t.Any]:
    servers: list[LoopServer] = []

    def serve(app: ASGIApp, **options: t.Any) -> LoopServer:
        servers.append(LoopServer(app, **options))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def fetch(server: LoopServer) -> Iterable[bytes]:
    chunks, _, _ = server.exchange(None, {**SCOPE, "asgi": {"version": "3.0", "spec_version": "2.4"}}, b"")
    return chunks


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send(start())
    await send(body(b"hello"))


def test_the_loop_runs_from_the_first_request_to_the_close(serve: t.Any) -> None:
    app = Bare(hello)
    server = serve(app)
    assert threads() == []

    assert fetch(server) == [b"hello"]
    assert fetch(server) == [b"hello"]
    assert threads() == ["kolben-test-server"]
    assert app.log == ["lifespan.startup"]

    server.close()
    assert threads() == []
    assert app.log == ["lifespan.startup", "lifespan.shutdown"]


def test_the_lifespan_may_be_left_out(serve: t.Any) -> None:
    app = Bare(hello)

    fetch(serve(app, lifespan=False))

    assert app.log == []


def test_a_stream_is_fetched_as_it_is_read(serve: t.Any) -> None:
    app = Streaming()
    chunks: t.Any = fetch(serve(app))

    assert [next(chunks), next(chunks)] == [b"0", b"1"]
    assert not app.left.is_set()
    chunks.close()

    assert app.left.is_set()
    assert list(chunks) == []


def test_a_stream_that_is_dropped_is_left(serve: t.Any) -> None:
    app = Streaming()
    chunks = fetch(serve(app))

    del chunks
    gc.collect()

    assert app.left.wait(10)


def test_a_stream_that_is_open_is_left_at_the_close(serve: t.Any) -> None:
    app = Streaming()
    server = serve(app)
    chunks: t.Any = fetch(server)

    server.close()

    assert app.left.is_set()
    with pytest.raises(RuntimeError, match="its test client has been closed since"):
        next(chunks)


def test_the_application_sees_the_context_variables_of_the_test(serve: t.Any) -> None:
    import contextvars

    var = contextvars.ContextVar[str]("var")
    var.set("of the test")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(var.get().encode()))

    assert fetch(serve(app)) == [b"of the test"]


def test_an_error_before_the_response_is_raised(serve: t.Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch(serve(app))


def test_an_error_in_a_stream_is_raised_where_it_is_read(serve: t.Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(body(b"x", more=True))
        raise ZeroDivisionError

    chunks: t.Any = fetch(serve(app))
    assert next(chunks) == b"x"
    with pytest.raises(ZeroDivisionError):
        next(chunks)


def test_a_failed_start_leaves_nothing_running(serve: t.Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise ZeroDivisionError

    with pytest.raises(LifespanError):
        fetch(serve(app))
    assert threads() == []


def test_who_waits_for_the_loop_on_the_loop_is_told(serve: t.Any) -> None:
    errors: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            fetch(server)
        except RuntimeError as exc:
            errors.append(str(exc))
        await hello(scope, receive, send)

    server = serve(app)
    fetch(server)
    assert "test_client(async_=True)" in errors[0]
