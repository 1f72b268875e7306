"""Reading ``application/x-www-form-urlencoded``: the query of a URL, and the body of an ordinary form.

By the URL Standard of the WHATWG, https://url.spec.whatwg.org/#urlencoded-parsing, but for one point: where a browser
would put U+FFFD for bytes that are not UTF-8, :exc:`ValueError` is raised.
"""

from __future__ import annotations

import typing as t

from werkzeug.datastructures import MultiDict

from .multipart import too_many_parts

M = t.TypeVar("M", bound=MultiDict[str, t.Any])

_DIGITS = "0123456789abcdefABCDEF"
_BYTES: t.Final = {(high + low).encode(): bytes.fromhex(high + low) for high in _DIGITS for low in _DIGITS}


def parse_query(query: str | bytes, max_fields: int | None = None) -> list[tuple[str, str]]:
    """The names and values of a query, in order.

    Pairs are separated by ``&`` alone: ``;`` is an ordinary character.

    :param max_fields: pairs, empty ones included; more raise :exc:`RequestEntityTooLarge` before any is read.
    """
    if not query:
        return []
    try:
        text = query if isinstance(query, str) else query.decode()
    except UnicodeDecodeError:
        raise ValueError("The query or form is not valid UTF-8.") from None
    if max_fields is not None and text.count("&") >= max_fields:
        raise too_many_parts(max_fields)
    if "+" in text:
        text = text.replace("+", " ")
    pairs = []
    # PERF: benchmarks/inprocess.py, kind "query": a loop of str methods; nothing is decoded that has no escape in it.
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in part:
                name, value = unquote(name), unquote(value)
            pairs.append((name, value))
    return pairs


def group(cls: type[M], pairs: list[tuple[str, t.Any]]) -> M:
    """A multi-dict of these pairs: what ``cls(pairs)`` makes."""
    if cls.__init__ is not MultiDict.__init__:
        return cls(pairs)
    # PERF: benchmarks/inprocess.py, kind "query": Werkzeug first finds out what it was given.
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
