"""How much work a call is, counted: lines of Python that run."""

from __future__ import annotations

import sys
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


@pytest.fixture
def count_lines() -> Callable[..., int]:
    """`count_lines(fn, *args)`: how many lines one call of `fn` runs, whatever it raises."""

    def count(fn: Callable[..., t.Any], *args: t.Any) -> int:
        lines = 0

        def trace(frame: FrameType, event: str, arg: t.Any) -> t.Any:
            nonlocal lines
            lines += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            fn(*args)
        except Exception:
            lines += 1
        finally:
            sys.settrace(before)
        return lines

    return count
