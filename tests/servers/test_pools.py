"""What belongs to an event loop is made in one request and works in the next, under both protocols."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from kolben import bridge
from tests.servers.live import ASGI, WSGI, run

AT_ONCE = 20


@pytest.mark.parametrize("name", [*WSGI, *ASGI])
def test_pool_made_in_the_first_request_works_in_the_others(name: str) -> None:
    with run(name, "pools:app") as live:
        assert live.get("/ask/one")["answer"] == "answer to one"
        assert live.get("/ask/two")["answer"] == "answer to two"
        assert live.get("/ask-in-hooks/x") == {"answer": "answer to the hook"}
        assert live.get("/ask-in-a-stream/a-b").split() == ["answer", "to", "a", "answer", "to", "b"]

        with ThreadPoolExecutor(AT_ONCE) as clients:
            answers = list(clients.map(lambda i: live.get(f"/ask/{i}")["answer"], range(3 * AT_ONCE)))

        assert answers == [f"answer to {i}" for i in range(3 * AT_ONCE)]
        assert "different loop" not in live.log
        assert "Traceback" not in live.log


def test_garbage_collector_leaves_what_a_thread_waits_for() -> None:
    lines: list[weakref.ref[asyncio.Future[str]]] = []

    async def read_line() -> str:
        line = asyncio.get_running_loop().create_future()
        lines.append(weakref.ref(line))
        return str(await line)

    async def collect() -> None:
        while not lines:
            await asyncio.sleep(0)
        gc.collect()

    async def answer() -> bool:
        line = lines[0]()
        if line is not None:
            line.set_result("a line")
        return line is not None

    # NOTE: no pool of threads, for that would wait for one that waits for ever.
    answers: list[str] = []
    reader = threading.Thread(target=lambda: answers.append(bridge.call_sync(read_line)), daemon=True)
    reader.start()
    bridge.call_sync(collect)
    assert bridge.call_sync(answer)
    reader.join(10)
    assert answers == ["a line"]
