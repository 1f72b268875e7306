"""What every test may ask for: an application, a client over each protocol, a view of each kind, a call counter."""

from __future__ import annotations

import functools
import inspect
import threading
import typing as t

import pytest

from kolben import bridge
from kolben.globals import current
from tests.calls import CallCounter

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextvars import Context

    from kolben import Kolben
    from kolben.bridge import Workers
    from kolben.testing import KolbenClient

F = t.TypeVar("F", bound="Callable[..., t.Any]")
Protocol: t.TypeAlias = t.Literal["wsgi", "asgi"]

WORKERS_FINISH_WITHIN = 5.0
"""Seconds that worker threads have, once a test has ended, to finish what it started."""

PROTOCOLS: tuple[Protocol, ...] = ("wsgi", "asgi")


@pytest.fixture
def app() -> Kolben:
    """An application that is in testing mode and has a secret key."""
    from kolben import Kolben

    app = Kolben("tests.app", root_path=__file__.rpartition("/")[0])
    app.config.update(TESTING=True, SECRET_KEY="test key")
    return app


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """The protocol a test runs over; a test that asks for it, or for `client`, runs once over each."""
    return t.cast("Protocol", request.param)


@pytest.fixture
def client(app: Kolben, protocol: Protocol) -> Iterator[KolbenClient]:
    """A test client of `app` over `protocol`, which checks every message against the protocol."""
    client: KolbenClient = app.test_client(protocol=protocol, validate=True)
    yield client
    client.close()


@pytest.fixture(params=["sync", "async"])
def view_kind(request: pytest.FixtureRequest) -> Callable[[F], F]:
    """A decorator that leaves a function as it is in one run of the test and makes it async in the other.

    A plain function becomes a coroutine function, a generator function an async generator function.
    """
    return _unchanged if request.param == "sync" else t.cast("Callable[[F], F]", _as_async)


def _unchanged(fn: F) -> F:
    return fn


def _as_async(fn: Callable[..., t.Any]) -> Callable[..., t.Any]:
    if inspect.isgeneratorfunction(fn):

        @functools.wraps(fn)
        async def generate(*args: t.Any, **kwargs: t.Any) -> AsyncIterator[t.Any]:
            for item in fn(*args, **kwargs):
                yield item

        return generate

    @functools.wraps(fn)
    async def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return fn(*args, **kwargs)

    return call


@pytest.fixture(autouse=True)
def no_context_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test that leaves a context behind: on its own thread, or on one of the threads that views run in."""
    watch = WorkersWatch()
    monkeypatch.setattr(bridge.Workers, "call", watch.call(bridge.Workers.call))
    yield
    left = current.get(None)
    if left is not None:
        current.set(None)  # type: ignore[arg-type]  # The next test starts without it.
        pytest.fail(f"The test left a context behind on its thread: {left!r}")
    if not watch.wait(WORKERS_FINISH_WITHIN):
        pytest.fail(f"The test left {watch.running} jobs running in worker threads.")
    if watch.left:
        pytest.fail(f"The test left a context behind on a worker thread: {watch.left!r}")


class WatchedContext:
    """The context that a job runs in; when the job has ended, it has the thread's own looked at."""

    def __init__(self, context: Context, job: Callable[..., t.Any], watch: WorkersWatch) -> None:
        self._context = context
        self._job = job
        self._watch = watch

    def run(self, func: Callable[..., t.Any], *args: t.Any) -> t.Any:
        try:
            return self._context.run(func, *args)
        finally:
            if func is self._job:
                self._watch._count(-1)


class WorkersWatch:
    """Follows every job of the worker threads, and looks at the thread's own context when the job has ended."""

    def __init__(self) -> None:
        self.running = 0
        self.left: list[object] = []
        self._changed = threading.Condition()

    def call(self, call: Callable[..., t.Any]) -> Callable[..., t.Any]:
        """`Workers.call` with each of its jobs watched."""

        def call_watched(workers: Workers, func: Callable[..., t.Any], args: t.Any, context: Context) -> t.Any:
            self._count(1)
            return call(workers, func, args, t.cast("Context", WatchedContext(context, func, self)))

        return call_watched

    def _count(self, change: int) -> None:
        with self._changed:
            self.running += change
            if change < 0 and (ctx := current.get(None)) is not None:
                self.left.append(ctx)
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until no job runs, at most so long; returns whether none does."""
        with self._changed:
            return self._changed.wait_for(lambda: self.running == 0, seconds)


@pytest.fixture
def count_calls() -> Callable[..., int]:
    """`count_calls(fn, *args)`: how many Python-level calls one call of `fn` makes, itself included."""

    def count(fn: Callable[..., t.Any], *args: t.Any, **kwargs: t.Any) -> int:
        with CallCounter(__file__).installed() as counter:
            counter.recording = True
            fn(*args, **kwargs)
            counter.recording = False
        return len(counter.calls)

    return count
