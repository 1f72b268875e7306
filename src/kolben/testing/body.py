"""What a client sends after its headers: at once, slowly, by hand, or never to the end."""

from __future__ import annotations

import asyncio
import typing as t
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager

CHUNK = 64 * 1024

Body = bytes | t.IO[bytes] | Iterable[bytes] | AsyncIterable[bytes]
"""Bytes or a file go out as a server would read them; of an iterable, each item is one message."""

Piece = tuple[bytes, bool]
"""A piece of the body, and whether more of it follows."""


class Hangup(Exception):
    """Raised by a body to say that the client goes away here, without having sent it all."""


async def pieces(body: Body) -> AsyncGenerator[Piece, None]:
    """The body in the pieces that the application will receive. The next is taken only when it is asked for."""
    if isinstance(body, bytes):
        yield body, False
    elif hasattr(body, "read"):
        file = t.cast("t.IO[bytes]", body)
        chunk = file.read(CHUNK)
        while following := file.read(CHUNK):
            yield chunk, True
            chunk = following
        yield chunk, False
    elif isinstance(body, AsyncIterable):
        async with _closing(aiter(body)) as chunks:
            async for chunk in chunks:
                yield chunk, True
        yield b"", False
    else:
        for chunk in body:
            yield chunk, True
        yield b"", False


@asynccontextmanager
async def _closing(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


async def slow(chunks: Iterable[bytes], delay: float = 0.01) -> AsyncIterator[bytes]:
    """A body that trickles in: ``delay`` seconds before each chunk."""
    for chunk in chunks:
        await asyncio.sleep(delay)
        yield chunk


async def aborted(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Half an upload: the client sends these chunks and is gone."""
    for chunk in chunks:
        yield chunk
    raise Hangup


class Channel:
    """A body that the test sends piece by piece, while the application reads."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, chunk: bytes) -> None:
        """Send one chunk."""
        self._chunks.put_nowait(chunk)

    def end(self) -> None:
        """Say that nothing more follows."""
        self._chunks.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
