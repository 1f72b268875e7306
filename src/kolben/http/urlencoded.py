"""Reading ``application/x-www-form-urlencoded``: the query of a URL, and the body of an ordinary form.

By the URL Standard of the WHATWG, https://url.spec.whatwg.org/#urlencoded-parsing, but for one point: where a browser
would put U+FFFD for bytes that are not UTF-8, :exc:`ValueError` is raised.
"""

from __future__ import annotations

import re
import typing as t
from binascii import a2b_qp

from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequestKeyError

from .multipart import too_many_parts

M = t.TypeVar("M", bound=MultiDict[str, t.Any])
V = t.TypeVar("V")

_values_of: t.Any = dict.get


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
_BYTES: t.Final = {(high + low).encode(): bytes.fromhex(high + low) for high in _DIGITS for low in _DIGITS}
_find_no_escape = re.compile("%(?![0-9A-Fa-f]{2})").search


def parse_query(query: str | bytes, max_fields: int | None = None) -> list[tuple[str, str]]:
    """The names and values of a query, in order.

    Pairs are separated by ``&`` alone: ``;`` is an ordinary character.

    :param max_fields: pairs, empty ones included; more raise :exc:`RequestEntityTooLarge` before any is read.
    """
    if not query:
        return []
    text, is_decoded = _prepared(query, max_fields)
    pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((name, value) if is_decoded else (unquote(name), unquote(value)))
    return pairs


def read_query(cls: type[M], query: str | bytes, max_fields: int | None = None) -> M:
    """The names and values of a query as a multi-dict: ``cls(parse_query(query, max_fields))``."""
    if cls.__init__ is not MultiDict.__init__:
        return cls(parse_query(query, max_fields))
    # PERF: benchmarks/inprocess.py, kinds "query" and "form": no list of pairs, and no finding out what that is.
    text, is_decoded = _prepared(query, max_fields)
    values: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            if not is_decoded:
                name, value = unquote(name), unquote(value)
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]
    made = cls.__new__(cls)
    dict.__init__(made, values)
    return made


def _prepared(query: str | bytes, max_fields: int | None) -> tuple[str, bool]:
    """The text of a query with its blanks, and whether its escapes are decoded too.

    They are, all at once, where no ``&`` or ``=`` can be among them.
    """
    try:
        text = query if isinstance(query, str) else query.decode()
    except UnicodeDecodeError:
        raise ValueError("The query or form is not valid UTF-8.") from None
    if max_fields is not None and text.count("&") >= max_fields and text:
        raise too_many_parts(max_fields)
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text, True
    # NOTE: "%26" is an ampersand, "%3d" an equals sign: these are no separators.
    if "%26" not in text and "%3" not in text and _find_no_escape(text) is None:
        try:
            return _decoded(text), True
        except UnicodeDecodeError:
            pass
    return text, False


def _decoded(text: str) -> str:
    # PERF: benchmarks/inprocess.py, kind "query". Quoted-printable differs from this in the sign alone, where every
    # sign has its two digits, and the standard library decodes it in C.
    return a2b_qp(text.replace("=", "=3D").replace("%", "=").encode()).decode()


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
    dict.__init__(made, values)
    return made


def unquote(text: str) -> str:
    """`text` with its percent escapes decoded; one that is not an escape (``100%``) stands for itself."""
    if "%" not in text:
        return text
    try:
        return _decoded(text) if _find_no_escape(text) is None else _decoded_in_parts(text)
    except UnicodeDecodeError:
        raise ValueError(f'The percent escapes of "{text[:80]}" are not valid UTF-8.') from None


def _decoded_in_parts(text: str) -> str:
    first, *rest = text.encode().split(b"%")
    pieces = [first]
    for piece in rest:
        byte = _BYTES.get(piece[:2])
        if byte is None:
            pieces += b"%", piece
        else:
            pieces += byte, piece[2:]
    return b"".join(pieces).decode()
