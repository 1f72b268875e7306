"""What was read of a request, to be used as it is or awaited first, as code written for Quart does."""

from __future__ import annotations

import typing as t

from werkzeug.datastructures import CombinedMultiDict

if t.TYPE_CHECKING:
    from collections.abc import Generator


class Awaitable:
    """``await`` gives the object itself."""

    __slots__ = ()

    def __await__(self) -> Generator[t.Any, None, t.Self]:
        return self
        yield


class AwaitableBytes(bytes, Awaitable):
    """Bytes that may be awaited, which gives them."""


class AwaitableStr(str, Awaitable):
    """Text that may be awaited, which gives it."""

    __slots__ = ()


class AwaitableDict(dict[str, t.Any], Awaitable):
    """A dict that may be awaited, which gives it."""


class AwaitableList(list[t.Any], Awaitable):
    """A list that may be awaited, which gives it."""


class Values(CombinedMultiDict[str, str], Awaitable):  # type: ignore[misc]  # as Werkzeug's own class is
    """``request.values``."""


_KINDS: dict[type, t.Any] = {bytes: AwaitableBytes, str: AwaitableStr, dict: AwaitableDict, list: AwaitableList}


def awaitable(value: t.Any) -> t.Any:
    """The same value, which may be awaited too if it is bytes, text, a dict or a list."""
    kind = _KINDS.get(type(value))
    return value if kind is None else kind(value)
