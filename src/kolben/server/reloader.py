"""The process that watches the files, and starts the one that serves anew when one changes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import signal
import socket
import subprocess
import sys
import time
import typing as t

from . import control
from .listener import FD_VARIABLE, Listener
from .request_lines import say
from .stand_in import StandIn

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .control import Orders
    from .watcher import Watcher

INTERVAL = 0.25
"""Seconds between two looks at the files."""

SETTLED = 0.06
"""Seconds without a change after which a file is taken as written: editors write in several steps."""

ENDS_WITHIN = 0.6
"""Seconds that a process has to end before its successor is started beside it."""

FINISHES_WITHIN = 5.0
"""Seconds that it then has for the requests that are still under way."""

STOPS_WITHIN = 1.5
"""Seconds that it has when all is to end."""


class Reloader:
    """Holds the listening socket, starts the process that accepts from it, and replaces that when files change.

    Connections that come while there is none wait in the socket's queue. This process does not read standard input,
    which is for the debugger of the other.

    :param listener: the socket.
    :param watcher: the files.
    :param orders: what each process is told.
    :param command: how it is started.
    :param environ: its environment.
    :param interval: seconds between two looks at the files.
    """

    def __init__(
        self,
        listener: Listener,
        watcher: Watcher,
        orders: Orders,
        command: list[str],
        environ: dict[str, str],
        interval: float = INTERVAL,
    ) -> None:
        self._listener = listener
        self._watcher = watcher
        self._orders = orders
        self._command = command
        self._environ = environ
        self._interval = min(interval, INTERVAL)
        self._changed: set[str] = set()
        self._is_told_to_stop = False
        self._stand_in: StandIn | None = None
        self._leaving: list[Child] = []
        self._child: Child | None = None

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code."""
        with _signals(self._stop) as woken, _terminal():
            self._start()
            try:
                while not self._is_told_to_stop:
                    self._wait(woken)
                    self._hear()
                    self._look()
            finally:
                self._end()
        return 0

    def _stop(self) -> None:
        self._is_told_to_stop = True

    # -- one round ---------------------------------------------------------------------------------------------------

    def _wait(self, woken: socket.socket) -> None:
        waited_for: list[t.Any] = [woken]
        if self._child is not None:
            waited_for.append(self._child.line.sock)
        if self._stand_in is not None:
            waited_for.append(self._listener.sock)
        ready = select.select(waited_for, [], [], SETTLED if self._changed else self._interval)[0]
        if woken in ready:
            woken.recv(64)
        if self._stand_in is not None and self._listener.sock in ready:
            self._stand_in.answer(self._listener.sock)

    def _hear(self) -> None:
        """Take in what the process says, and whether there still is one."""
        child = self._child
        if child is not None:
            for message in child.line.receive():
                self._watcher.add_modules(message.get("files", ()))
                child.is_held = message.get("held", child.is_held)
                child.is_serving = message.get("serving", child.is_serving)
                self._orders.links_used = message.get("links_used", self._orders.links_used)
            if child.has_ended():
                self._mourn(child)
        self._leaving = [child for child in self._leaving if not child.is_gone()]

    def _look(self) -> None:
        """Look at the files, and replace the process once what has changed is written."""
        changed = self._watcher.changed()
        self._changed |= set(changed)
        is_held = self._child is not None and self._child.is_held
        if self._changed and not changed and not is_held:
            self._reload(sorted(self._changed))
            self._changed.clear()

    # -- the process that serves -------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._stand_in = None
        self._child = Child(self._command, self._environ, self._listener, self._orders)

    def _reload(self, changed: list[str]) -> None:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        say(" * Detected change in %r%s, reloading", changed[0], more)
        for path in changed:
            _forget_compiled(path)
        child, self._child = self._child, None
        if child is not None:
            child.stop(FINISHES_WITHIN)
            if not child.ends_within(ENDS_WITHIN):
                self._leaving.append(child)
        self._orders.main = None
        self._start()

    def _mourn(self, child: Child) -> None:
        """The process ended by itself."""
        child.close()
        self._child = None
        code = child.process.returncode
        if code == 0:
            # It was told to stop by somebody else, or by the application.
            self._is_told_to_stop = True
            return
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit code {code}"
        say(" * The application ended %s. It is started again when a file changes.", how, colour="31;1")
        self._stand_in = StandIn(how)

    def _end(self) -> None:
        if self._child is not None:
            self._child.stop(0.1 if self._child.is_held else STOPS_WITHIN)
            self._leaving.append(self._child)
        for child in self._leaving:
            child.kill_after(STOPS_WITHIN)
        while self._leaving:
            self._leaving = [child for child in self._leaving if not child.is_gone()]
            time.sleep(0.01)


class Child:
    """One process that serves."""

    def __init__(self, command: list[str], environ: dict[str, str], listener: Listener, orders: Orders) -> None:
        self.is_held = False
        """Whether somebody is at a breakpoint in it."""
        self.is_serving = False
        self._killed_at = float("inf")

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        fds = listener.sock.fileno(), theirs.fileno()
        variables = {FD_VARIABLE: str(fds[0]), control.FD_VARIABLE: str(fds[1])}
        with theirs, _ignored(signal.SIGINT):
            self.process = subprocess.Popen(command, env={**environ, **variables}, pass_fds=fds)
        self.line = control.Line(ours)
        self.line.send(**vars(orders))

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self, within: float) -> None:
        """Tell it to end; it is killed when it has not within that many seconds."""
        if self.is_serving:
            self.line.send(stop=True)
        else:
            self.process.terminate()
        self.kill_after(within)

    def kill_after(self, seconds: float) -> None:
        self._killed_at = min(self._killed_at, time.monotonic() + seconds)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end at most that long, and return whether it has."""
        deadline = time.monotonic() + seconds
        while not self.is_gone():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def is_gone(self) -> bool:
        """Whether it has ended; if it should have by now, it is killed."""
        if not self.has_ended():
            # NOTE: who does not read lets the other wait when it tells which files it has loaded.
            list(self.line.receive())
            if time.monotonic() < self._killed_at:
                return False
            self.process.kill()
            self.process.wait()
        self.close()
        return True

    def close(self) -> None:
        self.line.sock.close()


@contextlib.contextmanager
def _ignored(number: int) -> Iterator[None]:
    """Let what is started here ignore a signal, until it handles it.

    NOTE: Ctrl+C goes to all processes of the terminal. This one ends the other in order; by itself, if it was loading
    the application at that moment, the other would show where it was interrupted.
    """
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def _signals(stop: t.Callable[[], None]) -> Iterator[socket.socket]:
    """Call ``stop`` for the signals that end a program; the socket that is yielded becomes readable then."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.signal(number, lambda number, frame: stop()) for number in numbers}
    fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        with reader, writer:
            yield reader
    finally:
        signal.set_wakeup_fd(fd)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _terminal() -> Iterator[None]:
    """Leave the terminal as it was found: a debugger that was killed at its prompt has switched off the echo."""
    try:
        import termios

        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
    except (ImportError, AttributeError, OSError, ValueError, termios.error):
        yield
        return
    try:
        yield
    finally:
        # NOTE: a process in the background would be stopped for it.
        if os.tcgetpgrp(fd) == os.getpgrp():
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


def _forget_compiled(path: str) -> None:
    """Remove what Python has compiled of a file.

    NOTE: it would take that for fresh after a change within the same second that leaves the size the same.
    """
    if path.endswith(".py"):
        with contextlib.suppress(OSError, NotImplementedError):
            os.unlink(importlib.util.cache_from_source(path))


def own_command() -> list[str] | None:
    """The command line of this process, to be run again; ``None`` if it was given none, as an interactive one."""
    arguments = sys.orig_argv[1:]
    main = sys.modules.get("__main__")
    is_program = hasattr(main, "__file__") or "-c" in arguments
    return [sys.executable, *arguments] if is_program and not sys.flags.interactive else None


def main_folder(folders: Collection[str] = ()) -> list[str]:
    """The folder of the program that this process runs, and these."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return [*folders, *([os.path.dirname(os.path.abspath(file))] if file else [])]
