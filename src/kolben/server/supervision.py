"""What a supervisor and a worker say to each other: lines over a pair of sockets that ends with either of them."""

from __future__ import annotations

import os
import socket
import typing as t

if t.TYPE_CHECKING:
    from .worker import Worker

FD_VARIABLE = "KOLBEN_CONTROL_FD"
"""The environment variable by which a worker is told its end of the pair."""

READY = "ready"
DEAF = "deaf"
REPLACE = "replace"
RETIRE = "retire"


class Lines:
    """One end of the pair."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.setblocking(False)
        self._rest = b""

    def send(self, *words: str) -> None:
        """Say a line. Nobody listens any more: it is not said."""
        try:
            self.sock.send(" ".join(words).encode() + b"\n")
        except OSError:
            pass

    def receive(self) -> list[str] | None:
        """The lines that have come; ``None`` if the other end is gone."""
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.decode() for line in lines]


class Parent:
    """Who started a worker and wants to know how it goes; here, nobody."""

    tells_of_interrupts = False
    """Whether the parent says so when it is interrupted by Ctrl+C, which a terminal sends to its children too."""

    def watch(self, worker: Worker) -> None:
        """Begin to listen to what the parent says. Called on the worker's loop."""

    def ready(self) -> None:
        """Say that requests are answered."""

    def deaf(self) -> None:
        """Say that nothing is accepted any more."""

    def replace(self, reason: str) -> None:
        """Ask to be replaced."""


class Supervised(Parent):
    """The supervisor, as its worker sees it."""

    tells_of_interrupts = True

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    @classmethod
    def inherit(cls) -> t.Self | None:
        """The supervisor that started this process, or ``None``."""
        fd = os.environ.pop(FD_VARIABLE, None)
        if fd is None:
            return None
        sock = socket.socket(fileno=int(fd))
        sock.set_inheritable(False)
        return cls(Lines(sock))

    def watch(self, worker: Worker) -> None:
        from asyncio import get_running_loop

        loop = get_running_loop()

        def listen() -> None:
            lines = self._lines.receive()
            if lines is None:
                # NOTE: nobody is left who would replace this process, or end it.
                loop.remove_reader(self._lines.sock)
                worker.stop()
            elif RETIRE in lines:
                worker.retire()

        loop.add_reader(self._lines.sock, listen)

    def ready(self) -> None:
        self._lines.send(READY)

    def deaf(self) -> None:
        self._lines.send(DEAF)

    def replace(self, reason: str) -> None:
        self._lines.send(REPLACE, reason)
