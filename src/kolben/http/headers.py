"""Response headers and the status line: refused in Python if they are malformed, and encoded for ASGI.

Servers disagree about a bad header: some answer 500, some drop it without a word, so that a redirect loses its
``Location``. Here it is an error that names the header, on every server alike.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

MAX_REMEMBERED = 512
"""How many names, and how many status lines, are remembered. A full table starts afresh."""

# RFC 9110 section 5.6.2 (token) and 5.5 (field-value: VCHAR, obs-text, SP, HTAB; no other control character).
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_STATUS = re.compile(r"[1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?")


class _Names(dict[str, bytes]):
    """Names that were found to be good, as ASGI has them. Those that are missing are checked, and remembered."""

    __slots__ = ()

    def __missing__(self, name: str) -> bytes:
        if name in LOCATIONS:
            return LOCATIONS[name]
        if not isinstance(name, str):
            raise TypeError(f"The response header name {name!r} must be a 'str', not {type(name).__name__!r}.")
        if _TOKEN.fullmatch(name) is None:
            raise ValueError(
                f"The response header name {name!r} cannot be sent: a name is made of letters, digits and"
                " !#$%&'*+-.^_`|~ only. Was part of it taken from a request or a file? Then it may not choose the name."
            )
        encoded = name.lower().encode("latin-1")
        if encoded not in LOCATIONS.values():
            if len(self) >= MAX_REMEMBERED:
                self.clear()
            self[name] = encoded
        return encoded


# PERF: benchmarks/inprocess.py, kind "plain text". What an application sends is nearly always the same few names and
# values: each table is both the proof that a text is valid and its encoded form.
NAMES = _Names()
LOCATIONS: dict[str, bytes] = {
    spelling: name.lower().encode() for name in ("Location", "Content-Location") for spelling in (name, name.lower())
}
"""The names of headers that may be sent in another form than they were set in. They are not among the others.

NOTE: a table may be emptied at any time by another thread: what is in it is not sure to be there when it is asked for.
"""
VALUES: dict[str, bytes] = {
    value: value.encode("latin-1")
    for value in (
        *("text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json", "application/octet-stream"),
        *("no-cache", "no-store", "bytes", "Cookie", "Accept-Encoding", "nosniff", "0"),
    )
}
STATUSES: set[str] = set()
"""Status lines that were found to be good."""

CONTENT_LENGTH = b"content-length"
PAIRS: dict[tuple[str, str], tuple[bytes, bytes]] = {
    ("Content-Type", value): (b"content-type", raw) for value, raw in VALUES.items() if "/" in value
}
"""Whole headers that most responses have: types, and the lengths of short bodies, whose name is the constant above."""
_SHORT = 4096
"""Bytes of a body whose length is not remembered, nor that of any longer one."""


class _Lengths(dict[int, tuple[str, str]]):
    """``Content-Length`` headers by their number, for WSGI. Those of short bodies are remembered."""

    __slots__ = ()

    def __missing__(self, length: int) -> tuple[str, str]:
        return _length_header(length)[0]


class _RawLengths(dict[int, tuple[bytes, bytes]]):
    """The same for ASGI."""

    __slots__ = ()

    def __missing__(self, length: int) -> tuple[bytes, bytes]:
        return _length_header(length)[1]


LENGTHS = _Lengths()
RAW_LENGTHS = _RawLengths()


def _length_header(length: int) -> tuple[tuple[str, str], tuple[bytes, bytes]]:
    pair = ("Content-Length", str(length))
    raw = (CONTENT_LENGTH, pair[1].encode())
    if length < _SHORT:
        LENGTHS[length], RAW_LENGTHS[length], PAIRS[pair] = pair, raw, raw
    return pair, raw


def check_status(status: str) -> None:
    """Refuse a status line that is not three digits and a reason phrase.

    :raise ValueError: if it is not.
    """
    if status in STATUSES:
        return
    if _STATUS.fullmatch(status) is None:
        raise ValueError(
            f"The response status {status!r} cannot be sent: a status is a code of three digits and a phrase without"
            " line breaks or control characters, such as '404 Not Found'."
        )
    if len(STATUSES) >= MAX_REMEMBERED:
        STATUSES.clear()
    STATUSES.add(status)


def is_known_value(value: str) -> bool:
    """Whether a header's value is one of the usual ones, which need no check."""
    return value in VALUES


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse headers that would change the shape of the response, or that servers drop.

    :raise ValueError: naming the first header whose name is not a token, or whose value contains a control character
        (CR, LF, NUL, ...) or a character outside latin-1.
    :raise TypeError: if a name or value is not ``str``.
    """
    for name, value in headers:
        if name not in NAMES:
            _ = NAMES[name]
        # NOTE: printable ASCII has no control characters; what is not printable ASCII (tab, latin-1) is looked at.
        if value not in VALUES and not (type(value) is str and value.isascii() and value.isprintable()):
            encode_value(name, value)


def encode_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI sends them, checked as by :func:`check_headers`: names in lower case, all in latin-1.

    >>> encode_headers([("Content-Type", "text/plain"), ("X-Name", "caf\\xe9")])
    [(b'content-type', b'text/plain'), (b'x-name', b'caf\\xe9')]
    """
    names = NAMES
    values = VALUES
    encoded = []
    for name, value in headers:
        raw_name = names[name]
        raw_value = values.get(value)
        if raw_value is None:
            if type(value) is str and value.isascii() and value.isprintable():
                raw_value = value.encode("latin-1")
            else:
                raw_value = encode_value(name, value)
        encoded.append((raw_name, raw_value))
    return encoded


def encode_value(name: str, value: str) -> bytes:
    """Return the value of the header ``name`` as ASGI has it.

    :raise ValueError: if it cannot be sent, see :func:`check_headers`.
    :raise TypeError: if it is not ``str``.
    """
    if not isinstance(value, str):
        raise TypeError(
            f"The value of the response header {name!r} must be a 'str', not {type(value).__name__!r}: {value!r}."
        )
    if (match := _VALUE.match(value)) is None or match.end() != len(value):
        at = match.end() if match is not None else 0
        reason = "outside latin-1" if value[at] > "\xff" else "a control character"
        raise ValueError(
            f"The value of the response header {name!r} cannot be sent: {value[at]!r} at position {at} is {reason}."
            " Quote or encode what was put into it (URLs with percent escapes, file names as RFC 8187)."
        )
    return value.encode("latin-1")
