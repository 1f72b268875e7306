"""Matching a part with several variables in linear time.

``<owner>-<repo>-<int:id>`` as a regular expression takes quadratic time for a segment of many hyphens, and each further
variable adds a power: a few kilobytes of path would keep a worker busy for minutes. For long texts the built-in
converters are matched here instead. From the end to the beginning, each piece of the expression gets the places from
where it and all that follows it match; going forward again, each takes its longest or shortest text that is among
them, which is what the expression would have found.

Converters with an expression of their own are matched by that, whatever it costs.
"""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Texts of up to so many characters are matched by the regular expression: faster, and harmless.
LONG = 255


class _Piece(t.Protocol):
    def starts(self, text: str, ends: bytearray) -> bytearray:
        """Mark where this piece can begin, given where it may end."""
        raise NotImplementedError

    def end(self, text: str, start: int, ends: bytearray) -> int:
        """Choose where it ends if it begins at *start*."""
        raise NotImplementedError


class LinearPattern:
    """What :meth:`match` finds is what the expression of an edge would."""

    def __init__(self, pieces: list[tuple[int, _Piece]], is_suffixed: bool) -> None:
        self._pieces = pieces
        self._is_suffixed = is_suffixed

    @staticmethod
    @lru_cache(maxsize=1024)
    def of(content: str) -> LinearPattern | None:
        """Read an edge's expression; ``None`` if it has one variable only, or a converter that is not built in."""
        content = content.removesuffix(r"\Z")
        is_suffixed = content.endswith(_SUFFIX)
        pieces = list(_read(content.removesuffix(_SUFFIX)))
        if any(piece is None for _, piece in pieces) or len({group for group, _ in pieces if group >= 0}) < 2:
            return None
        return LinearPattern(t.cast("list[tuple[int, _Piece]]", pieces), is_suffixed)

    def match(self, text: str) -> tuple[list[str], bool] | None:
        """Return the texts of the variables, and whether the optional slash is there; ``None`` without a match."""
        ends = bytearray(len(text) + 1)
        has_slash = self._is_suffixed and text.endswith("/")
        last = len(text) - has_slash
        ends[last] = not (self._is_suffixed and text[last - 1 : last] == "/")
        tables = [ends]
        for _, piece in reversed(self._pieces):
            tables.append(piece.starts(text, tables[-1]))
        if not tables.pop()[0]:
            return None
        values: dict[int, str] = {}
        at = 0
        for (group, piece), ends in zip(self._pieces, reversed(tables), strict=True):
            end = piece.end(text, at, ends)
            if group >= 0:
                values[group] = values.get(group, "") + text[at:end]
            at = end
        return list(values.values()), has_slash


class _Fixed:
    """One of some texts, the first that fits."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def starts(self, text: str, ends: bytearray) -> bytearray:
        found = bytearray(len(ends))
        for fixed in self._texts:
            at = text.find(fixed)
            while at >= 0:
                found[at] |= ends[at + len(fixed)]
                at = text.find(fixed, at + 1)
        return found

    def end(self, text: str, start: int, ends: bytearray) -> int:
        return next(
            start + len(fixed) for fixed in self._texts if text.startswith(fixed, start) and ends[start + len(fixed)]
        )


class _Run:
    """A number of characters of one sort; the first may be of another."""

    def __init__(
        self,
        sort: Callable[[str], bool],
        first: Callable[[str], bool] | None = None,
        least: int = 1,
        most: int | None = None,
        is_lazy: bool = False,
    ) -> None:
        self._sort = sort
        self._first = first or sort
        self._least = least
        self._most = most
        self._is_lazy = is_lazy

    def starts(self, text: str, ends: bytearray) -> bytearray:
        size = len(text)
        found = bytearray(size + 1)
        beyond = size + self._least + 1
        nearest = [beyond] * (beyond + 1)
        limit = size
        for at in range(size, -1, -1):
            nearest[at] = at if ends[at] else nearest[at + 1]
            if at == size:
                reach = size
            else:
                reach = limit if self._first(text[at]) else at
                limit = limit if self._sort(text[at]) else at
            if self._most is not None:
                reach = min(reach, at + self._most)
            found[at] = nearest[at + self._least] <= reach
        return found

    def end(self, text: str, start: int, ends: bytearray) -> int:
        limit = start
        while limit < len(text) and (self._first if limit == start else self._sort)(text[limit]):
            limit += 1
        if self._most is not None:
            limit = min(limit, start + self._most)
        search = ends.find if self._is_lazy else ends.rfind
        return search(1, start + self._least, limit + 1)


class _Shape:
    """A text of fixed length that an expression describes."""

    def __init__(self, expression: str, length: int) -> None:
        self._match = re.compile(expression).match
        self._length = length

    def starts(self, text: str, ends: bytearray) -> bytearray:
        found = bytearray(len(ends))
        for at in range(len(text) - self._length + 1):
            found[at] = bool(ends[at + self._length]) and self._match(text, at) is not None
        return found

    def end(self, text: str, start: int, ends: bytearray) -> int:
        return start + self._length


_SUFFIX = "(?<!/)(/?)"
_UUID = "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"
_TOKEN = re.compile(
    rf"""
    \(\?P<__werkzeug_ (?P<group> \d+ ) > (?:
        (?P<text> \[\^/\] (?: \+ | \{{ (?P<least> \d+ ) (?P<range> , (?P<most> \d* ) )? \}} ) )
      | (?P<number> (?: -\? )? \\d\+ (?: \\\.\\d\+ )? )
      | (?P<path> \[\^/\]\.\*\? )
      | (?P<uuid> {re.escape(_UUID)} )
      | \(\?: (?P<any> (?: [^()\\] | \\. )* ) \)
    ) \)
    | (?P<fixed> (?: [^()\\] | \\. )+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def _read(content: str) -> Iterator[tuple[int, _Piece | None]]:
    """Yield the pieces of an expression with the number of the variable they belong to, -1 for none."""
    at = 0
    while at < len(content):
        token = _TOKEN.match(content, at)
        if token is None:
            yield -1, None
            return
        group = int(token["group"] or -1)
        for piece in _pieces(token):
            yield group, piece
        at = token.end()


def _pieces(token: re.Match[str]) -> list[_Piece]:
    if token["fixed"] is not None:
        return [_Fixed(_unescape(token["fixed"]))]
    if token["any"] is not None:
        return [_Fixed(*(_unescape(item[:-1]) for item in _ITEM.findall(token["any"] + "|")))]
    if token["uuid"] is not None:
        return [_Shape(_UUID, 36)]
    if token["path"] is not None:
        return [_Run(_is_not_newline, _is_not_slash, is_lazy=True)]
    if token["number"] is not None:
        sign: list[_Piece] = [_Fixed("-", "")] if token["number"].startswith("-") else []
        fraction: list[_Piece] = [_Fixed("."), _Run(str.isdecimal)] if "." in token["number"] else []
        return [*sign, _Run(str.isdecimal), *fraction]
    least = int(token["least"] or 1)
    most = (int(token["most"]) if token["most"] else None) if token["range"] or not token["least"] else least
    return [_Run(_is_not_slash, least=least, most=most)]


_ITEM = re.compile(r"(?:[^|\\]|\\.)*\|", re.DOTALL)


def _unescape(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def _is_not_slash(character: str) -> bool:
    return character != "/"


def _is_not_newline(character: str) -> bool:
    return character != "\n"
