"""What is open when the server is told to stop, streams and WebSockets: it waits for them, and some never end."""

from __future__ import annotations

import asyncio
import signal
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import FrameType


class Endable(t.Protocol):
    """An open stream or WebSocket."""

    @property
    def lasts(self) -> bool:
        """Whether it is expected to go on until somebody ends it, as server-sent events and WebSockets are."""
        ...

    def end(self) -> None:
        """End it: close what it is made of, then its request. Called on the loop."""


class Drain:
    """The open streams and WebSockets of one application, and their end.

    Told to stop (SIGTERM, SIGINT), it ends at once what is made to last, and gives the rest, a download say,
    ``timeout`` seconds. The server meanwhile stops listening, waits for its connections, and says so by the lifespan
    protocol; what is still open then is ended too.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._open: set[Endable] = set()

    def add(self, stream: Endable) -> None:
        """Note a stream or WebSocket that begins."""
        self._open.add(stream)
        if self.has_begun and stream.lasts:
            stream.end()

    def remove(self, stream: Endable) -> None:
        """Note that it has ended."""
        self._open.discard(stream)

    def begin(self, timeout: float) -> None:
        """End what lasts now, and the rest after ``timeout`` seconds."""
        if not self.has_begun:
            self.has_begun = True
            for stream in [stream for stream in self._open if stream.lasts]:
                stream.end()
            asyncio.get_running_loop().call_later(timeout, self.end)

    def end(self) -> None:
        """End all that is open."""
        for stream in list(self._open):
            stream.end()

    async def finish(self, timeout: float) -> None:
        """End all that is open, and wait for it, at most ``timeout`` seconds."""
        self.end()
        deadline = asyncio.get_running_loop().time() + timeout
        while self._open and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)

    def begin_on_signals(self, timeout: float) -> None:
        """Begin when this process is told to stop, before the server's own handler, which is called as well.

        NOTE: a server says that it stops only when its connections are done. Granian 2.8.7 waits for them for ever.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) in _NO_HANDLERS:
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def handle(number: int, frame: FrameType | None, before: t.Any = before) -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(self.begin, timeout)
                if callable(before):
                    before(number, frame)

            signal.signal(number, handle)


def closing(start: MutableMapping[str, t.Any], version: str) -> MutableMapping[str, t.Any]:
    """The message that a response begins with, saying that its connection is closed then.

    :param version: of HTTP, ``"1.1"`` say. HTTP/2 has no such header.
    """
    if version == "2":
        return start
    headers = [pair for pair in start.get("headers", ()) if pair[0].lower() != b"connection"]
    return {**start, "headers": [*headers, (b"connection", b"close")]}


_NO_HANDLERS = (signal.SIG_DFL, signal.SIG_IGN, None)
