"""Servers that are stopped, reloaded and hit while requests are under way: not one is lost or cut, counted."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import typing as t

import pytest

from tests.servers.serving import Load, Served, run_load, serving

if t.TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS = 500
# NOTE: "auto" is uvloop, which the tests' environment has. Each protocol and kind of view meets both loops.
STOPPED = [
    ("asgi", "sync", "auto"),
    ("asgi", "async", "asyncio"),
    ("wsgi", "sync", "asyncio"),
    ("wsgi", "async", "auto"),
]
RELOADED = [
    ("asgi", "sync", "asyncio"),
    ("asgi", "async", "auto"),
    ("wsgi", "sync", "auto"),
    ("wsgi", "async", "asyncio"),
]
LOADED = [("asgi", "auto"), ("wsgi", "asyncio")]


async def in_flight(load: Load, kind: str, then: Callable[[], object]) -> None:
    """Have many requests under way, of one to three seconds each; do something; wait for the answers."""
    tasks = [asyncio.create_task(load.once(f"/{kind}/{1 + number % 3}.0")) for number in range(REQUESTS)]
    while load.in_flight < REQUESTS:
        assert not any(task.done() for task in tasks)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # NOTE: until the server has them all.
    then()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize(("protocol", "kind", "loop"), STOPPED)
def test_requests_in_flight_are_finished_when_the_server_stops(protocol: str, kind: str, loop: str) -> None:
    with serving("--protocol", protocol, "--loop", loop, workers=2) as served:
        load = run_load(served.port, lambda load: in_flight(load, kind, served.process.terminate))
        assert load.counts == {200: REQUESTS}
        assert served.process.wait(20) == 0, served.log


@pytest.mark.parametrize(("protocol", "kind", "loop"), RELOADED)
def test_requests_in_flight_are_finished_when_the_server_reloads(protocol: str, kind: str, loop: str) -> None:
    with serving("--protocol", protocol, "--loop", loop, workers=2) as served:
        before = set(served.ready)
        load = run_load(served.port, lambda load: in_flight(load, kind, lambda: served.signal(signal.SIGHUP)))
        assert load.counts == {200: REQUESTS}
        assert set(load.pids) == before
        assert served.end() == 0, served.log
        assert len(served.ready) == 4


@pytest.mark.parametrize(("protocol", "loop"), LOADED)
def test_no_request_is_lost_while_the_server_reloads_under_load(protocol: str, loop: str) -> None:
    async def work(load: Load) -> None:
        def is_over() -> bool:
            return time.monotonic() > until

        until = time.monotonic() + 6
        clients = [asyncio.create_task(load.keep_on("/pid", is_over)) for _ in range(50)]
        # NOTE: in moments of leisure, connections are idle when their worker ends.
        clients += [asyncio.create_task(_leisurely(load, is_over)) for _ in range(50)]
        for _ in range(2):
            await asyncio.sleep(1)
            before = len(served.ready)
            served.signal(signal.SIGHUP)
            while len(served.ready) < before + 2:
                await asyncio.sleep(0.05)
        await asyncio.gather(*clients)

    with serving("--protocol", protocol, "--loop", loop, workers=2) as served:
        load = run_load(served.port, work)
        assert load.counts.keys() == {200}, load.counts
        assert load.counts[200] > 1000
        assert set(load.pids) == set(served.ready)
        assert served.end() == 0, served.log


async def _leisurely(load: Load, is_over: Callable[[], bool]) -> None:
    async def one_more() -> None:
        asked = 0

        def asked_before() -> bool:
            nonlocal asked
            asked += 1
            return asked > 4 or is_over()

        await load.keep_on("/async/0.02", asked_before)

    while not is_over():
        await one_more()
        await asyncio.sleep(0.1)


def test_server_that_stops_under_load_answers_whom_it_has_accepted() -> None:
    async def work(load: Load) -> None:
        def is_over() -> bool:
            return served.process.poll() is not None

        clients = [asyncio.create_task(load.keep_on("/pid", is_over)) for _ in range(25)]
        clients += [asyncio.create_task(_leisurely(load, is_over)) for _ in range(25)]
        await asyncio.sleep(1)
        served.process.terminate()
        await asyncio.gather(*clients)

    with serving("--loop", "asyncio", workers=2) as served:
        load = run_load(served.port, work)
        assert served.process.returncode == 0, served.log
        assert load.counts[200] > 100
        # NOTE: at each worker's socket one connection can wait where none is let wait (listen(2)).
        assert load.counts["lost"] <= 2
        assert load.counts.keys() <= {200, "lost", "refused"}


def test_worker_that_is_killed_is_replaced_and_only_its_own_requests_fail() -> None:
    clients = 60

    async def work(load: Load) -> None:
        is_over = False
        tasks = [asyncio.create_task(load.keep_on("/async/0.01", lambda: is_over)) for _ in range(clients)]
        await asyncio.sleep(1)
        assert "lost" not in load.counts
        before = load.counts[200]
        os.kill(victim, signal.SIGKILL)
        await _replaced(served)
        await asyncio.sleep(1)
        is_over = True
        await asyncio.gather(*tasks)
        assert load.counts[200] > before

    with serving(workers=3) as served:
        victim = served.ready[0]
        load = run_load(served.port, work)
        # NOTE: each client has one request at a time, and no further one to the dead.
        assert load.counts["lost"] < clients
        assert load.counts.keys() <= {200, "lost"}, load.counts
        assert len(served.ready) == 4
        assert "was killed by SIGKILL" in served.log
        assert served.end() == 0, served.log


async def _replaced(served: Served) -> None:
    while len(served.ready) < 4:
        await asyncio.sleep(0.05)


def test_requests_to_the_other_workers_are_untouched_by_the_death_of_one() -> None:
    async def work(load: Load) -> None:
        await in_flight(load, "async", lambda: os.kill(victim, signal.SIGKILL))

    with serving(workers=3) as served:
        victim = served.ready[0]
        load = run_load(served.port, work)
        assert victim not in load.pids
        assert load.counts["lost"] + load.counts[200] == REQUESTS
        assert load.counts["lost"] < REQUESTS
        assert sum(load.pids.values()) == load.counts[200]


def test_workers_are_replaced_after_so_many_requests_and_none_is_lost() -> None:
    async def work(load: Load) -> None:
        def is_over() -> bool:
            return len(served.ready) > 5

        await asyncio.gather(*(load.keep_on("/pid", is_over) for _ in range(20)))

    with serving("--max-requests", "500", "--loop", "asyncio", workers=2) as served:
        load = run_load(served.port, work)
        assert load.counts.keys() == {200}
        assert served.end() == 0, served.log
