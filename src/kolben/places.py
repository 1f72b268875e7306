"""Where functions stand, for messages that name the user's own file and line."""

from __future__ import annotations

import functools
import inspect
import os
import typing as t


def function_place(func: t.Any) -> tuple[str, int] | None:
    """The file and the line of a function, below its decorators; of a class for its view. ``None`` if there is none."""
    code: t.Any = getattr(_innermost(func), "__code__", None)
    if code is not None and getattr(func, "view_class", None) is None:
        return code.co_filename, code.co_firstlineno
    cls = getattr(func, "view_class", None) or (func if isinstance(func, type) else type(func))
    try:
        return inspect.getfile(cls), inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return None


def function_name(func: t.Any) -> str:
    """The name of a function with its module's: ``shop.views.index``."""
    inner = getattr(func, "view_class", None) or _innermost(func)
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return f"{getattr(inner, '__module__', None) or '?'}.{name}"


def short_path(path: str) -> str:
    """The path from the current folder on, if it is below that."""
    return path.removeprefix(os.getcwd() + os.sep)


def describe_function(func: t.Any) -> str:
    """``'name' ('file', line n)``."""
    name = getattr(func, "__name__", None) or type(func).__name__
    place = function_place(func)
    return f"{name!r}" if place is None else f"{name!r} ('{short_path(place[0])}', line {place[1]})"


def _innermost(func: t.Any) -> t.Any:
    while True:
        if isinstance(func, functools.partial):
            func = func.func
        elif inspect.ismethod(func):
            func = func.__func__
        elif hasattr(func, "__wrapped__"):
            func = inspect.unwrap(func)
        else:
            return func
