"""How an error of the user's program is shown: from the user's own file on, without the command line's frames."""

from __future__ import annotations

import os
import sys
import traceback
import typing as t

import click

if t.TYPE_CHECKING:
    from types import FrameType

_OWN = os.path.dirname(os.path.dirname(__file__)) + os.sep
_CLICK = os.path.dirname(click.__file__) + os.sep


def format_crash(exc: BaseException) -> str:
    """The traceback of an error, from the first frame of the program that the command runs on.

    Complete where no frame is the program's: then the fault is Kolben's. Of a file that does not compile, the text is
    the place alone.
    """
    tb = exc.__traceback__
    while tb is not None and _is_of_command(tb.tb_frame):
        tb = tb.tb_next
    shown = tb if tb is not None or isinstance(exc, SyntaxError) else exc.__traceback__
    return "".join(traceback.format_exception(type(exc), exc, shown))


def print_crash(exc: BaseException) -> None:
    """Write :func:`format_crash` to stderr."""
    sys.stderr.write(format_crash(exc))


def _is_of_command(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    is_launcher = frame.f_globals.get("__name__") in {"__main__", "runpy"}
    return is_launcher or file.startswith((_OWN, _CLICK, "<frozen "))
