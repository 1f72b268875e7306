"""A warning for who keeps the event loop waiting: while one view computes or blocks there, nothing else is served."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import typing as t

from ...debug import breakpoints

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

AFTER = 0.5
"""Seconds for which the loop may stand still."""

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = (_OWN, sys.base_prefix + os.sep, sys.base_exec_prefix + os.sep)


class LoopWatch:
    """Watches a loop from a thread of its own, and tells where it stands still, once for each place.

    :param loop: the loop, which runs in the thread that calls this.
    :param tell: takes the text of a warning.
    :param after: seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[str], None], after: float = AFTER) -> None:
        self._loop = loop
        self._tell = tell
        self._after = after
        self._thread_id = threading.get_ident()
        self._told: set[tuple[str, str]] = set()
        threading.Thread(target=self._run, name="kolben-loop-watch", daemon=True).start()

    def _run(self) -> None:
        beat = threading.Event()
        while True:
            try:
                self._loop.call_soon_threadsafe(beat.set)
            except RuntimeError:
                # It is closed.
                return
            if not beat.wait(self._after):
                self._report()
                beat.wait()
            beat.clear()
            beat.wait(self._after)

    def _report(self) -> None:
        frame = next(_frames_of_the_user(sys._current_frames().get(self._thread_id)), None)
        if frame is None or breakpoints.is_live():
            return
        name, path, line = frame.f_code.co_qualname, frame.f_code.co_filename, frame.f_lineno
        if (name, path) not in self._told:
            self._told.add((name, path))
            self._tell(
                f"'{name}' ({os.path.relpath(path)}, line {line}) keeps the event loop for more than {self._after} s;"
                " nothing else is served meanwhile. Await what takes long, call it by 'await asyncio.to_thread()', or"
                " make the view a plain function, which runs in a thread."
            )


def _frames_of_the_user(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames, innermost first, of the callback that a loop is running that are neither Python's nor installed."""
    run_callback = asyncio.events.Handle._run.__code__
    while frame is not None and frame.f_code is not run_callback:
        path = frame.f_code.co_filename
        if os.path.isfile(path) and not path.startswith(_INSTALLED) and f"{os.sep}site-packages{os.sep}" not in path:
            yield frame
        frame = frame.f_back
