"""Tagged JSON: a serializer that brings back tuples, bytes, dates and more as they were. Sessions are stored in it.

A value that is none of JSON's types is written as an object with one key, its tag. To add a type, write a tag for it
and register it; ``index=0`` where another tag would take its values::

    class TagOrderedDict(JSONTag):
        __slots__ = ()
        key = " od"

        def check(self, value):
            return isinstance(value, OrderedDict)

        def to_json(self, value):
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value):
            return OrderedDict(value)

    app.session_interface.serializer.register(TagOrderedDict, index=0)
"""

from __future__ import annotations

import typing as t
from base64 import b64decode, b64encode
from datetime import datetime
from uuid import UUID

import msgspec
from markupsafe import Markup
from werkzeug.http import http_date, parse_date

from . import dumps, loads
from .provider import stdlib_loads


class TaggedJSONSerializer:
    """Writes and reads tagged JSON: JSON's types and dict, tuple, bytes, Markup, UUID and datetime."""

    __slots__ = ("order", "tags")

    #: The tags that an instance starts with, in the order in which they are asked.
    default_tags: t.ClassVar[list[type[JSONTag]]]

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a tag.

        :param force: replace a tag of the same key.
        :param index: where to put it in the order; at the end unless given.
        :raises KeyError: there is a tag of the same key, and ``force`` is not given.
        """
        tag = tag_class(self)
        if tag.key:
            if tag.key in self.tags and not force:
                raise KeyError(f"Tag '{tag.key}' is already registered.")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: t.Any) -> t.Any:
        """Return the value, or, if a tag takes it, what stands for it in JSON."""
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, t.Any]) -> t.Any:
        """Return what a tagged dict stands for, or the dict if it is not tagged."""
        if len(value) != 1:
            return value
        key = next(iter(value))
        if key not in self.tags:
            return value
        return self.tags[key].to_python(value[key])

    def dumps(self, value: t.Any) -> str:
        """Write a value as tagged JSON on one line."""
        if len(self.order) == _KNOWN_TAGS and type(self) is TaggedJSONSerializer:
            # PERF: benchmarks/sessions.py. What has ordinary types all the way down asks no tag, and no provider.
            try:
                return _encode(self._tagged(value)).decode()
            except (_UnknownType, UnicodeEncodeError):
                pass
        return dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str) -> t.Any:
        """Read tagged JSON."""
        try:
            data = loads(value)
        except ValueError:
            # NOTE: NaN and halves of surrogate pairs, which a provider may write and another one may refuse.
            data = stdlib_loads(value)
        # PERF: benchmarks/sessions.py. A text without a key that begins with a blank has none of the known tags.
        if (
            '" ' not in value
            and "\\u" not in value
            and len(self.tags) == _KNOWN_KEYS
            and type(self) is TaggedJSONSerializer
        ):
            return data
        return self._untag_scan(data)

    def _tagged(self, value: t.Any) -> t.Any:
        """:meth:`tag` for ordinary types.

        :raises _UnknownType: there is another one, or a dict that could be taken for a tagged value.
        """
        kind = type(value)
        if kind in _PLAIN_VALUES:
            return value
        if kind is dict:
            if not _PLAIN_KEYS.issuperset(map(type, value)) or (len(value) == 1 and next(iter(value)) in self.tags):
                raise _UnknownType
            made: t.Any = value
            for key, item in value.items():
                if type(item) not in _PLAIN_VALUES:
                    made = value.copy() if made is value else made
                    made[key] = self._tagged(item)
            return made
        if kind is list or kind is tuple:
            made = list(value)
            for at, item in enumerate(value):
                if type(item) not in _PLAIN_VALUES:
                    made[at] = self._tagged(item)
            return made if kind is list else {" t": made}
        raise _UnknownType

    def _untag_scan(self, value: t.Any) -> t.Any:
        # PERF: benchmarks/sessions.py. What was read is nobody else's: it is changed where it stands.
        if isinstance(value, dict):
            for key, item in value.items():
                if type(item) not in _SCALARS:
                    value[key] = self._untag_scan(item)
            return self.untag(value)
        if isinstance(value, list):
            for at, item in enumerate(value):
                if type(item) not in _SCALARS:
                    value[at] = self._untag_scan(item)
        return value


class _UnknownType(Exception):
    pass


class JSONTag:
    """A type that :class:`TaggedJSONSerializer` can write and read; to be subclassed."""

    __slots__ = ("serializer",)

    #: What marks a value of this type. Empty for a tag that only passes its values on.
    key: str = ""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: t.Any) -> bool:
        """Tell whether this tag takes the value."""
        raise NotImplementedError

    def to_json(self, value: t.Any) -> t.Any:
        """Turn the value into one of JSON's types; the tag is put around it afterwards."""
        raise NotImplementedError

    def to_python(self, value: t.Any) -> t.Any:
        """Turn what :meth:`to_json` gave back into the value; the tag has been taken off."""
        raise NotImplementedError

    def tag(self, value: t.Any) -> t.Any:
        """Turn the value into one of JSON's types with the tag around it."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """Dicts of one item whose key is a tag: ``__`` is written behind the key, so that it is not taken for one."""

    __slots__ = ()
    key = " di"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: t.Any) -> t.Any:
        key = next(iter(value))
        return {f"{key}__": self.serializer.tag(value[key])}

    def to_python(self, value: t.Any) -> t.Any:
        key = next(iter(value))
        return {key[:-2]: value[key]}


class PassDict(JSONTag):
    """Any other dict. Its keys are strings in JSON, so they are not tagged."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        return isinstance(value, dict)

    def to_json(self, value: t.Any) -> t.Any:
        return {key: self.serializer.tag(item) for key, item in value.items()}

    tag = to_json


class TagTuple(JSONTag):
    """Tuples, as arrays."""

    __slots__ = ()
    key = " t"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, tuple)

    def to_json(self, value: t.Any) -> t.Any:
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: t.Any) -> t.Any:
        return tuple(value)


class PassList(JSONTag):
    """Lists."""

    __slots__ = ()

    def check(self, value: t.Any) -> bool:
        return isinstance(value, list)

    def to_json(self, value: t.Any) -> t.Any:
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagBytes(JSONTag):
    """Bytes, in base64."""

    __slots__ = ()
    key = " b"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, bytes)

    def to_json(self, value: t.Any) -> t.Any:
        return b64encode(value).decode("ascii")

    def to_python(self, value: t.Any) -> t.Any:
        return b64decode(value)


class TagMarkup(JSONTag):
    """Whatever has an ``__html__`` method; it comes back as :class:`~markupsafe.Markup`."""

    __slots__ = ()
    key = " m"

    def check(self, value: t.Any) -> bool:
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: t.Any) -> t.Any:
        return str(value.__html__())

    def to_python(self, value: t.Any) -> t.Any:
        return Markup(value)


class TagUUID(JSONTag):
    """UUIDs, in hexadecimal."""

    __slots__ = ()
    key = " u"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, UUID)

    def to_json(self, value: t.Any) -> t.Any:
        return value.hex

    def to_python(self, value: t.Any) -> t.Any:
        return UUID(value)


class TagDateTime(JSONTag):
    """Dates with a time, as HTTP dates: whole seconds, in UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: t.Any) -> bool:
        return isinstance(value, datetime)

    def to_json(self, value: t.Any) -> t.Any:
        return http_date(value)

    def to_python(self, value: t.Any) -> t.Any:
        return parse_date(value)


TaggedJSONSerializer.default_tags = [
    TagDict,
    PassDict,
    TagTuple,
    PassList,
    TagBytes,
    TagMarkup,
    TagUUID,
    TagDateTime,
]
_KNOWN_TAGS = len(TaggedJSONSerializer.default_tags)
_KNOWN_KEYS = sum(bool(tag.key) for tag in TaggedJSONSerializer.default_tags)

_SCALARS = frozenset({str, int, float, bool, type(None)})
_PLAIN_KEYS = frozenset({str})
# NOTE: float is left out, because a provider may write NaN, and msgspec does not.
_PLAIN_VALUES = _SCALARS - {float}

# NOTE: sorted, so that the same session gives the same cookie whoever wrote it.
_encode = msgspec.json.Encoder(order="sorted").encode
