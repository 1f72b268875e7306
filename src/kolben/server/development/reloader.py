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

from ..listener import FD_VARIABLE, Listener
from . import control
from .request_lines import say
from .stand_in import StandIn

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .control import Orders
    from .program import Program
    from .watcher import Watcher

INTERVAL = 0.1
"""Seconds between two looks at the files, at least."""

SHARE = 0.02
"""The share of a processor's time that looking at them may take."""

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
    :param program: how it is started.
    :param interval: seconds between two looks at the files, at most.
    """

    def __init__(
        self,
        listener: Listener,
        watcher: Watcher,
        orders: Orders,
        program: Program,
        interval: float = 1,
    ) -> None:
        self._listener = listener
        self._watcher = watcher
        self._orders = orders
        self._program = program
        self._interval = interval
        self._pass = 0.0
        self._changed: set[str] = set()
        self._is_put_off = False
        self._is_told_to_stop = False
        self._stand_in: StandIn | None = None
        self._leaving: list[Child] = []
        self._end_of_child = ""
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
        if self._child is not None and not self._child.line.is_cut:
            waited_for.append(self._child.line.sock)
        if self._stand_in is not None:
            waited_for.append(self._listener.sock)
        is_settling = self._changed and not self._is_put_off
        interval = min(self._interval, max(INTERVAL, self._pass / SHARE))
        ready = select.select(waited_for, [], [], SETTLED if is_settling else interval)[0]
        if woken in ready:
            woken.recv(64)
        if self._stand_in is not None and self._listener.sock in ready:
            self._stand_in.answer(self._listener.sock)

    def _hear(self) -> None:
        """Take in what the process says, and whether there still is one."""
        child = self._child
        if child is not None:
            for message in child.hear():
                if "root" in message:
                    self._watcher.add_root(message["root"])
                if "files" in message:
                    self._watcher.add_modules(message["files"], since=child.reported_at)
                    child.reported_at = time.time()
            if child.has_ended():
                self._mourn(child)
        self._leaving = [child for child in self._leaving if not child.is_gone()]

    def _look(self) -> None:
        """Look at the files, and replace the process once what has changed is written."""
        began = time.process_time()
        changed = self._watcher.changed()
        self._pass = time.process_time() - began
        self._changed |= set(changed)
        if not self._changed or changed:
            return
        first, more = min(self._changed), len(self._changed) - 1
        what = f"{first!r} and {more} more" if more else repr(first)
        if self._reload(what):
            self._is_put_off = False
        elif not self._is_put_off:
            self._is_put_off = True
            say(" * Detected change in %s, reloading when the breakpoint is left", what)

    # -- the process that serves -------------------------------------------------------------------------------------

    def _start(self, program: Program | None = None) -> None:
        self._stand_in = None
        self._orders.main = None if program is None else self._program.main
        self._child = Child(program or self._program, self._listener)
        self._child.go(self._orders)

    def _reload(self, what: str) -> bool:
        """Replace the process, unless somebody is at a breakpoint in it; return whether that is done.

        :param what: has changed, to be said.

        NOTE: its successor starts while it ends, but loads the application after that, when it is told to. A script is
        the user's from its first line.
        """
        child = self._child
        if child is not None and child.is_held:
            return False
        for path in self._changed:
            _forget_compiled(path)
        successor = Child(self._program, self._listener) if self._program.main is None else None
        if child is not None and not child.gives_way():
            if successor is not None:
                successor.stop(0)
                self._leaving.append(successor)
            return False
        if child is not None and not child.is_gone():
            self._leaving.append(child)
        self._changed.clear()
        self._stand_in, self._orders.main = None, None
        say(" * Detected change in %s, reloading", what)
        self._child = successor or Child(self._program, self._listener)
        self._child.go(self._orders)
        return True

    def _mourn(self, child: Child) -> None:
        """The process ended by itself."""
        child.close()
        self._child = None
        code = child.process.returncode
        if code == 0:
            # It was told to stop by somebody else, or by the application.
            self._is_told_to_stop = True
            return
        if self._orders.main is None:
            self._end_of_child = (
                f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit code {code}"
            )
            say(
                " * The application ended %s. It is started again when a file changes.",
                self._end_of_child,
                colour="31;1",
            )
            if self._program.main is not None and not child.is_serving:
                self._start(self._program.explained())
                return
        self._stand_in = StandIn(self._end_of_child)

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

    def __init__(self, program: Program, listener: Listener) -> None:
        self.is_held = False
        """Whether somebody is at a breakpoint in it."""
        self.is_serving = False
        self.reported_at = time.time()
        self._listens = False
        self._has_refused = False
        self._killed_at = float("inf")
        self._orders: Orders | None = None

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        fds = listener.sock.fileno(), theirs.fileno()
        variables = {FD_VARIABLE: str(fds[0]), control.FD_VARIABLE: str(fds[1])}
        with theirs, _ignored(signal.SIGINT):
            self.process = subprocess.Popen(program.command, env={**program.environ, **variables}, pass_fds=fds)
        self.line = control.Line(ours)

    def go(self, orders: Orders) -> None:
        """Have it load the application. What it changes of the orders is changed in them."""
        self._orders = orders
        self.line.send(**vars(orders))
        self.reported_at = time.time()

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def hear(self) -> Iterator[dict[str, t.Any]]:
        """What it says."""
        for message in self.line.receive():
            self._listens = message.get("listens", self._listens)
            self.is_held = message.get("held", self.is_held)
            self.is_serving = message.get("serving", self.is_serving)
            self._has_refused = message.get("refused", self._has_refused)
            if self._orders is not None:
                self._orders.links_used = message.get("links_used", self._orders.links_used)
            yield message

    def gives_way(self) -> bool:
        """Have it end, and wait for that a little; return whether it agrees, which at a breakpoint it does not."""
        self._has_refused = False
        if self._listens:
            self.line.send(stop=True)
        else:
            self.process.terminate()
        deadline = time.monotonic() + ENDS_WITHIN
        while not self.is_gone() and time.monotonic() < deadline:
            time.sleep(0.005)
            if self._has_refused:
                return False
        self.kill_after(FINISHES_WITHIN)
        return True

    def stop(self, within: float) -> None:
        """Tell it to end, whoever is at a breakpoint; it is killed when it has not within that many seconds."""
        self.process.terminate()
        self.kill_after(within)

    def kill_after(self, seconds: float) -> None:
        self._killed_at = min(self._killed_at, time.monotonic() + seconds)

    def is_gone(self) -> bool:
        """Whether it has ended; if it should have by now, it is killed."""
        if not self.has_ended():
            # NOTE: who does not read lets the other wait when it tells which files it has loaded.
            list(self.hear())
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
def _signals(stop: Callable[[], None]) -> Iterator[socket.socket]:
    """Call ``stop`` for the signals that end a program; the socket that is yielded becomes readable then."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # It is for who was started by nohup.
        numbers.append(signal.SIGHUP)
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
    import termios

    try:
        fd = sys.stdin.fileno()
        before = termios.tcgetattr(fd)
    except (AttributeError, OSError, ValueError, termios.error):
        # Standard input is none, or no terminal.
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
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
