"""Telling all open pages what happens: from any thread, to listeners on any event loop of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

BACKLOG = 100
"""How many items a listener may be behind. One that is slower than that is let go; its page connects again."""


class Broadcast(Generic[T]):
    """Hands each published item to all that listen at that moment.

    Views that publish run in threads, those that listen on an event loop: the server's under ASGI, Kolben's own under
    WSGI. An application of several processes would put Redis or PostgreSQL in this place.
    """

    def __init__(self) -> None:
        self._listeners: set[Listener[T]] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._listeners)

    @contextmanager
    def listen(self) -> Iterator[Listener[T]]:
        """Listen until the end of the block: `with news.listen() as items: async for item in items: ...`"""
        listener: Listener[T] = Listener()
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def publish(self, item: T) -> None:
        """Hand `item` to everybody, without waiting for anybody."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell(item)


class Listener(Generic[T]):
    """What was published for one listener and not yet taken. The iteration ends when it is too far behind."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[T] = asyncio.Queue()
        self._is_late = False

    def tell(self, item: T) -> None:
        """Add an item, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._add, item)
        except RuntimeError:
            pass  # The loop was closed meanwhile: the server is stopping.

    def _add(self, item: T) -> None:
        if self._items.qsize() >= BACKLOG:
            self._is_late = True
        else:
            self._items.put_nowait(item)

    def __aiter__(self) -> Listener[T]:
        return self

    async def __anext__(self) -> T:
        if self._is_late:
            raise StopAsyncIteration
        return await self._items.get()
