"""How an application reads and writes JSON: providers, of which the application has one as ``app.json``."""

from __future__ import annotations

import dataclasses
import decimal
import json
import marshal
import typing as t
import uuid
import weakref
from datetime import date
from functools import partial

import msgspec
from werkzeug.http import http_date

from . import nesting

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..app import Kolben
    from ..http.response import Response


class JSONProvider:
    """The JSON operations of an application. To use another library, subclass this and write at least :meth:`dumps`
    and :meth:`loads`; then set ``app.json = MyProvider(app)``, or ``json_provider_class`` on a subclass of the
    application.

    :param app: the application; a weak proxy of it is kept as ``_app``.
    """

    def __init__(self, app: Kolben) -> None:
        self._app = t.cast("Kolben", weakref.proxy(app))

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Write a value as JSON. The keywords are the library's."""
        raise NotImplementedError

    def dump(self, obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
        """Write a value as JSON to a file opened for text in UTF-8."""
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Read JSON from text or UTF-8 bytes. The keywords are the library's.

        :raises ValueError: it is not JSON; a request with such a body is answered with 400.
        """
        raise NotImplementedError

    def load(self, fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
        """Read JSON from a file opened for text or for UTF-8 bytes."""
        return self.loads(fp.read(), **kwargs)

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Make the response that :func:`kolben.json.jsonify` returns.

        :param args: the value; several are written as a list, none as ``null``.
        :param kwargs: the items of a dict, instead of a value.
        """
        obj = self._prepare_response_obj(args, kwargs)
        return self._app.response_class(self.dumps(obj), mimetype="application/json")

    def _prepare_response_obj(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
        if args and kwargs:
            raise TypeError("app.json.response() takes either args or kwargs, not both")
        if len(args) == 1:
            return args[0]
        return args or kwargs or None


def _default(o: t.Any) -> t.Any:
    if isinstance(o, date):
        return http_date(o)
    if isinstance(o, decimal.Decimal | uuid.UUID):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    html = getattr(o, "__html__", None)
    if html is not None:
        return str(html())
    if isinstance(o, msgspec.Struct):
        return msgspec.to_builtins(o, enc_hook=_default)
    raise TypeError(
        f"Object of type {type(o).__name__} is not JSON serializable. Convert it before it is returned, or set"
        " 'app.json.default' to a function that converts values of this type."
    )


class StdlibJSONProvider(JSONProvider):
    """JSON by the standard library, byte for byte what Flask writes.

    Beyond JSON's own types it writes dates as HTTP dates, :class:`decimal.Decimal` and :class:`uuid.UUID` as strings,
    dataclasses as objects, and what has an ``__html__`` method as the string that it returns.
    """

    default: Callable[[t.Any], t.Any] = staticmethod(_default)
    """Called with each value that is of none of JSON's types; returns one that is, or raises ``TypeError``."""

    ensure_ascii = True
    """Write characters beyond ASCII as escapes."""

    sort_keys = True
    """Sort the keys of dicts, which must all be strings then."""

    compact: bool | None = None
    """Write responses on one line without spaces: ``True``; indented: ``False``; indented in debug mode: ``None``."""

    mimetype = "application/json"
    """The content type of responses."""

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Write a value as JSON. The keywords are those of :func:`json.dumps`."""
        kwargs.setdefault("default", self.default)
        kwargs.setdefault("ensure_ascii", self.ensure_ascii)
        kwargs.setdefault("sort_keys", self.sort_keys)
        return json.dumps(obj, **kwargs)

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Read JSON from text or UTF-8 bytes. The keywords are those of :func:`json.loads`.

        :raises ValueError: it is not JSON, or nested too deeply.
        """
        return stdlib_loads(s, **kwargs)

    def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
        """Make a response of a value, of several as a list, or of keywords as a dict; it ends with a line feed."""
        body = self.dump_body(self._prepare_response_obj(args, kwargs))
        return self._app.response_class(body, mimetype=self.mimetype)

    @property
    def responds_plainly(self) -> bool:
        """Whether a response is :meth:`dump_body` and the :attr:`mimetype`, and nothing else."""
        kind = type(self)
        return (
            kind.response is StdlibJSONProvider.response
            and kind._prepare_response_obj is JSONProvider._prepare_response_obj
            and "response" not in vars(self)
        )

    def dump_body(self, obj: t.Any) -> bytes:
        """Write a value as the body of a response."""
        if self._is_compact():
            return f"{self.dumps(obj, separators=(',', ':'))}\n".encode()
        return f"{self.dumps(obj, indent=2)}\n".encode()

    def _is_compact(self) -> bool:
        return not self._app.debug if self.compact is None else self.compact


class DefaultJSONProvider(StdlibJSONProvider):
    """JSON by msgspec: compact UTF-8, keys in the order of insertion, indented in debug mode only.

    It writes what :class:`StdlibJSONProvider` writes. Beyond that, it writes :class:`msgspec.Struct` by msgspec's own
    rules, bytes in base64, sets as arrays; and where the standard library would write what is not JSON, ``NaN`` and
    the infinities, it writes ``null``. A :attr:`default` of your own is asked for bytes and sets, and for all else
    that JSON does not know, except for Structs and what is inside them.

    :meth:`dumps` with any keyword, or with :attr:`ensure_ascii`, is the standard library's. :meth:`loads` accepts what
    :rfc:`8259` describes: no ``NaN``, no half of a surrogate pair, no other encoding than UTF-8 (with or without byte
    order mark). Of a key that stands twice the last one counts.
    """

    ensure_ascii = False
    sort_keys = False

    def __init__(self, app: Kolben) -> None:
        super().__init__(app)
        self._encode = msgspec.json.Encoder(enc_hook=self._simplify_unknown).encode
        self._encode_sorted = msgspec.json.Encoder(enc_hook=self._simplify_unknown, order="sorted").encode
        self._decode = msgspec.json.Decoder().decode

    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Write a value as JSON. With keywords, which are those of :func:`json.dumps`, by the standard library.

        :raises TypeError: a value is of a type that neither JSON nor :attr:`default` knows.
        :raises ValueError: a value contains itself.
        """
        if kwargs or self.ensure_ascii:
            return super().dumps(obj, **kwargs)
        return self.encode(obj).decode()

    def encode(self, obj: t.Any) -> bytes:
        """Write a value as JSON in UTF-8, like :meth:`dumps` without keywords."""
        encode = self._encode_sorted if self.sort_keys else self._encode
        try:
            return encode(obj if self._is_plain(obj) else self._simplify(obj))
        except RecursionError:
            raise ValueError(
                "A value that contains itself, or is nested too deeply, cannot be written as JSON."
            ) from None
        except UnicodeEncodeError:
            # NOTE: half of a surrogate pair, as in a file name that is not UTF-8. It can be written as an escape only.
            return super().dumps(obj, ensure_ascii=True, separators=(",", ":")).encode()

    def loads(self, s: str | bytes, **kwargs: t.Any) -> t.Any:
        """Read JSON from text or UTF-8 bytes. With keywords, which are those of :func:`json.loads`, by the standard
        library.

        :raises json.JSONDecodeError: it is not JSON, or nested too deeply. It is a ``ValueError``.
        :raises UnicodeDecodeError: it is not UTF-8. It is a ``ValueError``.
        """
        if kwargs:
            return stdlib_loads(s, **kwargs)
        if nesting.IS_NEEDED and nesting.is_too_deep(s):
            raise json.JSONDecodeError("Nested too deeply", "", 0)
        try:
            return self._decode(s)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
            return self._loads_refused(s, exc)

    def dump_body(self, obj: t.Any) -> bytes:
        """Write a value as the body of a response."""
        if self.ensure_ascii or type(self).dumps is not DefaultJSONProvider.dumps:
            return super().dump_body(obj)
        body = self.encode(obj)
        if not self._is_compact():
            body = msgspec.json.format(body, indent=2)
        return body + b"\n"

    def _loads_refused(self, s: str | bytes, exc: Exception) -> t.Any:
        """Say why it was refused, in the words of the standard library where that refuses it too."""
        text = s if isinstance(s, str) else str(s, "utf-8")
        if text.startswith("\ufeff") and not text.startswith("\ufeff", 1):
            return self.loads(text[1:])
        stdlib_loads(text, parse_constant=partial(_refuse_constant, text))
        if isinstance(exc, msgspec.ValidationError):
            raise json.JSONDecodeError("Number out of range", text, 0)
        raise json.JSONDecodeError("Half of a surrogate pair in a string", text, 0)

    def _is_plain(self, obj: t.Any) -> bool:
        """Tell whether msgspec writes the value as this class would, all the way down."""
        if type(obj) is dict and _SCALARS.issuperset(map(type, obj.values())):
            return True
        if isinstance(obj, msgspec.Struct):
            return True
        if self.default is not _default:
            return False
        # PERF: benchmarks/inprocess.py, kind "json". What msgspec would write differently, dates above all, marshal
        # refuses. It goes through a value five times faster than Python code that looks at the types.
        try:
            marshal.dumps(obj)
        except ValueError:
            return False
        return True

    def _simplify(self, obj: t.Any) -> t.Any:
        """Return the value with what JSON does not know replaced by what :attr:`default` gives for it."""
        kind = type(obj)
        if issubclass(kind, dict):
            return {key: value if type(value) in _SCALARS else self._simplify(value) for key, value in obj.items()}
        if issubclass(kind, list | tuple):
            return [value if type(value) in _SCALARS else self._simplify(value) for value in obj]
        if kind in _SCALARS or issubclass(kind, msgspec.Struct):
            return obj
        for base, plain in _PLAIN:
            if issubclass(kind, base):
                return plain(obj)
        if kind in _BEYOND_JSON and self.default is _default:
            return obj if kind in _BUFFERS else self._simplify(list(obj))
        return self._simplify(self.default(obj))

    def _simplify_unknown(self, obj: t.Any) -> t.Any:
        """What msgspec calls for what it does not know: something inside a Struct, or a key."""
        if obj is None or obj is True or obj is False:
            return _CONSTANT_KEYS[obj]
        if isinstance(obj, tuple):
            raise TypeError(f"keys must be str, int, float, bool or None, not {type(obj).__name__}")
        return self._simplify(obj)


_SCALARS = frozenset({str, int, float, bool, type(None)})

#: What a subclass of a JSON type is written as: its value, whatever its ``__str__`` says.
_PLAIN: tuple[tuple[type, Callable[[t.Any], t.Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)

#: Types that msgspec writes, JSON does not know, and marshal does not refuse.
_BUFFERS = frozenset({bytes, bytearray, memoryview})
_BEYOND_JSON = _BUFFERS | {set, frozenset}

_CONSTANT_KEYS = {None: "null", True: "true", False: "false"}


def stdlib_loads(s: str | bytes, **kwargs: t.Any) -> t.Any:
    """:func:`json.loads`, with nesting that is too deep being an error of the text like any other.

    :raises json.JSONDecodeError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(s, **kwargs)
    except RecursionError:
        text = s if isinstance(s, str) else str(s, "utf-8", "replace")
        raise json.JSONDecodeError("Nested too deeply", text, 0) from None


def _refuse_constant(text: str, name: str) -> t.NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", text, text.find(name))
