"""Responses of which ``get_json()`` may be called as Flask's tests do, and awaited as Quart's do."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Generator

    from werkzeug.test import TestResponse as _Response
else:
    _Response = object


class _Awaitable:
    __slots__ = ()

    def __await__(self) -> Generator[t.Any, None, t.Self]:
        return self
        yield


class AwaitableBytes(bytes, _Awaitable):
    """Bytes that may be awaited, which gives them."""


class AwaitableStr(str, _Awaitable):
    """Text that may be awaited, which gives it."""

    __slots__ = ()


class AwaitableDict(dict[str, t.Any], _Awaitable):
    """A dict that may be awaited, which gives it."""


class AwaitableList(list[t.Any], _Awaitable):
    """A list that may be awaited, which gives it."""


_KINDS: dict[type, t.Any] = {bytes: AwaitableBytes, str: AwaitableStr, dict: AwaitableDict, list: AwaitableList}


def awaitable(value: t.Any) -> t.Any:
    """The same value, which may be awaited too if it is bytes, text, a dict or a list."""
    kind = _KINDS.get(type(value))
    return value if kind is None else kind(value)


class AwaitableResponse(_Response):
    """Mixed into the response class of an asynchronous client."""

    def get_data(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The body, read to its end."""
        return awaitable(super().get_data(*args, **kwargs))

    def get_json(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The data of a JSON body."""
        return awaitable(super().get_json(*args, **kwargs))
