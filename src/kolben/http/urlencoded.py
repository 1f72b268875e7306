"""Reading ``application/x-www-form-urlencoded``: the query of a URL, and the body of an ordinary form.

By the URL Standard of the WHATWG, https://url.spec.whatwg.org/#urlencoded-parsing, but for one point: where a browser
would put U+FFFD for bytes that are not UTF-8, :exc:`ValueError` is raised.
"""

from __future__ import annotations

import typing as t
from codecs import escape_decode

from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequestKeyError

from .multipart import too_many_parts

M = t.TypeVar("M", bound=MultiDict[str, t.Any])
V = t.TypeVar("V")

_values_of: t.Any = dict.get
_new: t.Any = dict.__new__
_fill: t.Any = dict.update


class Parameters(ImmutableMultiDict[str, V]):
    """Werkzeug's multi-dict, whose values are found in one step."""

    # PERF: benchmarks/inprocess.py, kinds "query" and "form".
    def __getitem__(self, key: str) -> V:
        values = _values_of(self, key)
        if values:
            return values[0]  # type: ignore[no-any-return]  # PERF: a cast is a call
        raise BadRequestKeyError(key)

    def get(self, key: str, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloaded there
        """The first value, or ``default`` if there is none, or if ``type(value)`` raises an error of value or type."""
        values = _values_of(self, key)
        if not values:
            return default
        if type is None:
            return values[0]
        try:
            return type(values[0])
        except (ValueError, TypeError):
            return default


# FLASK: what `repr` shows.
Parameters.__name__ = ImmutableMultiDict.__name__

_DIGITS = "0123456789abcdefABCDEF"
_NOT_UTF_8: t.Final = "The query or form is not valid UTF-8."
_BYTES: t.Final = {(high + low).encode(): bytes.fromhex(high + low) for high in _DIGITS for low in _DIGITS}


def parse_query(query: str | bytes, max_fields: int | None = None) -> list[tuple[str, str]]:
    """The names and values of a query, in order.

    Pairs are separated by ``&`` alone: ``;`` is an ordinary character.

    :param max_fields: pairs, empty ones included; more raise :exc:`RequestEntityTooLarge` before any is read.
    """
    try:
        text = query if isinstance(query, str) else query.decode()
    except UnicodeDecodeError:
        raise ValueError(_NOT_UTF_8) from None
    _check_fields(text, max_fields)
    pairs = [part.partition("=") for part in text.replace("+", " ").split("&") if part]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def read_query(cls: type[M], query: str | bytes, max_fields: int | None = None) -> M:
    """The names and values of a query as a multi-dict: ``cls(parse_query(query, max_fields))``.

    :param cls: a class without a constructor of its own.
    """
    # PERF: benchmarks/inprocess.py, kinds "query" and "form": no list of pairs, and no finding out what that is.
    try:
        text = query if isinstance(query, str) else query.decode()
    except UnicodeDecodeError:
        raise ValueError(_NOT_UTF_8) from None
    if max_fields is not None and len(text) >= max_fields:
        _check_fields(text, max_fields)
    if "+" in text:
        text = text.replace("+", " ")
    is_encoded = "%" in text
    # NOTE: "%26" is an ampersand, "%3D" an equals sign: these are no separators.
    if is_encoded and "%26" not in text and ("%3" not in text or ("%3D" not in text and "%3d" not in text)):
        try:
            text = _decoded(text)
        except ValueError:
            pass
        else:
            is_encoded = False
    values: dict[str, list[str]] = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if is_encoded:
            name, value = unquote(name), unquote(value)
        if name in values:
            values[name].append(value)
        else:
            values[name] = [value]
    if "" in values:
        return group(cls, parse_query(query, max_fields))  # NOTE: a pair without a name is one, "&&" is none.
    made: M = _new(cls)
    _fill(made, values)
    return made


def _check_fields(text: str, max_fields: int | None) -> None:
    if max_fields is not None and text.count("&") >= max_fields and text:
        raise too_many_parts(max_fields)


def group(cls: type[M], pairs: list[tuple[str, t.Any]]) -> M:
    """A multi-dict of these pairs: what ``cls(pairs)`` makes."""
    if cls.__init__ is not MultiDict.__init__:
        return cls(pairs)
    # PERF: benchmarks/inprocess.py, kind "cookies": Werkzeug first finds out what it was given.
    values: dict[str, list[t.Any]] = {}
    for name, value in pairs:
        if name in values:
            values[name].append(value)
        else:
            values[name] = [value]
    made = cls.__new__(cls)
    _fill(made, values)
    return made


def filled(cls: type[M], values: dict[str, list[t.Any]]) -> M:
    """A multi-dict of these values.

    :param cls: a class without a constructor of its own.
    """
    made: M = _new(cls)
    _fill(made, values)
    return made


def unquote(text: str) -> str:
    """`text` with its percent escapes decoded; one that is not an escape (``100%``) stands for itself."""
    if "%" not in text:
        return text
    try:
        return _decoded(text)
    except ValueError:
        return _decoded_in_parts(text)


def _decoded(text: str) -> str:
    """`text` with its percent escapes decoded, of which every percent sign must begin one.

    :raises ValueError: one does not, or the result is not UTF-8.
    """
    # PERF: benchmarks/inprocess.py, kind "query". The escapes of Python's bytes, of two digits too, are decoded in C,
    # by what pickles are read with.
    # NOTE: backslashes are doubled first, so that no other escape of Python's is left to be decoded. What is not ASCII
    # is read as its bytes in UTF-8, between which the decoded ones belong.
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return escape_decode(text.replace("%", "\\x"))[0].decode()


def _decoded_in_parts(text: str) -> str:
    first, *rest = text.encode().split(b"%")
    pieces = [first]
    for piece in rest:
        byte = _BYTES.get(piece[:2])
        if byte is None:
            pieces += b"%", piece
        else:
            pieces += byte, piece[2:]
    try:
        return b"".join(pieces).decode()
    except UnicodeDecodeError:
        raise ValueError(f'The percent escapes of "{text[:80]}" are not valid UTF-8.') from None
