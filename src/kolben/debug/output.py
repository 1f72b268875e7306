"""What a console's command prints, apart from what the rest of the process prints meanwhile."""

from __future__ import annotations

import contextlib
import sys
import threading
import typing as t
from contextvars import ContextVar

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MAX_OUTPUT = 100_000
"""Characters that are kept of one command's output."""


class Output:
    """The text that was printed, up to :data:`MAX_OUTPUT` characters."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def write(self, text: str) -> int:
        """Keep the text, or as much of it as there is room for."""
        room = MAX_OUTPUT - self._size
        self._size += len(text)
        if room > 0:
            self._parts.append(text[:room])
        return len(text)

    def __str__(self) -> str:
        text = "".join(self._parts)
        return text if self._size <= MAX_OUTPUT else f"{text}\n… ({self._size} characters)\n"


taker: ContextVar[Output] = ContextVar("kolben.debug.output")
"""Where the output goes of whatever runs in this context."""


class Tee:
    """A stream that gives what a console's command writes to the console, and all else to the stream behind it."""

    def __init__(self, behind: t.Any) -> None:
        self._behind = behind

    def write(self, text: str) -> int:
        """Write to whoever takes it."""
        return int((taker.get(None) or self._behind).write(text))

    def writelines(self, lines: t.Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._behind, name)


_lock = threading.Lock()
_commands = 0


@contextlib.contextmanager
def captured() -> Iterator[None]:
    """Stand a :class:`Tee` in for ``sys.stdout`` and ``sys.stderr`` as long as any command runs."""
    global _commands
    with _lock:
        _commands += 1
        if _commands == 1:
            sys.stdout, sys.stderr = t.cast("t.Any", Tee(sys.stdout)), t.cast("t.Any", Tee(sys.stderr))
    try:
        yield
    finally:
        with _lock:
            _commands -= 1
            if _commands == 0:
                _restore()


def _restore() -> None:
    # NOTE: a command may have set them itself; then they are not ours to take back.
    if isinstance(sys.stdout, Tee):
        sys.stdout = sys.stdout._behind
    if isinstance(sys.stderr, Tee):
        sys.stderr = sys.stderr._behind
