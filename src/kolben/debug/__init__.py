"""What helps while an application is being written, and is never loaded in production."""

from __future__ import annotations

from .debugger import Debugger as Debugger
from .debugger import failing as failing
from .debugger import render_error as render_error
from .debugger import static_file as static_file

__all__ = ["Debugger", "failing", "render_error", "static_file"]
