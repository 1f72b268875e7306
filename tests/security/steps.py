"""What it costs to parse a text, counted: lines of Python, and steps of regular expressions."""

from __future__ import annotations

import functools
import re
import sys
import types
import typing as t
from contextlib import contextmanager

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Next: t.TypeAlias = Callable[[int], int | None]

_parser: t.Any = re._parser  # type: ignore[attr-defined]  # not public, and the only door to a pattern's tree
_compiler: t.Any = re._compiler  # type: ignore[attr-defined]

_PARSERS = ("werkzeug.", "kolben.http.", "kolben.sessions", "kolben.json", "urllib.", "email.", "base64")
"""Beginnings of the names of modules that take part in reading a request."""


class Steps:
    """A count, and what adds to it."""

    def __init__(self) -> None:
        self.count = 0

    def trace(self, frame: types.FrameType, event: str, arg: t.Any) -> t.Any:
        if frame.f_code.co_filename == __file__:
            return None
        if event == "line":
            self.count += 1
        return self.trace


@contextmanager
def counted() -> Iterator[Steps]:
    """Count what the code within does."""
    steps = Steps()
    replaced = []
    for name, module in list(sys.modules.items()):
        if name.startswith(_PARSERS):
            for key, value in list(vars(module).items()):
                if isinstance(value, re.Pattern):
                    replaced.append((module, key, value))
                    setattr(module, key, CountedPattern(value, steps))
    before = sys.gettrace()
    sys.settrace(steps.trace)
    try:
        yield steps
    finally:
        sys.settrace(before)
        for module, key, value in replaced:
            setattr(module, key, value)


@functools.cache
def _tree(pattern: re.Pattern[t.Any]) -> tuple[t.Any, dict[int, dict[int, bool]]]:
    """The tree of a pattern, and which characters its nodes are known to stand for."""
    return _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), {}


class CountedPattern:
    """A pattern that counts as it backtracks; its answers are the real one's.

    It tries what CPython's engine tries, in that order, without its shortcuts.
    """

    def __init__(self, pattern: re.Pattern[t.Any], steps: Steps) -> None:
        self.real = pattern
        self.steps = steps
        self._text: t.Any = ""
        self._tree, self._tests = _tree(pattern)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.real, name)

    def match(self, text: t.Any, pos: int = 0, *args: t.Any) -> t.Any:
        self._run(text, pos)
        return self.real.match(text, pos, *args)

    def fullmatch(self, text: t.Any, pos: int = 0, *args: t.Any) -> t.Any:
        self._run(text, pos, lambda end: end if end == len(text) else None)
        return self.real.fullmatch(text, pos, *args)

    def search(self, text: t.Any, pos: int = 0, *args: t.Any) -> t.Any:
        next(self._found(text, pos), None)
        return self.real.search(text, pos, *args)

    def findall(self, text: t.Any, *args: t.Any) -> t.Any:
        list(self._found(text))
        return self.real.findall(text, *args)

    def finditer(self, text: t.Any, *args: t.Any) -> t.Any:
        list(self._found(text))
        return self.real.finditer(text, *args)

    def split(self, text: t.Any, *args: t.Any) -> t.Any:
        list(self._found(text))
        return self.real.split(text, *args)

    def sub(self, replacement: t.Any, text: t.Any, *args: t.Any) -> t.Any:
        list(self._found(text))
        return self.real.sub(replacement, text, *args)

    def _found(self, text: t.Any, at: int = 0) -> Iterator[int]:
        while at <= len(text):
            end = self._run(text, at)
            if end is not None:
                yield end
            at = end if end is not None and end > at else at + 1

    def _run(self, text: t.Any, at: int, done: Next = lambda end: end) -> int | None:
        self._text = text
        limit, trace = sys.getrecursionlimit(), sys.gettrace()
        sys.settrace(None)
        sys.setrecursionlimit(100_000)
        try:
            return self._sequence(self._tree, 0, at, done)
        finally:
            sys.setrecursionlimit(limit)
            sys.settrace(trace)

    def _sequence(self, nodes: t.Any, index: int, at: int, then: Next) -> int | None:
        if index == len(nodes):
            return then(at)
        return self._node(nodes[index], at, lambda end: self._sequence(nodes, index + 1, end, then))

    def _node(self, node: t.Any, at: int, then: Next) -> int | None:
        self.steps.count += 1
        kind, value = node
        name = str(kind)
        if name in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            return then(at + 1) if at < len(self._text) and self._is(node, self._text[at]) else None
        if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, body = value
            return self._repeat(name, least, most, body, at, then)
        if name == "SUBPATTERN":
            return self._sequence(value[-1], 0, at, then)
        if name == "BRANCH":
            ends = (self._sequence(branch, 0, at, then) for branch in value[1])
            return next((end for end in ends if end is not None), None)
        if name == "ATOMIC_GROUP":
            end = self._sequence(value, 0, at, lambda end: end)
            return None if end is None else then(end)
        if name in {"ASSERT", "ASSERT_NOT"}:
            holds = self._sequence(value[1], 0, at, lambda end: end) is not None
            return then(at) if holds is (name == "ASSERT") else None
        assert name == "AT", f"a pattern with {name} cannot be counted"
        start = str(value).startswith("AT_BEGINNING")
        return then(at) if at == (0 if start else len(self._text)) else None

    def _repeat(self, name: str, least: int, most: t.Any, body: t.Any, at: int, then: Next) -> int | None:
        if len(body) == 1 and str(body[0][0]) in {"LITERAL", "NOT_LITERAL", "ANY", "IN"}:
            return self._repeat_character(name, least, most, body[0], at, then)
        if name == "POSSESSIVE_REPEAT":
            end = self._again("MAX_REPEAT", least, most, body, at, lambda end: end)
            return None if end is None else then(end)
        return self._again(name, least, most, body, at, then)

    def _again(self, name: str, least: int, most: t.Any, body: t.Any, at: int, then: Next) -> int | None:
        def once_more() -> int | None:
            if most == 0:
                return None
            left = most if most is _parser.MAXREPEAT else most - 1
            return self._sequence(
                body,
                0,
                at,
                lambda end: None if end == at else self._again(name, max(least - 1, 0), left, body, end, then),
            )

        if least > 0:
            return once_more()
        ways = (once_more, lambda: then(at))
        results = (way() for way in (ways if name == "MAX_REPEAT" else reversed(ways)))
        return next((end for end in results if end is not None), None)

    def _repeat_character(self, name: str, least: int, most: t.Any, node: t.Any, at: int, then: Next) -> int | None:
        end = at
        while (
            end < len(self._text) and (most is _parser.MAXREPEAT or end - at < most) and self._is(node, self._text[end])
        ):
            self.steps.count += 1
            end += 1
        if end - at < least:
            return None
        if name == "POSSESSIVE_REPEAT":
            return then(end)
        ends = range(end, at + least - 1, -1) if name == "MAX_REPEAT" else range(at + least, end + 1)
        for candidate in ends:
            self.steps.count += 1
            if (result := then(candidate)) is not None:
                return result
        return None

    def _is(self, node: t.Any, character: t.Any) -> bool:
        """Whether a node that stands for one character stands for this one."""
        known = self._tests.setdefault(id(node), {})
        code = character if isinstance(character, int) else ord(character)
        if code not in known:
            single = _parser.SubPattern(self._tree.state, [node])
            text = bytes((code,)) if isinstance(self.real.pattern, bytes) else chr(code)
            known[code] = _compiler.compile(single, self.real.flags).match(text) is not None
        return known[code]
