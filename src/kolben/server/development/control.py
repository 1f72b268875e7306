"""The line between the reloader and the process that serves for it: what either has to know of the other.

Each message is a JSON object on a line of its own. The reloader sends :class:`Orders` at the start, and ``stop``; the
process tells that it listens, which files it has loaded, that it serves, that somebody is at a breakpoint and that it
does not stop for that. When the line is cut, the other is gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import typing as t

from ...debug import breakpoints

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FD_VARIABLE = "KOLBEN_RELOADER_FD"
"""The environment variable by which a process is told the descriptor of its end of the line."""

EVERY = 0.4
"""Seconds between two looks at which modules are loaded."""

GRACE = 1.0
"""Seconds that a process without a reloader has to end in order."""


@dataclasses.dataclass
class Orders:
    """What the reloader decided for all the processes that follow one another."""

    url: str
    secret: str
    use_debugger: bool
    links_used: int = 0
    certificate: tuple[str, str | None] | None = None
    main: list[str] | None = None
    """The arguments of a program that failed, of which the error is to be shown."""


class Line:
    """One end of the line: sends messages, and takes apart what comes in.

    :param sock: a connected socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_cut = False
        self._sending = threading.Lock()
        self._received = b""

    def send(self, **message: t.Any) -> None:
        """Send a message, from any thread; nothing happens if nobody is there."""
        with self._sending, contextlib.suppress(OSError):
            self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> Iterator[dict[str, t.Any]]:
        """Wait for what comes, and return the messages that are complete."""
        try:
            data = self.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.is_cut = not data
        *lines, self._received = (self._received + data).split(b"\n")
        yield from map(json.loads, lines)


class Control:
    """The serving process's end.

    :param sock: a connected socket.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._line = Line(sock)
        self._told: set[str] = set()
        self.is_serving = False
        self.on_stop: Callable[[], None] | None = None
        """What is called, in a thread, when the reloader wants this process to end; until then, it ends at once."""
        self.orders = self._await_orders()
        self.send(listens=True)
        breakpoints.install(lambda is_held: self.send(held=is_held))
        threading.Thread(target=self._watch, name="kolben-control", daemon=True).start()

    @classmethod
    def inherit(cls) -> t.Self | None:
        """The line that the reloader left, ``None`` in a process that has no reloader."""
        fd = int(os.environ.pop(FD_VARIABLE, -1))
        try:
            sock = socket.socket(fileno=fd)
        except (OSError, ValueError):
            # NOTE: a process that the application itself started while it was loaded has the variable, not the line.
            return None
        sock.set_inheritable(False)
        return cls(sock)

    def _await_orders(self) -> Orders:
        while not self._line.is_cut:
            for message in self._line.receive():
                return Orders(**message)
        os._exit(1)

    def send(self, **message: t.Any) -> None:
        """Tell the reloader something."""
        self._line.send(**message)

    def report(self, *files: str) -> None:
        """Tell which files were loaded since the last time, and these."""
        modules = list(sys.modules.values())
        found = {path for path in map(_file, modules) if path is not None} | set(files)
        new = found - self._told
        if new:
            self._told |= new
            self.send(files=sorted(new))

    def _watch(self) -> None:
        """Report what is imported while requests are served, until the reloader is gone: then end."""
        loaded = -1
        while not self._line.is_cut:
            if select.select([self._line.sock], [], [], EVERY)[0]:
                for message in self._line.receive():
                    if message.get("stop"):
                        self._stop()
            elif self.is_serving and loaded != len(sys.modules):
                loaded = len(sys.modules)
                self.report()
        if self.is_serving:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(GRACE)
        os._exit(1)

    def _stop(self) -> None:
        if breakpoints.is_live():
            self.send(refused=True)
        elif self.on_stop is not None:
            self.on_stop()
        else:
            os._exit(0)


def _file(module: t.Any) -> str | None:
    # NOTE: not by getattr, for which a lazy module would be loaded.
    path = getattr(module, "__dict__", {}).get("__file__")
    return path if isinstance(path, str) else None
