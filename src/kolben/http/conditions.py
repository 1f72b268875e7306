"""What a request wants only on a condition (:rfc:`9110#section-13`), and which part of it (:rfc:`9110#section-14`)."""

from __future__ import annotations

import re
import typing as t

from werkzeug.exceptions import PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import parse_date

if t.TYPE_CHECKING:
    from collections.abc import Callable

# One entity-tag (RFC 9110 section 8.8.3), or one that a client forgot to quote.
# NOTE: possessive, so that a header of 10 kB is read once.
_ETAG = re.compile(r"""([Ww]/)?+(?:("[^"]*+")|([^\s",]++))""")


def is_modified(field: Callable[[str], str | None], etag: str | None, modified: int | None) -> bool:
    """Evaluate a request's preconditions in the order of :rfc:`9110#section-13.2.2`: whether its copy is out of date.

    :param field: returns a header of the request by its lower-case name.
    :param etag: of what would be sent, quoted.
    :param modified: when that was modified, in whole seconds.
    :raise PreconditionFailed: if ``If-Match`` or ``If-Unmodified-Since`` does not hold.
    """
    condition = field("if-match")
    if condition is not None:
        if not _matches(condition, etag, weakly=False):
            raise PreconditionFailed()
    elif (condition := field("if-unmodified-since")) is not None and _is_newer(modified, condition):
        raise PreconditionFailed()
    condition = field("if-none-match")
    if condition is not None:
        return not _matches(condition, etag, weakly=True)
    condition = field("if-modified-since")
    return condition is None or _is_newer(modified, condition) is not False


def _is_newer(modified: int | None, condition: str | None) -> bool | None:
    """Return whether the file was modified after a date; ``None`` if either is not known."""
    date = parse_date(condition) if modified is not None else None
    return None if date is None or modified is None else modified > date.timestamp()


def _matches(condition: str, etag: str | None, *, weakly: bool) -> bool:
    """Return whether an ETag is in a list as ``If-Match`` (strong comparison) and ``If-None-Match`` (weak) have it."""
    if condition == etag or condition.strip() == "*":
        return True
    if etag is None:
        return False
    for weak, quoted, unquoted in _ETAG.findall(condition):
        if (weakly or not weak) and (quoted == etag or f'"{unquoted}"' == etag):
            return True
    return False


def is_same(if_range: str, etag: str | None, modified: int | None) -> bool:
    """Return whether an ``If-Range`` names exactly this state of the file: a weak ETag or a later date does not."""
    if if_range == etag:
        return True
    date = parse_date(if_range)
    return date is not None and modified is not None and date.timestamp() == modified


# NOTE: possessive, so that a run of blanks is passed once.
_RANGE = re.compile(r"[ \t]*+([0-9]{0,20}+)[ \t]*+-[ \t]*+([0-9]{0,20}+)[ \t]*+", re.ASCII)


def select_range(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last that a ``Range`` header selects.

    :return: ``None`` if the whole is to be sent: the unit is not bytes, or several ranges are wanted at once, which
        :rfc:`9110#section-14.2` lets a server ignore, and which costs more to answer than to ask.
    :raise RequestedRangeNotSatisfiable: if there is no such byte, or the range is none.
    """
    unit, _, ranges = wanted.partition("=")
    if unit.strip(" \t").lower() != "bytes" or "," in ranges:
        return None
    match = _RANGE.fullmatch(ranges)
    first, last = match.groups() if match is not None else ("", "")
    if first:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
    else:
        start, stop = max(size - int(last or 0), 0), size
    if start >= stop:
        raise RequestedRangeNotSatisfiable(size)
    return start, stop
