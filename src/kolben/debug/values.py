"""Values as text for a page: bounded in size and in time, with secrets and environment variables left out."""

from __future__ import annotations

import os
import re
import threading
import typing as t

from .redaction import MASK, is_secret_name

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Context

    from .redaction import Redactor

MAX_TEXT = 1200
"""Characters of one value."""

MAX_STRING = 400
MAX_ITEMS = 24
MAX_DEPTH = 4

PATIENCE = 1.0
"""Seconds that are waited for the values of a page before the one that holds them up is passed over."""

MAX_STALLS = 3
TOO_LONG = "(not shown: its repr() takes too long)"

_NAMED = re.compile(r"""(?P<name>\w+)(?P<between>['"]?\s*[=:]\s*)(?P<value>b?'(?:[^'\\]|\\.)*'|b?"(?:[^"\\]|\\.)*")""")


class Describer:
    """Turns values into text.

    Containers are walked, so that a big one costs no more than what is shown of it, and that a secret is known by the
    name that it stands under.

    :param redactor: knows the secrets of the request and the application.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redact = redactor

    def __call__(self, name: str, value: t.Any) -> str:
        """The text of a value that has this name. Raises nothing, whatever the value's own code does."""
        try:
            text = self._redact(self._under(name, value, 0))
        except BaseException as exc:
            text = _failure(value, exc)
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"

    def _under(self, name: object, value: t.Any, depth: int) -> str:
        if is_secret_name(name) and not _says_nothing(value):
            return MASK
        return self._describe(value, depth)

    def _describe(self, value: t.Any, depth: int) -> str:
        # NOTE: type(), not __class__ and isinstance(), which would ask the user's code, a proxy say.
        cls = type(value)
        if cls in (str, bytes, bytearray):
            return _cut(value)
        if issubclass(cls, os._Environ):
            return "(environment variables, not shown)"
        if depth >= MAX_DEPTH and issubclass(cls, (dict, list, tuple, set, frozenset)):
            return f"{cls.__name__}(…)"
        if issubclass(cls, dict):
            return self._mapping(value, cls, depth)
        for kind in (list, tuple, set, frozenset):
            if issubclass(cls, kind) and t.cast("t.Any", cls).__repr__ is kind.__repr__:
                return self._sequence(value, cls, depth)
        return self._other(value)

    def _mapping(self, value: dict[t.Any, t.Any], cls: type, depth: int) -> str:
        shown: list[str] = []
        hidden = 0
        for key, item in _copied(lambda: dict.items(value)):
            if _is_of_environment(key, item):
                hidden += 1
            elif len(shown) <= MAX_ITEMS:
                shown.append(f"{self._describe(key, depth + 1)}: {self._under(key, item, depth + 1)}")
        if len(shown) > MAX_ITEMS:
            shown[MAX_ITEMS:] = [f"… ({dict.__len__(value)} items)"]
        if hidden:
            shown.append(f"… ({hidden} environment variables, not shown)")
        text = "{" + ", ".join(shown) + "}"
        return text if cls is dict else f"{cls.__name__}({text})"

    def _sequence(self, value: t.Any, cls: type, depth: int) -> str:
        # NOTE: a pair may be a header or a cookie: its first item is the name of the second.
        if issubclass(cls, tuple) and tuple.__len__(value) == 2:
            name, item = tuple.__iter__(value)
            return f"({self._describe(name, depth + 1)}, {self._under(_as_name(name), item, depth + 1)})"
        items: list[t.Any] = []
        for item in _copied(lambda: value):
            if len(items) == MAX_ITEMS:
                break
            items.append(item)
        shown = [self._describe(item, depth + 1) for item in items]
        if len(items) < len(value):
            shown.append(f"… ({len(value)} items)")
        return _bracketed(shown, cls)

    def _other(self, value: t.Any) -> str:
        try:
            text = repr(value)
        except BaseException as exc:
            return _failure(value, exc)
        return _NAMED.sub(_without_secret, text[: MAX_TEXT * 4])


def describe_all(describe: Callable[[str, t.Any], str], items: list[tuple[str, t.Any]], context: Context) -> list[str]:
    """The texts of named values, in their order. One whose ``__repr__`` does not return is passed over.

    They are made in threads of their own, which nothing waits for any longer than :data:`PATIENCE`.

    :param context: what proxies, such as ``request``, are asked in.
    """
    texts = [TOO_LONG] * len(items)
    first = 0
    for _ in range(MAX_STALLS):
        run = _Run(describe, items, texts, first)
        # NOTE: a copy, for two threads cannot be in one context, and the one before may not have left it.
        thread = threading.Thread(target=context.copy().run, args=(run,), name="kolben-describe", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        run.is_wanted = False
        first = run.next + 1
        if first >= len(items):
            break
    return texts


class _Run:
    is_wanted = True

    def __init__(
        self, describe: Callable[[str, t.Any], str], items: list[tuple[str, t.Any]], texts: list[str], first: int
    ) -> None:
        self._describe = describe
        self._items = items
        self._texts = texts
        self.next = first

    def __call__(self) -> None:
        while self.next < len(self._items):
            text = self._describe(*self._items[self.next])
            if not self.is_wanted:
                return
            self._texts[self.next] = text
            self.next += 1


def _copied(iterate: Callable[[], Iterable[t.Any]]) -> Iterator[t.Any]:
    """The items; fewer if another thread changes the container meanwhile."""
    try:
        yield from iterate()
    except RuntimeError:
        return


def _cut(value: str | bytes | bytearray) -> str:
    if len(value) <= MAX_STRING:
        return repr(value)
    return f"{value[:MAX_STRING]!r}… ({len(value)} {'characters' if isinstance(value, str) else 'bytes'})"


def _bracketed(shown: list[str], cls: type) -> str:
    inner = ", ".join(shown)
    if cls is list:
        return f"[{inner}]"
    if cls is tuple:
        return f"({inner},)" if len(shown) == 1 else f"({inner})"
    if cls is set and shown:
        return f"{{{inner}}}"
    return f"{cls.__name__}([{inner}])" if shown else f"{cls.__name__}()"


def _failure(value: t.Any, exc: BaseException) -> str:
    return f"<{type(value).__qualname__} object: {type(exc).__qualname__} in its repr()>"


def _as_name(name: t.Any) -> str:
    return name.decode("latin-1") if type(name) is bytes else name if type(name) is str else ""


def _says_nothing(value: t.Any) -> bool:
    """Whether that a secret is missing, is code, or is merely switched on tells more than it gives away."""
    return value is None or type(value) is bool or (type(value) in (str, bytes) and not value) or callable(value)


def _is_of_environment(key: t.Any, value: t.Any) -> bool:
    return type(key) is str and type(value) is str and os.environ.get(key) == value


def _without_secret(match: re.Match[str]) -> str:
    return match["name"] + match["between"] + MASK if is_secret_name(match["name"]) else match[0]
