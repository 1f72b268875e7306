"""Werkzeug's converters, which users subclass, and which of their conversions the compiled code may do by itself.

A conversion is only taken over if it is the very method that Werkzeug wrote; whatever a subclass, or an instance,
overrides is called.
"""

from __future__ import annotations

import typing as t

from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from werkzeug.routing.converters import NumberConverter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "AnyConverter",
    "BaseConverter",
    "FloatConverter",
    "IntegerConverter",
    "PathConverter",
    "UUIDConverter",
    "UnicodeConverter",
    "ValidationError",
    "reading",
    "writing",
]

#: How a converter makes a Python value of text: its method is called, or the compiled code does the same inline.
Reading = t.Literal["call", "float", "int", "keep", "uuid"]
#: How a converter makes text of a Python value.
Writing = t.Literal["call", "float", "int", "quote", "str"]


def reading(converter: BaseConverter) -> Reading:
    """Say how *converter* reads a value."""
    method = _function(converter.to_python)
    if method is BaseConverter.to_python:
        return "keep"
    if method is UUIDConverter.to_python:
        return "uuid"
    if method is NumberConverter.to_python and _is_unlimited(converter):
        return _NUMBERS.get(getattr(converter, "num_convert", None), "call")
    return "call"


def writing(converter: BaseConverter) -> Writing:
    """Say how *converter* writes a value."""
    method = _function(converter.to_url)
    if method is BaseConverter.to_url:
        return "quote"
    if method is UUIDConverter.to_url:
        return "str"
    if method is NumberConverter.to_url and not getattr(converter, "fixed_digits", 0):
        return _NUMBERS.get(getattr(converter, "num_convert", None), "call")
    return "call"


_NUMBERS: Mapping[t.Any, t.Literal["int", "float"]] = {int: "int", float: "float"}


def _function(method: Callable[..., t.Any]) -> object:
    return getattr(method, "__func__", None)


def _is_unlimited(converter: BaseConverter) -> bool:
    limits = [getattr(converter, name, "unknown") for name in ("min", "max", "fixed_digits")]
    return limits == [None, None, 0]
