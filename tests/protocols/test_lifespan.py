from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import typing as t

import pytest

from kolben import Kolben, current_app, g, has_request_context, signals
from kolben.testing import EnvironBuilder, KolbenClient, LifespanError
from tests.kinds import KINDS, Kind

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(params=KINDS)
def hook_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def test_start_and_stop_once_in_order(app: Kolben, hook_kind: Kind) -> None:
    events: list[str] = []
    app.before_serving(hook_kind(lambda: events.append(f"before {current_app.name}")))
    app.after_serving(hook_kind(lambda: events.append("after")))

    @app.while_serving
    async def first() -> AsyncIterator[None]:
        events.append("first up")
        yield
        events.append("first down")

    @app.while_serving
    def second() -> Iterator[None]:
        events.append("second up")
        yield
        events.append("second down")

    @app.route("/")
    def view() -> str:
        events.append("request")
        return "x"

    with app.test_client(protocol="asgi", validate=True) as client:
        client.get("/")
        client.get("/")
    up, down = ["before tests.app", "first up", "second up"], ["after", "second down", "first down"]
    assert events == [*up, "request", "request", *down]


def test_task_groups_may_stay_open_while_serving(app: Kolben) -> None:
    tasks: list[object] = []

    @app.while_serving
    async def group() -> AsyncIterator[None]:
        tasks.append(asyncio.current_task())
        async with asyncio.TaskGroup():
            yield
        tasks.append(asyncio.current_task())

    with app.test_client(protocol="asgi", validate=True):
        pass
    assert tasks[0] is tasks[1]


def test_failed_start_is_told_to_the_server(app: Kolben, hook_kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("no database")

    errors: list[object] = []

    def receive(sender: object, exception: object) -> None:
        errors.append(exception)

    signals.got_serving_exception.connect(receive, app)
    app.before_serving(hook_kind(fail))
    with pytest.raises(LifespanError, match="ValueError: no database"), app.test_client(protocol="asgi"):
        pass
    assert [type(error) for error in errors] == [ValueError]
    assert "Exception during startup" in caplog.text


def test_failed_start_takes_back_what_was_begun_and_is_tried_again(app: Kolben) -> None:
    events: list[str] = []

    @app.while_serving
    async def opened() -> AsyncIterator[None]:
        events.append("up")
        yield
        events.append("down")

    @app.while_serving
    async def failing_once() -> AsyncIterator[None]:
        if len(events) == 1:
            raise ValueError
        yield

    app.add_url_rule("/", "view", lambda: "x")
    client = app.test_client(validate=True)
    with pytest.raises(ValueError):
        client.get("/")
    assert events == ["up", "down"]
    assert client.get("/").text == "x"
    assert events == ["up", "down", "up"]
    app.serving.stop_sync()


def test_shutdown_runs_everything_although_something_fails(app: Kolben, hook_kind: Kind) -> None:
    events: list[str] = []

    def fail() -> None:
        raise ValueError("no")

    app.after_serving(hook_kind(fail))
    app.after_serving(hook_kind(lambda: events.append("after")))

    @app.while_serving
    async def opened() -> AsyncIterator[None]:
        yield
        events.append("down")

    with pytest.raises(LifespanError, match="ValueError: no"), app.test_client(protocol="asgi"):
        pass
    assert events == ["after", "down"]


@pytest.mark.parametrize("yields", [0, 2])
def test_generator_must_yield_once(app: Kolben, yields: int) -> None:
    @app.while_serving
    def generator() -> Iterator[None]:
        for _ in range(yields):
            yield

    with pytest.raises(LifespanError, match="'generator' must yield exactly once"), app.test_client(protocol="asgi"):
        pass


def test_first_requests_wait_for_the_start(app: Kolben) -> None:
    started: list[str] = []

    @app.before_serving
    async def slow() -> None:
        await asyncio.sleep(0.01)
        started.append("x")

    app.add_url_rule("/", "view", lambda: "".join(started))
    environ, answers = EnvironBuilder(app, "/").get_environ(), []

    def ask() -> None:
        answers.append(b"".join(app(dict(environ), lambda status, headers: None)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"x"] * 8
    app.serving.stop_sync()


def test_first_requests_wait_for_the_start_without_a_lifespan(app: Kolben, view_kind: Kind) -> None:
    started: list[str] = []

    @app.before_serving
    async def slow() -> None:
        await asyncio.sleep(0.01)
        started.append("x")

    app.add_url_rule("/", "view", view_kind(lambda: "".join(started)))

    async def ask() -> list[bytes]:
        client = app.test_client(async_=True, lifespan=False)
        return [response.data for response in await asyncio.gather(*(client.get("/") for _ in range(5)))]

    assert asyncio.run(ask()) == [b"x"] * 5


def test_worker_of_a_wsgi_server_stops_when_its_process_ends(tmp_path: Path) -> None:
    program = """
        import sys, time
        from kolben import Kolben

        app = Kolben("program")

        @app.before_serving
        def before():
            print("before")

        @app.while_serving
        async def around():
            print("up")
            yield
            print("down")

        @app.after_serving
        def after():
            print("after")

        def task():
            time.sleep(0.05)
            sys.stdout.write("task\\n")

        @app.route("/")
        def view():
            app.add_background_task(task)
            return "x"

        client = app.test_client()
        client.get("/")
        client.get("/")
        print("end")
    """
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=30, check=True)
    lines = done.stdout.split()
    assert [line for line in lines if line != "end"] == ["before", "up", "task", "task", "after", "down"]
    assert done.stderr == ""


def test_background_tasks_run_after_the_response_in_a_context_of_their_own(
    app: Kolben, client: KolbenClient, view_kind: Kind, hook_kind: Kind
) -> None:
    events: list[str] = []
    done = threading.Event()

    def task(name: str) -> None:
        events.append(f"task {name} {current_app.name} {has_request_context()} {'name' in g}")

    def view() -> str:
        g.name = "view"
        app.add_background_task(hook_kind(task), "Ann")
        app.add_background_task(hook_kind(done.set))
        return "x"

    app.teardown_request(lambda exc: events.append("teardown"))
    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").text == "x"
    assert done.wait(5)
    client.close()
    app.serving.stop_sync()
    assert sorted(events) == ["task Ann tests.app False False", "teardown"]


def test_background_task_that_fails_is_logged_and_told(
    app: Kolben, client: KolbenClient, hook_kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    told = threading.Event()

    def receive(sender: object, exception: object) -> None:
        told.set()

    def fail() -> None:
        raise ValueError("no")

    signals.got_background_exception.connect(receive, app)

    @app.route("/")
    def view() -> str:
        app.add_background_task(hook_kind(fail))
        return "x"

    client.get("/")
    assert told.wait(5)
    client.close()
    app.serving.stop_sync()
    assert "Exception in background task 'fail'" in caplog.text


def test_late_background_tasks_are_cancelled_at_shutdown(app: Kolben, caplog: pytest.LogCaptureFixture) -> None:
    app.config["SHUTDOWN_TIMEOUT"] = 0.01

    async def endless() -> None:
        await asyncio.sleep(60)

    @app.route("/")
    async def view() -> str:
        app.add_background_task(endless)
        return "x"

    with app.test_client(protocol="asgi", validate=True) as client:
        client.get("/")
    assert "Cancelled 1 background tasks" in caplog.text
