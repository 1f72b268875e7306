"""Streamed responses: whoever ends one, it is closed and torn down once, in its own context."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import typing as t

import pytest

from kolben import Kolben, Response, g, request, session, stream_with_context
from kolben.globals import current
from kolben.testing import EnvironBuilder, KolbenClient
from tests.kinds import KINDS, Kind

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KINDS_OF_STREAM = ("sync", "async")


@pytest.fixture(params=KINDS_OF_STREAM)
def stream_kind(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


@pytest.fixture(params=KINDS)
def teardown_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


class Watched:
    """A view that streams, and what happens to its stream."""

    def __init__(self, app: Kolben, view_kind: Kind, stream_kind: str, teardown_kind: Kind, chunks: int = 1000) -> None:
        self.events: list[str] = []
        self.done = threading.Event()
        self._chunks = chunks
        stream = self._stream if stream_kind == "sync" else self._stream_async
        app.teardown_request(teardown_kind(self._tear_down))
        app.add_url_rule("/", "view", view_kind(stream))

    def _stream(self) -> Iterator[bytes]:
        try:
            for number in range(self._chunks):
                yield b"%d %s;" % (number, request.path.encode())
        finally:
            self.events.append(f"closed {request.path}")

    async def _stream_async(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self._chunks):
                yield b"%d %s;" % (number, request.path.encode())
        finally:
            await asyncio.sleep(0)
            self.events.append(f"closed {request.path}")

    def _tear_down(self, exc: BaseException | None) -> None:
        self.events.append(f"teardown {request.path}")
        self.done.set()


@pytest.fixture
def watched(app: Kolben, view_kind: Kind, stream_kind: str, teardown_kind: Kind) -> Watched:
    return Watched(app, view_kind, stream_kind, teardown_kind)


def test_read_to_its_end(client: KolbenClient, watched: Watched) -> None:
    body = client.get("/", buffered=True).data
    assert body.split(b";")[-2] == b"999 /"
    client.close()
    assert watched.events == ["closed /", "teardown /"]


def test_abandoned_by_its_client(client: KolbenClient, watched: Watched) -> None:
    response = client.get("/")
    assert next(iter(response.response)) == b"0 /;"
    response.close()
    client.close()
    assert watched.events == ["closed /", "teardown /"]


def test_abandoned_before_its_first_chunk(client: KolbenClient, watched: Watched) -> None:
    client.get("/").close()
    client.close()
    assert watched.events[-1] == "teardown /"
    assert watched.events.count("teardown /") == 1


def test_forgotten_by_a_wsgi_server(app: Kolben, watched: Watched) -> None:
    body = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    next(iter(body))
    del body
    gc.collect()
    assert watched.events == ["closed /", "teardown /"]
    assert current.get(None) is None


def test_closed_twice_by_a_wsgi_server(app: Kolben, watched: Watched) -> None:
    body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    next(body)
    body.close()
    body.close()
    assert watched.events == ["closed /", "teardown /"]
    with pytest.raises(StopIteration):
        next(body)


def test_iterated_anew_by_a_wsgi_server_it_goes_on(app: Kolben, watched: Watched) -> None:
    body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    assert next(iter(body)) == b"0 /;"
    assert next(iter(body)) == b"1 /;"
    assert len(list(body)) == 998
    assert list(body) == []
    assert watched.events == ["closed /", "teardown /"]


def test_closed_on_an_event_loop_it_is_closed_at_once(app: Kolben) -> None:
    from tests.kinds import as_sync

    watched = Watched(app, as_sync, "sync", as_sync)

    async def main() -> None:
        body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
        next(body)
        body.close()

    asyncio.run(main())
    assert watched.events == ["closed /", "teardown /"]


def test_closed_while_another_thread_closes_it(app: Kolben) -> None:
    events: list[str] = []
    is_closing, may_go_on = threading.Event(), threading.Event()

    @app.get("/")
    def view() -> t.Any:
        yield "x"

    @app.teardown_request
    def tear_down(exc: BaseException | None) -> None:
        is_closing.set()
        assert may_go_on.wait(10)
        events.append("teardown")

    body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    thread = threading.Thread(target=body.close)
    thread.start()
    assert is_closing.wait(10)
    body.close()
    may_go_on.set()
    thread.join()
    body.close()
    assert events == ["teardown"]


def test_generator_that_raises_what_closing_raises_has_failed(app: Kolben) -> None:
    seen: list[type] = []

    @app.get("/")
    def view() -> t.Any:
        yield "x"
        raise GeneratorExit

    @app.teardown_request
    def tear_down(exc: BaseException | None) -> None:
        seen.append(type(exc))

    body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    with pytest.raises(GeneratorExit):
        list(body)
    body.close()
    assert seen == [GeneratorExit]


def test_pulled_from_many_threads_in_turn(app: Kolben, watched: Watched) -> None:
    body: t.Any = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    chunks: list[bytes] = []
    left: list[object] = []

    def pull() -> None:
        chunks.append(next(body))
        left.append(current.get(None))

    for _ in range(5):
        thread = threading.Thread(target=pull)
        thread.start()
        thread.join()
    body.close()
    assert chunks == [b"%d /;" % number for number in range(5)]
    assert left == [None] * 5
    assert watched.events == ["closed /", "teardown /"]


def test_hundred_abandoned_at_random_chunks(app: Kolben, client: KolbenClient, watched: Watched) -> None:
    numbers = random.Random(7)
    for _ in range(100):
        response = client.get("/")
        chunks = iter(response.response)
        for _ in range(numbers.randrange(4)):
            next(chunks)
        response.close()
    client.close()
    assert watched.events.count("teardown /") == 100


def test_generator_has_request_session_and_g(
    app: Kolben, client: KolbenClient, view_kind: Kind, stream_kind: str
) -> None:
    def chunks() -> Iterator[str]:
        yield request.args["name"]
        yield session["name"]
        yield g.name

    async def async_chunks() -> AsyncIterator[str]:
        for chunk in chunks():
            await asyncio.sleep(0)
            yield chunk

    def view() -> t.Any:
        session["name"], g.name = "Bob", "Cid"
        return chunks() if stream_kind == "sync" else async_chunks()

    app.add_url_rule("/", "view", view_kind(view))
    response = client.get("/?name=Ann")
    assert response.text == "AnnBobCid"
    assert "Set-Cookie" in response.headers


@pytest.mark.parametrize("how", ["wrapped", "decorated"])
def test_stream_with_context_does_no_harm(app: Kolben, client: KolbenClient, view_kind: Kind, how: str) -> None:
    ended: list[object] = []
    app.teardown_request(ended.append)

    def chunks() -> Iterator[str]:
        yield request.path
        yield str(len(ended))

    def view() -> t.Any:
        return stream_with_context(chunks()) if how == "wrapped" else stream_with_context(chunks)()

    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").text == "/0"
    client.close()
    assert ended == [None]


def test_error_is_told_to_teardown_and_logged(
    app: Kolben, protocol: t.Any, view_kind: Kind, stream_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []
    app.teardown_request(lambda exc: seen.append(type(exc)))

    def chunks() -> Iterator[str]:
        yield "x"
        raise ValueError("no")

    async def async_chunks() -> AsyncIterator[str]:
        for chunk in chunks():
            yield chunk

    app.add_url_rule("/", "view", view_kind(chunks if stream_kind == "sync" else async_chunks))
    client = app.test_client(protocol=protocol, validate=True)
    with pytest.raises(ValueError, match="no"):
        client.get("/", buffered=True)
    client.close()
    assert seen == [ValueError]
    assert [record.getMessage() for record in caplog.records] == ["Exception on / [GET]"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204])
def test_response_is_closed_whatever_is_sent_of_it(
    app: Kolben, client: KolbenClient, view_kind: Kind, stream_kind: str, method: str, status: int
) -> None:
    events: list[str] = []

    def chunks() -> Iterator[str]:
        yield "x"

    async def async_chunks() -> AsyncIterator[str]:
        yield "x"

    def view() -> Response:
        body: t.Any = chunks() if stream_kind == "sync" else async_chunks()
        response = Response(body, status)
        response.call_on_close(lambda: events.append("closed"))
        return response

    app.teardown_request(lambda exc: events.append("teardown"))
    app.add_url_rule("/", "view", view_kind(view))
    response = client.open("/", method=method)
    assert response.data == (b"x" if (method, status) == ("GET", 200) else b"")
    response.close()
    client.close()
    assert sorted(events) == ["closed", "teardown"]


def test_body_may_be_read_while_the_response_is_streamed(app: Kolben, client: KolbenClient) -> None:
    @app.post("/sync", stream_body=True)
    def echo() -> Iterator[bytes]:
        while chunk := request.stream.read(65536):
            yield chunk

    @app.post("/async", stream_body=True)
    async def echo_async() -> AsyncIterator[bytes]:
        async for chunk in request.body_chunks():
            yield chunk

    body = bytes(1_000_000)
    paths = ("/sync", "/async") if client.protocol == "asgi" else ("/sync",)
    for path in paths:
        assert client.post(path, data=body).data == body


def test_async_generator_may_hold_a_task_group_open(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    tasks: list[object] = []

    async def chunks() -> AsyncIterator[str]:
        async with asyncio.TaskGroup():
            tasks.append(asyncio.current_task())
            yield "a"
            tasks.append(asyncio.current_task())
            yield "b"
        tasks.append(asyncio.current_task())

    app.add_url_rule("/", "view", view_kind(lambda: chunks()))
    assert client.get("/").text == "ab"
    assert len(set(tasks)) == 1


def test_cancelled_stream_is_closed_before_its_request(app: Kolben, stream_kind: str) -> None:
    """A server that shuts down cancels the task: the generator sees it, then teardown runs."""
    from tests.kinds import as_sync

    watched = Watched(app, as_sync, stream_kind, as_sync)

    async def main() -> None:
        got = asyncio.Event()

        async def receive() -> dict[str, t.Any]:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: t.MutableMapping[str, t.Any]) -> None:
            if message.get("body"):
                got.set()
                await asyncio.sleep(60)

        from kolben.testing.scope import scope_from_environ

        scope = scope_from_environ(EnvironBuilder(app, "/").get_environ())
        task = asyncio.create_task(app(scope, receive, send))
        await got.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert watched.done.wait(5)
    assert watched.events == ["closed /", "teardown /"]


@pytest.mark.parametrize("item", [5, {"a": 1}, None])
def test_stream_of_something_else_is_an_error_that_names_it(
    app: Kolben, client: KolbenClient, item: object, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[type] = []

    @app.get("/")
    def mixed() -> t.Any:
        return iter(["a", item, "b"])

    @app.teardown_request
    def note(exc: BaseException | None) -> None:
        seen.append(type(exc))

    with pytest.raises(TypeError, match=r"'mixed' yielded a '\w+'.*must yield 'str' or 'bytes'"):
        client.get("/").get_data()
    assert seen == [TypeError]
    assert "Exception on / [GET]" in caplog.text
    caplog.clear()


class Served:
    """An application with an asynchronous stream, as a server's task has it."""

    def __init__(self, app: Kolben, chunks: int, pause: float | None) -> None:
        self.app = app
        self.sent: list[bytes] = []
        self.tasks: set[object] = set()
        self.left: tuple[int, object] = (-1, None)
        self.disconnect = asyncio.Event()
        self.saw: list[str] = []

        async def generate() -> AsyncIterator[bytes]:
            try:
                for number in range(chunks):
                    self.tasks |= asyncio.all_tasks()
                    yield b"%d;" % number
                    if pause is not None:
                        await asyncio.sleep(pause)
            except asyncio.CancelledError:
                self.saw.append("cancelled")
                raise

        @app.get("/")
        async def index() -> t.Any:
            return generate()

    async def receive(self) -> dict[str, t.Any]:
        await self.disconnect.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: t.MutableMapping[str, t.Any]) -> None:
        self.sent.append(message.get("body", b""))

    async def serve(self) -> None:
        from kolben.testing.scope import scope_from_environ

        await self.app(scope_from_environ(EnvironBuilder(self.app, "/").get_environ()), self.receive, self.send)
        task = asyncio.current_task()
        assert task is not None
        self.left = task.cancelling(), current.get(None)
        await asyncio.sleep(0)


def test_stream_that_never_waits_needs_no_task(app: Kolben) -> None:
    served = Served(app, 10, None)
    asyncio.run(served.serve())
    assert b"".join(served.sent) == b"0;1;2;3;4;5;6;7;8;9;"
    assert len(served.tasks) == 1


def test_stream_without_end_that_never_waits_lets_others_have_their_turn(app: Kolben) -> None:
    served = Served(app, 1_000_000, None)

    async def main() -> None:
        task = asyncio.create_task(served.serve())
        for _ in range(20):
            await asyncio.sleep(0)
        served.disconnect.set()
        await task

    asyncio.run(main())
    assert len(served.sent) < 1000
    assert served.left == (0, None)


def test_client_that_leaves_ends_the_stream_and_not_the_task_of_the_server(app: Kolben) -> None:
    served = Served(app, 10, 60)

    async def main() -> None:
        task = asyncio.create_task(served.serve())
        while len(served.sent) < 2:
            await asyncio.sleep(0)
        served.disconnect.set()
        await task

    asyncio.run(main())
    assert served.saw == ["cancelled"]
    assert served.left == (0, None)


@pytest.mark.parametrize("is_sync", [True, False])
def test_a_generators_own_os_error_is_logged_and_a_client_that_has_gone_is_not(
    is_sync: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = Kolben(__name__)

    @app.get("/sync")
    def sync() -> t.Any:
        def chunks() -> Iterator[bytes]:
            yield b"x"
            raise FileNotFoundError("no such page")

        return chunks()

    @app.get("/async")
    async def async_() -> t.Any:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"x"
            raise FileNotFoundError("no such page")

        return chunks()

    async def ask(send: t.Any) -> None:
        path = "/sync" if is_sync else "/async"
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [],
            "http_version": "1.0",
        }
        await app.asgi_app(scope, asyncio.Event().wait, send)

    async def take(message: t.Any) -> None:
        pass

    async def break_off(message: t.Any) -> None:
        if message["type"] == "http.response.body":
            raise ConnectionResetError

    asyncio.run(ask(break_off))
    assert not caplog.records
    with pytest.raises(FileNotFoundError):
        asyncio.run(ask(take))
    assert "no such page" in caplog.text
