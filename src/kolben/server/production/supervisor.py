"""The parent process of ``kolben serve``: it holds the sockets, starts workers, replaces them, and ends them.

It knows nothing of the application. A worker is the command that started this process, started again, with an
environment that says so: what it finds, reads and imports is what there is by then.
"""

from __future__ import annotations

import logging
import math
import selectors
import signal
import socket
import time
import typing as t

from ..supervision import DEAF, READY, REPLACE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..listener import Listener
    from .child import Child

logger = logging.getLogger("kolben.server")

SETTLED_AFTER = 5.0
"""Seconds after which a worker that was ready has proven itself: if it dies, it is replaced at once."""

LONGEST_PAUSE = 8.0
"""Seconds between two attempts, at most. Who is connected to the slot of the missing worker waits for as long."""

FAILURES = 5
"""After so many in a row, with no worker left, the server gives up."""

KILLED_AFTER = 7.0
"""Seconds beyond the time of grace after which a worker that has not ended is killed."""

_SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP]


class Supervisor:
    """Keeps a worker alive for each slot.

    :param slots: the sockets of each worker, open; what is waiting at them outlives every worker.
    :param grace: seconds that requests under way have once a worker was told to stop.
    :param linger: seconds that workers go on to answer who is connected already.
    :param start: starts a worker of a generation for a slot.
    """

    def __init__(
        self,
        slots: Sequence[Sequence[Listener]],
        grace: float,
        linger: float,
        start: Callable[[int, int], Child],
    ) -> None:
        self._listeners = {listener for slot in slots for listener in slot}
        self._slots = range(len(slots))
        self._grace = grace
        self._linger = linger
        self._start = start
        self._children: list[Child] = []
        self._generation = 1
        self._proven = 0
        """The last generation of which a worker was ready. There is one worker of the next until it is."""
        self._reload_again = False
        self._failures = 0
        self._not_before = 0.0
        self._stopping_since: float | None = None
        self._exit_code = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code: 0, if every worker finished its requests."""
        wake = self._listen_to_signals()
        while True:
            self._balance()
            if self._stopping_since is not None and not self._children:
                return self._exit_code
            for key, _ in self._selector.select(self._pause()):
                if key.fileobj is wake:
                    for number in wake.recv(4096):
                        self._handle(signal.Signals(number))
                else:
                    self._listen(key.data)
            self._reap()

    def _listen_to_signals(self) -> socket.socket:
        wake, writer = socket.socketpair()
        wake.setblocking(False)
        writer.setblocking(False)
        self._writer = writer
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._selector.register(wake, selectors.EVENT_READ)
        return wake

    def _handle(self, number: signal.Signals) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._stop(number)
        elif number == signal.SIGHUP and self._stopping_since is None:
            self._reload()

    # -- workers -----------------------------------------------------------------------------------------------------

    def _balance(self) -> None:
        """Start the workers that are missing, and retire those that have successors."""
        now = time.monotonic()
        for child in self._children:
            if child.kill_at is not None and now >= child.kill_at:
                logger.warning("Worker %d did not end in time, and is killed.", child.pid)
                child.kill()
        if self._stopping_since is not None:
            self._refuse(now)
            return
        fresh = {child.slot: child for child in self._children if self._is_fresh(child)}
        if now >= self._not_before:
            for slot in self._slots if self._proven == self._generation else self._slots[:1]:
                if slot not in fresh:
                    self._add(slot)
        for child in self._children:
            successor = fresh.get(child.slot, child)
            if child.is_serving and successor is not child and successor.is_ready:
                child.retire(self._grace + KILLED_AFTER)

    def _is_fresh(self, child: Child) -> bool:
        return child.generation == self._generation and not child.is_leaving and child.kill_at is None

    def _add(self, slot: int) -> None:
        child = self._start(self._generation, slot)
        self._children.append(child)
        self._selector.register(child.lines.sock, selectors.EVENT_READ, child)

    def _listen(self, child: Child) -> None:
        lines = child.lines.receive()
        if lines is None:
            self._selector.unregister(child.lines.sock)
            return
        for line in lines:
            word, _, reason = line.partition(" ")
            if word == READY:
                self._note_ready(child)
            elif word == DEAF:
                child.is_deaf = True
            elif word == REPLACE and not child.is_leaving:
                logger.info("Worker %d is to be replaced: %s.", child.pid, reason)
                child.is_leaving = True

    def _note_ready(self, child: Child) -> None:
        child.ready_at = time.monotonic()
        if child.generation > self._proven:
            self._proven = child.generation
            if self._proven > 1:
                logger.info("The new code has started, and replaces the old.")
        logger.info("Worker %d is ready.", child.pid)
        if self._reload_again and child.generation == self._generation:
            self._reload_again = False
            self._reload()

    def _reap(self) -> None:
        for child in list(self._children):
            code = child.poll()
            if code is not None:
                self._children.remove(child)
                if child.lines.sock in self._selector.get_map():
                    self._selector.unregister(child.lines.sock)
                child.lines.sock.close()
                self._note_end(child, code)

    def _note_end(self, child: Child, code: int) -> None:
        if child.kill_at is not None or self._stopping_since is not None:
            if code and child.is_ready and self._stopping_since is not None:
                self._exit_code = self._exit_code or 1
            return
        ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if child.is_ready:
            logger.error("Worker %d %s.", child.pid, ended)
        elif self._proven == 0:
            # NOTE: why, the worker has said itself.
            self._exit_code = code if code > 0 else 1
            self._stop(None)
            return
        elif child.generation > self._proven:
            logger.error("The new code does not start: worker %d %s. The old workers go on.", child.pid, ended)
            self._generation = self._proven
            if self._reload_again:
                self._reload_again = False
                self._reload()
            return
        else:
            logger.error("Worker %d %s before it was ready.", child.pid, ended)
        self._back_off(child)

    def _back_off(self, child: Child) -> None:
        now = time.monotonic()
        if child.ready_at is not None and now - child.ready_at >= SETTLED_AFTER:
            self._failures = 0
        self._failures += 1
        if self._failures >= FAILURES and not any(child.is_ready for child in self._children):
            logger.critical("%d workers in a row have failed, and none is left. The server ends.", self._failures)
            self._exit_code = 1
            self._stop(None)
        elif self._failures > 1:
            pause = min(2.0 ** (self._failures - 2), LONGEST_PAUSE)
            logger.warning("The next worker is started in %g second%s.", pause, "s" * (pause != 1))
            self._not_before = now + pause

    # -- the whole server --------------------------------------------------------------------------------------------

    def _reload(self) -> None:
        if self._generation != self._proven:
            self._reload_again = self._proven > 0
            return
        logger.info("SIGHUP: a worker is started from the code as it is now.")
        self._generation = self._proven + 1
        self._failures = 0
        self._not_before = 0.0

    def _stop(self, number: signal.Signals | None) -> None:
        now = time.monotonic()
        if self._stopping_since is None:
            if number is not None:
                logger.info("%s: the requests under way are finished.", number.name)
            self._stopping_since = now
            for child in self._children:
                child.stop(self._grace + KILLED_AFTER)
        elif now - self._stopping_since > 0.5:
            logger.warning("Told again to stop: the requests under way are cut off.")
            for child in self._children:
                child.stop(KILLED_AFTER, again=True)

    def _refuse(self, now: float) -> None:
        """Have connections refused where no worker accepts any more: whoever comes knows it at once.

        NOTE: not before, for Granian does not get over a socket that fails while it accepts from it.
        """
        assert self._stopping_since is not None
        accepting = [child.listeners for child in self._children if child.is_ready and not child.is_deaf]
        for listener in self._listeners:
            if not any(listener in listeners for listeners in accepting):
                listener.refuse()
            elif now >= self._stopping_since + self._linger:
                listener.discourage()

    def _pause(self) -> float | None:
        """Seconds until there is something to do that nobody says."""
        now = time.monotonic()
        deadlines = (child.kill_at for child in self._children)
        times = [deadline for deadline in deadlines if deadline is not None and deadline != math.inf]
        if self._not_before > now:
            times.append(self._not_before)
        if self._stopping_since is not None:
            times.append(now + 0.05)
        return max(0.0, min(times) - now) if times else None
