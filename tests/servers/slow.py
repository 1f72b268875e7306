"""Clients that send a byte now and then: what they are told, and when."""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.servers.live import Live

Kind: t.TypeAlias = t.Literal["head", "body", "large body", "chunks"]

_LENGTH = b"Content-Length: 1000000\r\n\r\n"
_HEAD = b"POST /read HTTP/1.1\r\nHost: localhost\r\n"
BEGINNINGS: dict[Kind, bytes] = {
    "head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": _HEAD + _LENGTH,
    # NOTE: more than any server holds back before it calls the application.
    "large body": _HEAD + _LENGTH + b"x" * 400_000,
    "chunks": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
}
"""What each kind of client sends at once."""
DRIBBLE: dict[Kind, bytes] = {"head": b"x", "body": b"x", "large body": b"x", "chunks": b"1\r\nx\r\n"}
"""What it sends after each pause."""


class SlowClient:
    """One connection.

    :ivar answer: all that it was told so far.
    :ivar closed_after: seconds after which the server closed it, ``None`` while it is open.
    """

    def __init__(self, live: Live, kind: Kind) -> None:
        self.kind: Kind = kind
        self.answer = b""
        self.closed_after: float | None = None
        self.sock = live.connect()
        self._began = time.monotonic()
        self._pending = BEGINNINGS[kind]
        self.sock.setblocking(False)

    @property
    def status(self) -> int:
        """Of the answer; 0 if there is none."""
        return int(self.answer[9:12]) if self.answer.startswith(b"HTTP/1.1 ") else 0

    @property
    def is_beginning(self) -> bool:
        """Whether some of what is sent at once is still to be sent."""
        return len(self._pending) > 100

    def dribble(self) -> None:
        """Send what comes next."""
        self._pending = self._pending or DRIBBLE[self.kind]
        self.write()

    def write(self) -> None:
        """Send as much as the server takes of what is pending."""
        try:
            self._pending = self._pending[self.sock.send(self._pending) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def read(self) -> None:
        """Take what the server says."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.answer += data
        if not data:
            self.close()

    def close(self) -> None:
        if self.closed_after is None:
            self.closed_after = time.monotonic() - self._began
            self.sock.close()


class SlowClients:
    """Many of them, driven by one thread until the end of the block.

    :param again: whether one that was closed comes back at once.
    """

    def __init__(self, live: Live, kinds: Sequence[Kind], pause: float = 1.0, again: bool = False) -> None:
        self.open: list[SlowClient] = []
        self.closed: list[SlowClient] = []
        self._live = live
        self._kinds = kinds
        self._pause = pause
        self._again = again
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._drive)

    def __enter__(self) -> t.Self:
        self.open = [SlowClient(self._live, kind) for kind in self._kinds]
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()
        for client in self.open:
            client.close()

    def _drive(self) -> None:
        due = 0.0
        while not self._is_over.is_set():
            now = time.monotonic()
            is_due, due = now >= due, (now + self._pause if now >= due else due)
            for client in list(self.open):
                self._serve(client, is_due)
            self._wait(max(0.0, min(due - time.monotonic(), 0.05)))

    def _serve(self, client: SlowClient, is_due: bool) -> None:
        client.read()
        if client.closed_after is None:
            if is_due:
                client.dribble()
            elif client.is_beginning:
                client.write()
        if client.closed_after is not None:
            self.open.remove(client)
            self.closed.append(client)
            if self._again:
                with contextlib.suppress(OSError):
                    self.open.append(SlowClient(self._live, client.kind))

    def _wait(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for client in self.open:
                with contextlib.suppress(ValueError, OSError):
                    selector.register(client.sock, selectors.EVENT_READ)
            if selector.get_map():
                selector.select(seconds)
            else:
                self._is_over.wait(seconds)


def ask(live: Live) -> bool:
    """Make one ordinary request on a connection of its own; whether it was answered."""
    answer = b""
    with live.connect() as connection, contextlib.suppress(OSError):
        connection.sendall(
            b"POST /read HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
        )
        while data := connection.recv(65536):
            answer += data
    return answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"3")
