"""The two kinds of function, and the mixes of them."""

from __future__ import annotations

import functools
import typing as t

F = t.TypeVar("F", bound="t.Callable[..., t.Any]")


class Kind(t.Protocol):
    """A decorator that leaves a function as it is, or makes it async; see `view_kind` in conftest.py."""

    def __call__(self, fn: F, /) -> F: ...


def as_sync(fn: F) -> F:
    return fn


def as_async(fn: F) -> F:
    @functools.wraps(fn)
    async def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return fn(*args, **kwargs)

    return t.cast("F", call)


KINDS = {"sync": as_sync, "async": as_async}
