"""The functions around a view: trips to threads, and what decorators make of them."""

from __future__ import annotations

import asyncio
import threading
import typing as t

import pytest

from kolben import Kolben, Response, bridge

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.bridge import Workers


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the crews that were asked for a thread."""
    crews: list[str] = []
    original = bridge.Workers.call

    def call(self: Workers, *args: t.Any) -> t.Any:
        crews.append(self.name)
        return original(self, *args)

    monkeypatch.setattr(bridge.Workers, "call", call)
    return crews


def ask(app: Kolben, protocol: str = "asgi") -> t.Any:
    """The response, of which the request is over. NOTE: at the end of a client's ``with`` block teardown runs again."""
    client = app.test_client(protocol=protocol)
    try:
        return client.get("/")
    finally:
        client.close()


def application(log: list[str], make: Callable[[str], Callable[..., t.Any]]) -> Kolben:
    app = Kolben(__name__)
    for number in (1, 2, 3):
        app.before_request(make(f"before {number}"))
        app.after_request(make(f"after {number}"))
        app.teardown_request(make(f"teardown {number}"))

    @app.get("/")
    async def index() -> str:
        log.append("view")
        return "Hello"

    return app


ORDER = [
    *("before 1", "before 2", "before 3", "view", "after 3", "after 2", "after 1"),
    *("teardown 3", "teardown 2", "teardown 1"),
]


def test_synchronous_hooks_around_an_async_view_share_a_trip_to_a_thread(trips: list[str]) -> None:
    log: list[str] = []

    def make(name: str) -> Callable[..., t.Any]:
        def hook(response: t.Any = None) -> t.Any:
            assert threading.current_thread() is not threading.main_thread()
            log.append(name)
            return response

        return hook

    assert ask(application(log, make)).text == "Hello"
    assert log == ORDER
    assert trips == ["kolben-hook", "kolben-hook", "kolben-close"]


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_coroutines_that_synchronous_hooks_hand_back_are_awaited(protocol: str) -> None:
    log: list[str] = []

    def make(name: str) -> Callable[..., t.Any]:
        async def hook(response: t.Any = None) -> t.Any:
            await asyncio.sleep(0)
            log.append(name)
            return response

        return lambda *args: hook(*args)

    assert ask(application(log, make), protocol).text == "Hello"
    assert log == ORDER


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
@pytest.mark.parametrize("is_async", [True, False])
def test_coroutines_that_handlers_hand_back_are_awaited(protocol: str, is_async: bool) -> None:
    app = Kolben(__name__)

    async def handle(error: Exception) -> tuple[str, int]:
        return "handled", 418

    app.register_error_handler(ZeroDivisionError, lambda error: handle(error))
    app.register_error_handler(500, lambda error: handle(error))

    def fail() -> str:
        return str(1 // 0)

    async def fail_async() -> str:
        raise LookupError

    app.add_url_rule("/", view_func=fail if not is_async else fail_async)
    assert ask(app, protocol).status_code == 418


def test_the_first_of_several_hooks_that_answers_is_the_last_one_called() -> None:
    app = Kolben(__name__)
    called = []

    @app.before_request
    def first() -> None:
        called.append("first")

    @app.before_request
    def second() -> str:
        called.append("second")
        return "early"

    @app.before_request
    def third() -> None:
        called.append("third")

    @app.get("/")
    async def index() -> str:
        return "late"

    assert ask(app).text == "early"
    assert called == ["first", "second"]


def test_a_hook_among_several_that_returns_no_response_is_named() -> None:
    app = Kolben(__name__)
    app.testing = True

    @app.after_request
    def forgetful(response: Response) -> None:
        pass

    @app.after_request
    def careful(response: Response) -> Response:
        return response

    @app.get("/")
    async def index() -> str:
        return "Hello"

    with pytest.raises(TypeError, match="'forgetful'"):
        ask(app)


def test_teardown_goes_on_after_one_of_several_fails() -> None:
    app = Kolben(__name__)
    app.testing = True
    called = []

    @app.teardown_request
    def last(exc: BaseException | None) -> None:
        called.append("last")

    @app.teardown_request
    def failing(exc: BaseException | None) -> None:
        raise LookupError("of the teardown")

    @app.get("/")
    async def index() -> str:
        return "Hello"

    with pytest.raises(LookupError, match="of the teardown"):
        ask(app)
    assert called == ["last"]
