"""A loop that stands still is told of, with the place that keeps it."""

from __future__ import annotations

import asyncio
import threading

from kolben.server.development.loop_watch import LoopWatch

told = threading.Event()
texts: list[str] = []


def tell(text: str) -> None:
    texts.append(text)
    told.set()


def block_until_told() -> None:
    """Keep the loop until that was noticed."""
    assert told.wait(20)


def test_the_place_is_told() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        LoopWatch(loop, tell, after=0.05)
        loop.call_soon(block_until_told)
        await asyncio.sleep(0)

    asyncio.run(main())

    line = block_until_told.__code__.co_firstlineno + 2
    (text,) = texts
    assert text.startswith("'block_until_told' (")
    assert f"test_loop_watch.py, line {line}) keeps the event loop for more than 0.05 s" in text
