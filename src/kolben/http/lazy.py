"""Attributes that are computed when somebody reads them."""

from __future__ import annotations

import typing as t

from werkzeug.wrappers import Request as WerkzeugRequest

from ..globals import get_current

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .request import Request

    T = t.TypeVar("T")

    class lazy(t.Generic[T]):
        # NOTE: what the class below is to its user: the value, which may also be assigned and deleted.
        is_overridden: bool

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

        :ivar is_overridden: whether a subclass has a property of this name, which asks for this value by ``super()``:
            what is stored under the name is then the property's business.
        """

        def __init__(self, compute: Callable[[t.Any], t.Any]) -> None:
            self.compute = compute
            self.is_overridden = False
            self.__doc__ = compute.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, obj: t.Any, owner: type | None = None) -> t.Any:
            if obj is None:
                return self
            if self.is_overridden:
                kept = obj.__dict__
                if self.name not in kept:
                    kept[self.name] = self.compute(obj)
                return kept[self.name]
            # PERF: benchmarks/inprocess.py, kind "query": an instance whose dict nobody asks for has none.
            compute = self.compute
            setattr(obj, self.name, value := compute(obj))
            return value


def name_attributes(cls: type, *names: str) -> None:
    """Tell a class what most of its instances will have, and what is lazy which properties stand in for it there.

    CPython keeps an instance without a dict as long as its attributes are among those, thirty at most, that the first
    instances of its class had.
    """
    for base in cls.__mro__[1:]:
        for name, attribute in vars(base).items():
            if isinstance(attribute, lazy) and hasattr(getattr(cls, name, None), "__set__"):
                attribute.is_overridden = True
    try:
        first: t.Any = object.__new__(cls)
    except TypeError:
        return  # NOTE: another base in C makes its instances, which are laid out its way.
    for name in names:
        if not hasattr(getattr(cls, name, None), "__set__"):
            object.__setattr__(first, name, None)


class Limit:
    """A limit that may be set for one request, and is the application's otherwise.

    :param setting: its name among the application's settings.
    """

    def __init__(self, setting: str) -> None:
        self.setting = setting

    @t.overload
    def __get__(self, request: None, owner: type) -> Limit: ...
    @t.overload
    def __get__(self, request: Request, owner: type) -> int | None: ...
    def __get__(self, request: Request | None, owner: type) -> Limit | int | None:
        return self if request is None else request._limits_now()[self.setting]

    def __set__(self, request: Request, value: int | None) -> None:
        limits = request._limits
        if limits is None:
            limits = request._limits = OwnLimits()
        limits[self.setting] = value
        if value is None:
            del limits[self.setting]


class OwnLimits(dict[str, "int | None"]):
    """The limits that were set for one request; the others are the application's."""

    def __missing__(self, setting: str) -> int | None:
        ctx = get_current(None)
        limits: t.Mapping[str, int | None] = WITHOUT_APP if ctx is None else ctx.app.config
        return limits[setting]


WITHOUT_APP: t.Final = {
    "MAX_CONTENT_LENGTH": WerkzeugRequest.max_content_length,
    "MAX_FORM_MEMORY_SIZE": WerkzeugRequest.max_form_memory_size,
    "MAX_FORM_PARTS": WerkzeugRequest.max_form_parts,
}
"""The limits of a request that belongs to no application: Werkzeug's."""
