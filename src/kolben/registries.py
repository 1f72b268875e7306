"""Registries that tell when they change: what was compiled from them is compiled anew.

Applications and extensions write to ``app.view_functions``, ``app.after_request_funcs[None]`` and the like directly,
also when requests were answered already.
"""

from __future__ import annotations

import typing as t
from collections import defaultdict
from functools import update_wrapper
from weakref import WeakMethod

if t.TYPE_CHECKING:
    from collections.abc import Callable

T = t.TypeVar("T")


def watched(registry: T, on_change: Callable[[], None]) -> T:
    """The registry, a dict or list with dicts and lists in it, as one that calls ``on_change`` when it is written to.

    :param on_change: a method, of which only a weak reference is kept.
    """
    method = WeakMethod(on_change)

    def notify() -> None:
        call = method()
        if call is not None:
            call()

    return t.cast(T, _watch(registry, notify))


def _watch(value: t.Any, notify: Callable[[], None]) -> t.Any:
    if type(value) is list:
        return WatchedList(value, notify)
    if type(value) in {dict, defaultdict}:
        return WatchedDict(value, notify)
    return value


def _telling(method: Callable[..., t.Any]) -> Callable[..., t.Any]:
    """The method of a built-in type, telling of its change."""

    def call(self: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return method(self, *args, **kwargs)
        finally:
            self._notify()

    return update_wrapper(call, method)


class WatchedList(list[t.Any]):
    """A list that calls ``notify`` when it is changed."""

    __slots__ = ("_notify",)

    def __init__(self, values: t.Iterable[t.Any], notify: Callable[[], None]) -> None:
        super().__init__(values)
        self._notify = notify

    def __reduce__(self) -> tuple[t.Any, ...]:
        return list, (list(self),)

    if not t.TYPE_CHECKING:
        append = _telling(list.append)
        extend = _telling(list.extend)
        insert = _telling(list.insert)
        remove = _telling(list.remove)
        pop = _telling(list.pop)
        clear = _telling(list.clear)
        sort = _telling(list.sort)
        reverse = _telling(list.reverse)
        __setitem__ = _telling(list.__setitem__)
        __delitem__ = _telling(list.__delitem__)
        __iadd__ = _telling(list.__iadd__)
        __imul__ = _telling(list.__imul__)


class WatchedDict(defaultdict[t.Any, t.Any]):
    """A dict that calls ``notify`` when it is changed, with lists and dicts in it that do too.

    A key that is missing gets what the dict that it was made of would have given it, if that was a ``defaultdict``.
    """

    def __init__(self, values: dict[t.Any, t.Any], notify: Callable[[], None]) -> None:
        super().__init__(getattr(values, "default_factory", None))
        self._notify = notify
        for key, value in values.items():
            super().__setitem__(key, _watch(value, notify))

    def __missing__(self, key: t.Any) -> t.Any:
        if self.default_factory is None:
            raise KeyError(key)
        value = _watch(self.default_factory(), self._notify)
        # NOTE: what is empty changes nothing that was compiled.
        dict.__setitem__(self, key, value)
        return value

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        super().__setitem__(key, _watch(value, self._notify))
        self._notify()

    def setdefault(self, key: t.Any, default: t.Any = None, /) -> t.Any:
        """The value of ``key``, set to ``default`` first if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Take over the items of a dict, of pairs, of keywords."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: t.Any) -> t.Self:  # type: ignore[misc]  # dict overloads it
        self.update(other)
        return self

    def __reduce__(self) -> tuple[t.Any, ...]:
        return dict, (dict(self),)

    if not t.TYPE_CHECKING:
        __delitem__ = _telling(dict.__delitem__)
        pop = _telling(dict.pop)
        popitem = _telling(dict.popitem)
        clear = _telling(dict.clear)
