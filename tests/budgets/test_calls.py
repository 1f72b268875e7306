"""A request is little work: Python-level calls of one warm GET (law 5).

PERF: the counts stand for the timings of benchmarks/, which are reported and never asserted.
"""

from __future__ import annotations

import typing as t

import pytest

from tests.budgets.drive import asgi_calls, wsgi_calls

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kolben import Kolben
    from tests.budgets.conftest import Budget
    from tests.budgets.drive import Driver

HELLO_AT_MOST = 12
INT_PARAMETER_AT_MOST = 12
THREAD_HOP_AT_MOST = 4
"""What a worker thread adds: handing the request over, and the response back."""


@pytest.fixture
def app() -> Kolben:
    """An application as a user would write it: not in testing mode, with a view of each kind at each path."""
    from kolben import Kolben

    app = Kolben("tests.budgets.app")

    @app.route("/sync")
    def hello() -> str:
        return "Hello, World!"

    @app.route("/sync/user/<int:user_id>")
    def user(user_id: int) -> str:
        return str(user_id)

    @app.route("/loop", blocking=False)
    def hello_on_the_loop() -> str:
        return "Hello, World!"

    @app.route("/loop/user/<int:user_id>", blocking=False)
    def user_on_the_loop(user_id: int) -> str:
        return str(user_id)

    @app.route("/async")
    async def hello_async() -> str:
        return "Hello, World!"

    @app.route("/async/user/<int:user_id>")
    async def user_async(user_id: int) -> str:
        return str(user_id)

    return app


@pytest.fixture(autouse=True)
def one_profiled_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views run in a thread that starts inside the test, so that the profiler sees it."""
    from kolben import bridge

    monkeypatch.setattr(bridge, "views", bridge.Workers("budget", 1))


@pytest.fixture(autouse=True)
def no_receivers() -> Iterator[None]:
    """Nobody listens to signals, whatever other tests in this process have left behind."""
    from blinker import Signal

    from kolben import signals

    found = [signal.receivers for signal in vars(signals).values() if isinstance(signal, Signal)]
    kept = [receivers.copy() for receivers in found]
    for receivers in found:
        receivers.clear()
    yield
    for receivers, before in zip(found, kept, strict=True):
        receivers.update(before)


@pytest.mark.parametrize(
    ("path", "allowed"), [("", HELLO_AT_MOST), ("/user/7", INT_PARAMETER_AT_MOST)], ids=["hello", "int"]
)
@pytest.mark.parametrize(
    ("driver", "view", "more", "label"),
    [
        (wsgi_calls, "/sync", 0, "WSGI"),
        (asgi_calls, "/async", 0, "ASGI, async view"),
        (asgi_calls, "/loop", 0, "ASGI, sync view on the loop"),
        (asgi_calls, "/sync", THREAD_HOP_AT_MOST, "ASGI, sync view in a worker thread"),
    ],
    ids=["wsgi", "asgi-async", "asgi-loop", "asgi-thread"],
)
def test_a_warm_request_makes_few_calls(
    app: Kolben, budget: Budget, driver: Driver, view: str, more: int, label: str, path: str, allowed: int
) -> None:
    calls = driver(app, view + path)
    print("\n".join(calls))

    budget(f"calls of a warm GET {path or '/'} ({label})", len(calls), allowed + more)


def test_every_call_counts_once(count_calls: Callable[[Callable[[], object]], int]) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    assert count_calls(lambda: None) == 1
    assert count_calls(lambda: [len("builtin"), *numbers()]) == 2
