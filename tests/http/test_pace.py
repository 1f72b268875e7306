from __future__ import annotations

import asyncio
import gc
import typing as t
import weakref

import pytest

from kolben import Kolben, request
from kolben.http import pace as module
from kolben.http.pace import ALLOWANCE, Arrival, Pace, PacedInput, SlowBody
from tests.security.raw import HOST, answer, environ_of, scope_of

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kinds import Kind

LONG = 3600.0


def arrival(timeout: float | None = None, min_rate: float | None = None) -> Arrival:
    return Pace(timeout, min_rate).arrival()


def test_s35_a_whole_body_has_its_time() -> None:
    body = arrival(timeout=60)
    for _ in range(6):
        body.size += 10_000_000
        assert not body.wait(10)
    assert body.wait(0.1)


def test_s35_a_byte_a_second_is_late_once_the_allowance_is_used_up() -> None:
    body = arrival(min_rate=500)
    seconds = 0
    while not body.wait(1.0):
        seconds += 1
        body.size += 1
    assert seconds == int(ALLOWANCE)


def test_the_minimum_rate_is_never_late() -> None:
    body = arrival(min_rate=500)
    for _ in range(10_000):
        body.size += 500
        assert not body.wait(1.0)


def test_s35_a_fast_beginning_buys_no_long_silence() -> None:
    body = arrival(min_rate=500)
    body.size = 1_000_000_000
    assert not body.wait(1.0)
    assert not body.wait(ALLOWANCE - 0.5)
    assert body.wait(1.0)


def test_one_limit_may_be_without_the_other() -> None:
    for body in (arrival(0, 500), arrival(60, 0)):
        body.size = 1
        assert not body.wait(15.0)
        assert body.wait(60.0)


def test_what_is_late_was_not_waited_for_long_enough_only_once() -> None:
    body = arrival(timeout=1)
    assert body.wait(2.0)
    assert body.is_late


class Slow:
    """A `wsgi.input` that takes a second of `clock` for each byte."""

    def __init__(self, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data = data
        self.now = 0.0
        monkeypatch.setattr(module, "monotonic", lambda: self.now)

    def read(self, size: int = -1, /) -> bytes:
        data, self.data = self.data[:1], self.data[1:]
        self.now += 1.0
        return data

    readline = read


def test_s35_wsgi_input_is_read_no_further_once_late(monkeypatch: pytest.MonkeyPatch) -> None:
    source = PacedInput(t.cast(t.Any, Slow(b"x" * 100, monkeypatch)), arrival(timeout=5))
    for read in (source.read, source.readline) * 3:
        assert read(10) == b"x"
    with pytest.raises(SlowBody):
        source.read(10)
    with pytest.raises(SlowBody):
        source.readline(10)


@pytest.mark.parametrize("is_async", [False, True])
def test_s35_a_slow_body_is_a_408_under_wsgi(app: Kolben, is_async: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    app.testing = False
    app.config["BODY_TIMEOUT"] = 5

    def view() -> str:
        return str(len(request.get_data()))

    async def view_async() -> str:
        return view()

    app.add_url_rule("/", "view", view_async if is_async else view, methods=["POST"])

    def send(size: int) -> tuple[str, dict[str, str]]:
        environ = environ_of(b"/", method="POST", headers=[HOST, (b"content-length", b"%d" % size)])
        environ["wsgi.input"] = Slow(b"x" * size, monkeypatch)
        started: list[t.Any] = []
        b"".join(app(environ, lambda *args: started.append(args)))
        return started[0][0], dict(started[0][1])

    assert send(6)[0] == "200 OK"
    for size in (8, 300_000):
        status, headers = send(size)
        assert (status, headers["Connection"]) == ("408 REQUEST TIMEOUT", "close")


# -- over ASGI -------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks often, and is out of patience at the second look."""
    monkeypatch.setattr(module, "INTERVAL", 0.005)
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)


async def stalling(scope: dict[str, t.Any], app: Kolben, first: bytes = b"x" * 10) -> tuple[list[t.Any], list[str]]:
    """What is answered to a client that sends a beginning and then nothing, and what became of waiting for it."""
    log: list[str] = []
    messages: list[t.Any] = []
    started = iter([{"type": "http.request", "body": first, "more_body": True}])

    async def receive() -> t.Any:
        for message in started:
            return message
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    async def send(message: t.Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages, log


def post(path: bytes = b"/") -> dict[str, t.Any]:
    return scope_of(path, headers=[(b"host", b"a"), (b"content-length", b"1000000")], method="POST")


def read(app: Kolben, kind: Kind) -> None:
    app.testing = False
    app.add_url_rule("/", "view", kind(lambda: str(len(request.get_data()))), methods=["POST"])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("settings", [{"BODY_TIMEOUT": 0.001, "BODY_MIN_RATE": None}, {}])
def test_s35_a_body_that_stalls_is_a_408_and_its_connection_is_closed(
    app: Kolben, view_kind: Kind, settings: dict[str, t.Any]
) -> None:
    app.config.update(settings)
    read(app, view_kind)
    torn_down: list[t.Any] = []
    app.teardown_request(torn_down.append)
    messages, log = asyncio.run(stalling(post(), app))

    assert messages[0]["status"] == 408
    assert (b"connection", b"close") in messages[0]["headers"]
    assert b"did not arrive in time" in messages[1]["body"]
    assert log == ["cancelled"]
    assert len(torn_down) == 1


def test_s35_bytes_between_two_looks_do_not_hide_the_time(app: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.0)
    app.testing = False
    app.post("/", endpoint="whole")(lambda: str(len(request.get_data())))
    app.post("/streamed", stream_body=True, endpoint="streamed")(lambda: str(len(request.stream.read())))
    sent = 0

    async def receive() -> t.Any:
        nonlocal sent
        sent += 1
        await asyncio.sleep(0.005)
        return {"type": "http.request", "body": b"x", "more_body": True}

    for path in (b"/", b"/streamed"):
        messages: list[t.Any] = []

        async def send(message: t.Any, messages: list[t.Any] = messages) -> None:
            messages.append(message)

        asyncio.run(t.cast(t.Any, app.asgi_app(post(path), receive, send)))
        assert messages[0]["status"] == 408
    assert sent < 10


@pytest.mark.usefixtures("quick")
def test_s35_a_view_that_never_reads_is_not_called_for_a_slow_body(app: Kolben, view_kind: Kind) -> None:
    app.testing = False
    called: list[str] = []

    def view() -> str:
        called.append("view")
        return "x"

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert asyncio.run(stalling(post(), app))[0][0]["status"] == 408
    assert called == []


@pytest.mark.usefixtures("quick")
def test_an_error_handler_answers_for_a_slow_body(app: Kolben, view_kind: Kind) -> None:
    read(app, view_kind)
    app.register_error_handler(408, lambda exc: ("too slow", 408))
    messages, _ = asyncio.run(stalling(post(), app))
    assert (messages[0]["status"], messages[1]["body"]) == (408, b"too slow")


@pytest.mark.usefixtures("quick")
def test_s35_a_streamed_body_that_stalls_is_a_408(app: Kolben) -> None:
    app.testing = False
    seen: list[bytes] = []

    @app.post("/sync", stream_body=True)
    def sync() -> str:
        seen.append(request.stream.read(10))
        return str(request.stream.read())

    @app.post("/async", stream_body=True)
    async def run() -> str:
        async for chunk in request.body_chunks():
            seen.insert(0, chunk)
        return "all"

    for path in (b"/sync", b"/async"):
        messages, log = asyncio.run(stalling(post(path), app))
        assert messages[0]["status"] == 408
        assert log == ["cancelled"]
    assert seen == [b"x" * 10] * 2


@pytest.mark.usefixtures("quick")
def test_s35_what_a_slow_body_held_is_freed(app: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
    app.testing = False
    app.add_url_rule("/", "view", lambda: "x", methods=["POST"])
    from kolben.http import body

    bodies: list[body.ReceivedBody] = []
    close = body.ReceivedBody.close

    def noting(self: body.ReceivedBody) -> None:
        bodies.append(self)
        close(self)

    monkeypatch.setattr(body.ReceivedBody, "close", noting)
    scope = {**post(), "headers": [(b"host", b"a"), (b"content-length", b"9000000")]}
    messages, _ = asyncio.run(stalling(scope, app, b"x" * 3_000_000))
    assert messages[0]["status"] == 408
    assert bodies
    assert bodies[0]._file is not None
    assert bodies[0]._file.closed
    assert not bodies[0]._memory


@pytest.mark.usefixtures("quick")
def test_a_cancellation_by_somebody_else_stays_one(app: Kolben, view_kind: Kind) -> None:
    app.config.update(BODY_MIN_RATE=None, BODY_TIMEOUT=LONG)
    read(app, view_kind)

    async def main() -> bool:
        task = asyncio.ensure_future(stalling(post(), app))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(main())


def test_a_body_that_arrives_starts_no_timer_of_its_own(app: Kolben, view_kind: Kind) -> None:
    read(app, view_kind)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        timers = 0
        call_later = loop.call_later

        def counted(delay: float, callback: Callable[..., t.Any], *args: t.Any, **options: t.Any) -> t.Any:
            nonlocal timers
            timers += 1
            return call_later(delay, callback, *args, **options)

        loop.call_later = counted  # type: ignore[assignment, method-assign]
        for _ in range(20):
            scope = scope_of(b"/", headers=[(b"host", b"a"), (b"content-length", b"6")], method="POST")
            messages = await answer(app, scope, [b"abc", b"def"])
            assert messages[1]["body"] == b"6"
        return timers

    assert asyncio.run(main()) == 1


@pytest.mark.usefixtures("quick")
def test_the_watch_ends_with_what_it_watches(app: Kolben) -> None:
    read(app, lambda fn: fn)

    async def main() -> list[bool]:
        await stalling(post(), app)
        watch = module._watches[asyncio.get_running_loop()]
        states = [watch.is_on]
        await asyncio.sleep(0.05)
        return [*states, watch.is_on, bool(watch.waiting)]

    assert asyncio.run(main()) == [True, False, False]
    gc.collect()
    assert not module._watches


@pytest.mark.usefixtures("quick")
def test_time_that_a_view_takes_between_two_pieces_is_not_the_clients(
    app: Kolben, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALLOWANCE", 0.05)

    @app.post("/", stream_body=True)
    async def view() -> str:
        sizes = []
        async for chunk in request.body_chunks():
            sizes.append(len(chunk))
            await asyncio.sleep(0.08)
        return repr(sizes)

    scope = scope_of(b"/", headers=[(b"host", b"a"), (b"transfer-encoding", b"chunked")], method="POST")
    messages = asyncio.run(answer(app, scope, [b"a", b"b"]))
    assert messages[1]["body"] == b"[1, 1]"


@pytest.mark.parametrize("none", [None, 0])
def test_without_settings_bodies_are_waited_for(app: Kolben, view_kind: Kind, none: int | None) -> None:
    app.config.update(BODY_TIMEOUT=none, BODY_MIN_RATE=none)
    read(app, view_kind)
    assert app.plans(True).pace is None
    scope = scope_of(b"/", headers=[(b"host", b"a"), (b"content-length", b"6")], method="POST")
    assert asyncio.run(answer(app, scope, [b"abc", b"def"]))[1]["body"] == b"6"


def test_a_large_body_at_any_ordinary_rate_is_unaffected(app: Kolben) -> None:
    """1 GiB at 1 MB a second, by the default settings."""
    pace = app.plans(True).pace
    assert pace is not None
    body = pace.arrival()
    for _ in range(1074):
        body.size += 1_000_000
        assert not body.wait(1.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("path", "status"), [(b"/", 408), (b"/missing", 404)])
def test_s35_a_refused_request_lets_go_of_its_connection_at_once(
    app: Kolben, view_kind: Kind, path: bytes, status: int
) -> None:
    """What receives holds the body in the server: as long as it lives, the server may keep the connection."""
    read(app, view_kind)

    class Connection:
        """What a server's `receive` belongs to."""

        async def receive(self) -> t.Any:
            await asyncio.sleep(LONG if status == 408 else 0)
            return {"type": "http.request", "body": b"x", "more_body": False}

    async def main() -> bool:
        connection = Connection()
        statuses: list[int] = []

        async def send(message: t.Any) -> None:
            statuses.append(message.get("status", status))

        scope = scope_of(path, headers=[(b"host", b"a"), (b"content-length", b"1")], method="POST")
        if status == 408:
            scope["headers"][1] = (b"content-length", b"100000")
        await app.asgi_app(scope, connection.receive, send)
        assert statuses == [status] * 2
        left = weakref.ref(connection)
        del connection
        await asyncio.sleep(0.01)  # A thread may be about to let go of it.
        return left() is None

    gc.disable()
    try:
        assert asyncio.run(main())
    finally:
        gc.enable()
