"""``wsgi.input`` of a request that came by ASGI: read in a thread, received on the loop."""

from __future__ import annotations

import typing as t

from ... import bridge

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

    Receive = Callable[[], Awaitable[MutableMapping[str, t.Any]]]

AHEAD = 256 * 1024
"""Bytes of a body that are received before a thread is occupied with its request: most bodies are shorter, and many
clients slower than the application."""


class Input:
    """The body of one request.

    Reading on where a client left halfway, or where Granian found its chunks malformed, raises
    :exc:`ConnectionResetError`: what was received is no body.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._chunks: list[bytes] = []
        self._has_more = True
        self._is_cut = False
        self.on_end: Callable[[], None] | None = None
        """Called on the loop when the last of the body was received."""

    async def fill(self, size: int = AHEAD) -> None:
        """Receive until there are so many bytes or no more."""
        there = sum(map(len, self._chunks))
        while self._has_more and there < size:
            message = await self._receive()
            chunk = message.get("body", b"")
            if chunk:
                self._chunks.append(chunk)
                there += len(chunk)
            self._is_cut = message["type"] != "http.request"
            self._has_more = not self._is_cut and message.get("more_body", False)
        if not self._has_more and self.on_end is not None:
            self.on_end()

    def end(self) -> None:
        """Have none: the head of the request announces no body."""
        self._has_more = False

    @property
    def has_more(self) -> bool:
        """Whether there is anything that was not received yet."""
        return self._has_more

    def read(self, size: int | None = -1, /) -> bytes:
        """So many bytes, fewer only at the end; by default, all that is left."""
        wanted = -1 if size is None else size
        if wanted == 0:
            return b""
        self._want(1 << 62 if wanted < 0 else wanted)
        return self._take(wanted)

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, at most so many bytes; waits only if nothing is."""
        self._want(1)
        return self._take(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """The next line with its end, or so many bytes of it."""
        limit = 1 << 62 if size is None or size < 0 else size
        wanted = 1
        while True:
            self._want(min(wanted, limit))
            data = self._gathered()
            end = data.find(b"\n", 0, limit) + 1
            if end or len(data) >= limit or not self._has_more:
                return self._take(end or limit)
            wanted = len(data) + 1

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """All lines, or so many that they have ``hint`` bytes."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _want(self, size: int) -> None:
        if self._has_more and sum(map(len, self._chunks)) < size:
            bridge.call_sync(self.fill, size)
        if self._is_cut and sum(map(len, self._chunks)) < size:
            raise ConnectionResetError("The client disconnected, or its body is malformed, before the end of it.")

    def _gathered(self) -> bytes:
        if len(self._chunks) != 1:
            self._chunks = [b"".join(self._chunks)]
        return self._chunks[0]

    def _take(self, size: int) -> bytes:
        data = self._gathered()
        if size < 0 or size >= len(data):
            self._chunks = []
            return data
        self._chunks = [data[size:]]
        return data[:size]
