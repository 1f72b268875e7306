"""Synchronous bodies under ASGI: pulled by worker threads, a little ahead of what the loop has sent."""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque
from time import monotonic

from .. import bridge

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from contextvars import Context

MOST_CHUNKS = 64
MOST_BYTES = 64 * 1024
"""How much a thread pulls in one turn, if every chunk comes at once. A chunk may be larger than this."""
LONGEST_TURN = 0.001
"""Seconds after which a thread pulls no further, but goes on to what others wait for: what is as slow as this is pulled
one by one, each chunk when the one before has been sent."""
GRACE = 0.001
"""Seconds that chunks wait for others of their turn, before the loop takes those that are there."""


class Puller:
    """Takes chunks of an iterable in turns of worker threads, each as long as chunks come fast.

    While a turn lasts the loop sleeps, looks after :data:`GRACE` what is there already, and is woken for the next chunk
    if that is nothing. So a chunk that is ready waits no longer than that for one that is not.

    :param context: what the iterator runs in.
    """

    __slots__ = ("_context", "_is_ended", "_is_left", "_is_wanted", "_iterable", "_loop", "_ready", "_waiter")

    def __init__(self, iterable: Iterable[t.Any], context: Context) -> None:
        self._iterable = iterable
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._ready: deque[t.Any] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._is_ended = False
        self._is_left = False
        self._is_wanted = False

    async def chunks(self) -> AsyncIterator[t.Any]:
        """The chunks, one by one.

        Cancelled or closed, it waits for a thread that has begun: that must be out of the iterator, at its next chunk.
        """
        ready = self._ready
        iterator = iter(self._iterable)
        while not self._is_ended:
            turn = bridge.Turn(self._context.run, self._pull, iterator)
            future = bridge.in_thread(turn)
            try:
                while not future.done():
                    await self._arrival(future)
                    while ready:
                        yield ready.popleft()
                while ready:
                    yield ready.popleft()
                future.result()
            except (asyncio.CancelledError, GeneratorExit):
                self._is_left = True
                if not turn.withdraw():
                    await settled(future)
                raise
            finally:
                del future

    def _pull(self, iterator: Iterator[t.Any]) -> None:
        """Pull until there is enough, or no more, or it takes too long. In a thread."""
        ready, size, end = self._ready, 0, monotonic() + LONGEST_TURN
        for _ in range(MOST_CHUNKS):
            chunk = next(iterator, bridge.END)
            if chunk is bridge.END:
                self._is_ended = True
                return
            ready.append(chunk)
            size += len(chunk) if isinstance(chunk, (bytes, bytearray, str)) else 0
            if self._is_left or size >= MOST_BYTES or monotonic() > end:
                return
            if self._is_wanted:
                self._is_wanted = False
                self._call_loop()

    def _call_loop(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # NOTE: the loop was closed meanwhile; nobody waits.
            self._is_left = True

    async def _arrival(self, turn: asyncio.Future[None]) -> None:
        """Wait until the turn has ended or, some time later, there is a chunk."""
        self._waiter = waiter = self._loop.create_future()
        turn.add_done_callback(self._wake)
        timer = self._loop.call_later(GRACE, self._look)
        try:
            await waiter
        finally:
            timer.cancel()
            turn.remove_done_callback(self._wake)
            self._is_wanted = False
            self._waiter = None

    def _look(self) -> None:
        self._is_wanted = True
        # NOTE: after that; a chunk that came before was not announced.
        if self._ready:
            self._wake()

    def _wake(self, turn: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def settled(future: asyncio.Future[t.Any]) -> None:
    """Wait until it is done, however often this task is cancelled meanwhile, as loops that end do with all tasks."""
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            pass
