from __future__ import annotations

import asyncio
import functools
import os
import threading
import time
import typing as t
from contextvars import ContextVar, copy_context

import pytest

from kolben import bridge

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

var: ContextVar[str] = ContextVar("var", default="unset")


async def coroutine_function() -> str:
    return "x"


class Asynchronous:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


class Marked:
    is_async = True

    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        (coroutine_function, True),
        (functools.partial(coroutine_function), True),
        (Asynchronous(), True),
        (Asynchronous().method, True),
        (Marked(), True),
        (len, False),
        (lambda: None, False),
        (functools.partial(len), False),
    ],
)
def test_is_async(func: Callable[..., t.Any], expected: bool) -> None:
    assert bridge.is_async(func) is expected


# -- from a thread to the loop ---------------------------------------------------------------------------------------


def test_call_sync_runs_on_one_loop_per_process() -> None:
    async def loop() -> object:
        return asyncio.get_running_loop()

    assert bridge.call_sync(loop) is bridge.call_sync(loop) is bridge.portal().loop


def test_call_sync_carries_context_variables_there_and_back() -> None:
    async def change() -> str:
        seen = var.get()
        await asyncio.sleep(0)
        var.set("there")
        return seen

    def run() -> tuple[str, str]:
        var.set("here")
        return bridge.call_sync(change), var.get()

    assert copy_context().run(run) == ("here", "there")


def test_call_sync_raises_what_the_function_raises() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        bridge.call_sync(fail)


def test_call_sync_raises_what_calling_the_function_raises() -> None:
    def no_coroutine() -> t.Any:
        return 7

    with pytest.raises(TypeError, match="await"):
        bridge.call_sync(no_coroutine)


def test_call_sync_on_the_loop_says_what_to_do() -> None:
    async def call() -> None:
        bridge.call_sync(coroutine_function)

    with pytest.raises(RuntimeError, match="'coroutine_function' was called from synchronous code"):
        asyncio.run(call())


def test_worker_thread_calls_the_loop_that_waits_for_it() -> None:
    async def loop() -> object:
        return asyncio.get_running_loop()

    async def main() -> bool:
        return await bridge.in_thread(bridge.call_sync, loop) is asyncio.get_running_loop()

    assert asyncio.run(main())


def test_to_sync_leaves_plain_functions_alone() -> None:
    assert bridge.to_sync(len) is len
    wrapped = bridge.to_sync(coroutine_function)
    assert wrapped() == "x"
    assert wrapped.__name__ == "coroutine_function"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="The system has no fork.")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_process_has_a_portal_of_its_own() -> None:
    bridge.portal()
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if bridge.call_sync(coroutine_function) == "x" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- from the loop to a thread ---------------------------------------------------------------------------------------


def test_the_loop_is_woken_once_for_all_that_threads_finish_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        wake, woken = loop.call_soon_threadsafe, []

        def wake_and_count(*args: t.Any) -> None:
            woken.append(args)
            wake(*args)

        monkeypatch.setattr(loop, "call_soon_threadsafe", wake_and_count)
        futures = [bridge.in_thread(int) for _ in range(5)]
        while len(bridge._local.way_back._finished) < 5:
            time.sleep(0.001)  # NOTE: this is the loop's thread, which does nothing else meanwhile.
        assert await asyncio.gather(*futures) == [0] * 5
        return len(woken)

    assert asyncio.run(main()) == 1


def test_in_thread_runs_in_a_copy_of_the_context() -> None:
    def change() -> tuple[str, str]:
        seen = var.get()
        var.set("there")
        return seen, threading.current_thread().name

    async def main() -> tuple[tuple[str, str], str]:
        var.set("here")
        return await bridge.in_thread(change), var.get()

    (seen, name), after = asyncio.run(main())
    assert (seen, after) == ("here", "here")
    assert name.startswith("kolben-view")


def test_to_async_carries_context_variables_back() -> None:
    async def main() -> str:
        await bridge.to_async(var.set)("there")
        return var.get()

    assert asyncio.run(main()) == "there"


def test_to_async_of_what_does_not_block_runs_on_the_loop() -> None:
    async def main() -> bool:
        return await bridge.to_async(threading.current_thread, blocking=False)() is threading.current_thread()

    assert asyncio.run(main())


def test_to_async_leaves_coroutine_functions_alone() -> None:
    assert bridge.to_async(coroutine_function) is coroutine_function


def test_threads_are_used_again_and_limited() -> None:
    workers = bridge.Workers("test", 2)
    names: list[str] = []
    go_on = threading.Event()

    def work() -> None:
        names.append(threading.current_thread().name)
        go_on.wait(5)

    async def main() -> int:
        jobs = [workers.call(work, (), copy_context()) for _ in range(5)]
        while len(names) < 2:
            await asyncio.sleep(0.001)
        waiting = workers.waiting
        go_on.set()
        await asyncio.gather(*jobs)
        return waiting

    assert asyncio.run(main()) == 3
    assert len(set(names)) == 2


def test_cleanup_finds_a_thread_although_views_have_taken_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "views", bridge.Workers("busy", 1))
    go_on = threading.Event()

    async def main() -> str:
        view = bridge.in_thread(go_on.wait, 5)
        name = await bridge.in_cleanup_thread(lambda: threading.current_thread().name)
        go_on.set()
        await view
        return name

    assert asyncio.run(main()).startswith("kolben-close")


def test_end_of_an_iterator_in_a_thread_is_an_error_not_an_end() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await bridge.in_thread(next, iter(()))
        assert await bridge.in_thread(bridge.pull, iter(())) is bridge.END

    asyncio.run(main())


def test_thread_whose_loop_was_closed_goes_on() -> None:
    workers = bridge.Workers("test", 1)
    go_on = threading.Event()

    async def leave() -> None:
        _ = workers.call(go_on.wait, (5,), copy_context())

    async def use() -> str:
        return await workers.call(str, (7,), copy_context())

    asyncio.run(leave())
    go_on.set()
    assert asyncio.run(use()) == "7"


# -- iterators -------------------------------------------------------------------------------------------------------


async def numbers(events: list[object]) -> AsyncIterator[int]:
    events.append(asyncio.current_task())
    try:
        yield 1
        yield 2
    finally:
        events.append(asyncio.current_task())


def test_sync_iterator_runs_in_one_task() -> None:
    events: list[object] = []
    assert list(bridge.SyncIterator(numbers(events), copy_context())) == [1, 2]
    assert len(events) == 2
    assert events[0] is events[1]


def test_sync_iterator_closes_in_the_same_task() -> None:
    events: list[object] = []
    iterator = bridge.SyncIterator(numbers(events), copy_context())
    assert next(iterator) == 1
    iterator.close()
    iterator.close()
    assert len(events) == 2
    assert events[0] is events[1]
    with pytest.raises(StopIteration):
        next(iterator)


def test_sync_iterator_that_never_began_is_closed() -> None:
    events: list[object] = []
    iterator = bridge.SyncIterator(numbers(events), copy_context())
    iterator.close()
    assert events == []


def test_sync_iterator_raises_what_the_other_raises() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no")

    iterator = bridge.SyncIterator(failing(), copy_context())
    assert next(iterator) == 1
    with pytest.raises(ValueError, match="no"):
        next(iterator)


# -- calling what may be of either kind ------------------------------------------------------------------------------


@pytest.mark.parametrize("func", [coroutine_function, lambda: "x"])
def test_call_of_either_kind(func: Callable[..., t.Any]) -> None:
    assert bridge.call(func) == "x"
    assert asyncio.run(bridge.call_async(func)) == "x"


def test_signals_reach_receivers_of_either_kind() -> None:
    from blinker import Signal

    received: list[str] = []

    def receive(sender: str, **values: object) -> None:
        received.append(f"sync {sender} {values}")

    async def receive_async(sender: str, **values: object) -> None:
        received.append(f"async {sender} {values}")

    signal = Signal()
    signal.connect(receive)
    signal.connect(receive_async)
    bridge.send(signal, "thread", a=1)
    asyncio.run(bridge.send_async(signal, "loop", a=1))
    both = [(kind, where) for kind in ("async", "sync") for where in ("loop", "thread")]
    assert sorted(received) == [f"{kind} {where} {{'a': 1}}" for kind, where in both]
