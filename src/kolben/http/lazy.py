"""Attributes that are computed when somebody reads them."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

    T = t.TypeVar("T")

    class lazy(t.Generic[T]):
        # NOTE: what the class below is to its user: the value, which may also be assigned and deleted.
        def __init__(self, compute: Callable[[t.Any], T]) -> None: ...
        @t.overload
        def __get__(self, obj: None, owner: type | None = None) -> t.Self: ...
        @t.overload
        def __get__(self, obj: object, owner: type | None = None) -> T: ...
        def __get__(self, obj: object, owner: type | None = None) -> t.Any: ...
        def __set__(self, obj: object, value: T) -> None: ...
        def __delete__(self, obj: object) -> None: ...

else:

    class lazy:
        """A value computed at the first read and kept in the instance, where later reads find it without a call.

        It may be assigned and deleted like any attribute; after deletion it is computed anew.
        """

        def __init__(self, compute: Callable[[t.Any], t.Any]) -> None:
            self.compute = compute
            self.__doc__ = compute.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, obj: t.Any, owner: type | None = None) -> t.Any:
            if obj is None:
                return self
            value = obj.__dict__[self.name] = self.compute(obj)
            return value
