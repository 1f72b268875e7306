"""What helps while an application is being written, and is never loaded in production."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .debugger import Debugger as Debugger
    from .debugger import failing as failing
    from .debugger import render_error as render_error
    from .debugger import static_file as static_file

__all__ = ["Debugger", "failing", "render_error", "static_file"]


def __getattr__(name: str) -> t.Any:
    # NOTE: debug mode under any server imports `debug.forms`, and needs nothing of the debugger.
    if name in __all__:
        from . import debugger

        return getattr(debugger, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
