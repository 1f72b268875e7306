"""Whether somebody is at a breakpoint in this process, so that it is not replaced under them."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable


def install(on_change: Callable[[bool], None]) -> None:
    """Watch this process from now on.

    :param on_change: called with ``True`` when a breakpoint or a command of a console begins to hold, with ``False``
        when none does any more; from any thread, never twice in a row with the same value.
    """


def is_live() -> bool:
    """Whether a thread is in ``pdb`` (by ``breakpoint()``, ``pdb.set_trace()``, or what derives from it), at its
    prompt or stepping, or a command of a debugger's console is running."""
    return False
