"""Counting calls: the deterministic stand-in for timing."""

from __future__ import annotations

import contextlib
import gc
import pathlib
import sys
import threading
import typing as t

if t.TYPE_CHECKING:
    import types
    from collections.abc import Iterator

# The argument of a RESUME instruction: its two lowest bits say where it stands, and zero is a function's start.
_WHERE = 0b11


class CallCounter:
    """Notes Python-level calls, one a frame: what `sys.setprofile` reports as "call", but for resumed generators.

    Calls of functions written in C are not noted, nor are the frames of files whose name starts with one of
    `left_out`, which is how a driver leaves itself out.
    """

    def __init__(self, *left_out: str) -> None:
        self.recording = False
        self.calls: list[str] = []
        self._left_out = (__file__, *left_out)

    def __call__(self, frame: types.FrameType, event: str, arg: object) -> None:
        code = frame.f_code
        if event != "call" or not self.recording or code.co_filename.startswith(self._left_out):
            return
        if code.co_code[frame.f_lasti + 1] & _WHERE == 0:
            self.calls.append(f"{'/'.join(pathlib.PurePath(code.co_filename).parts[-2:])} {code.co_qualname}")

    @contextlib.contextmanager
    def installed(self) -> Iterator[CallCounter]:
        """Profiles this thread, and those that start meanwhile; nothing is noted before :attr:`recording` is set.

        The garbage collector rests meanwhile: what it finalizes are other tests' leavings.
        """
        before, collects = sys.getprofile(), gc.isenabled()
        gc.disable()
        threading.setprofile(self)
        sys.setprofile(self)
        try:
            yield self
        finally:
            self.recording = False
            sys.setprofile(before)
            threading.setprofile(None)
            if collects:
                gc.enable()
