"""Whether somebody is at a breakpoint in this process, so that it is not replaced under them.

Nothing is patched: a debugger derived from :mod:`bdb` is seen on the stacks of the threads. At its prompt, one of its
own functions runs; while it steps, the frames that it follows have one of its methods as their trace function.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

INTERVAL = 0.2
"""Seconds between two looks at the stacks."""

_lock = threading.Lock()
_commands = 0
_watches: list[_Watch] = []


def is_live() -> bool:
    """Whether a thread is in ``pdb`` (by ``breakpoint()``, ``pdb.set_trace()``, or what derives from it), at its
    prompt or stepping, or a command of a debugger's console is running."""
    if _commands:
        return True
    bdb = sys.modules.get("bdb")
    if bdb is None:
        return False
    return any(_is_debugged(frame, bdb.Bdb) for frame in sys._current_frames().values())


def install(on_change: Callable[[bool], None]) -> Callable[[], None]:
    """Watch this process from now on.

    :param on_change: called with ``True`` when a breakpoint or a command of a console begins to hold, with ``False``
        when none does any more; from any thread, never twice in a row with the same value.
    :return: ends the watch.
    """
    watch = _Watch(on_change)
    _watches.append(watch)
    threading.Thread(target=watch.run, name="kolben-breakpoints", daemon=True).start()

    def end() -> None:
        watch.ended.set()
        with contextlib.suppress(ValueError):
            _watches.remove(watch)

    return end


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Hold the process while a console's command runs."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


class _Watch:
    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self._on_change = on_change
        self._was_live = False
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(INTERVAL):
            self.look()

    def look(self) -> None:
        with self._lock:
            now = is_live()
            if now != self._was_live and not self.ended.is_set():
                self._was_live = now
                self._on_change(now)


def _count(step: int) -> None:
    global _commands
    with _lock:
        _commands += step
    for watch in tuple(_watches):
        watch.look()


def _is_debugged(frame: FrameType | None, debugger: type) -> bool:
    while frame is not None:
        follower: t.Any = getattr(frame.f_trace, "__self__", None)
        # NOTE: told to continue, it leaves its mark on some frames; -1 is the line that it stops at never.
        if isinstance(follower, debugger) and getattr(follower, "stoplineno", 0) != -1:
            return True
        # NOTE: `self` of the debugger's own function. Only of functions with these names, for on some versions reading
        # another thread's locals is not free.
        is_prompt = frame.f_code.co_name in ("interaction", "cmdloop", "_cmdloop")
        if is_prompt and isinstance(frame.f_locals.get("self"), debugger):
            return True
        frame = frame.f_back
    return False
