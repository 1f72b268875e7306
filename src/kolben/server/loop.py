"""The event loop of a worker: asyncio's own, or uvloop's, which wakes and waits with less work."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Loop: t.TypeAlias = t.Literal["auto", "asyncio", "uvloop"]

T = t.TypeVar("T")


def choose_loop() -> tuple[t.Literal["asyncio", "uvloop"], str]:
    """The loop for this machine, and why.

    PERF: docs/performance.md, "Whole servers": more requests with uvloop, for sync and async views alike.
    """
    missing = why_no_uvloop()
    return ("uvloop", "uvloop is installed, and faster") if missing is None else ("asyncio", missing)


def why_no_uvloop() -> str | None:
    """What keeps uvloop from being used here, as a sentence without its end; ``None`` if nothing does."""
    if sys.platform == "win32":
        return "uvloop does not run on Windows"
    if sys.implementation.name != "cpython":
        return "uvloop needs CPython"
    if importlib.util.find_spec("uvloop") is None:
        return "uvloop is not installed"
    try:
        import uvloop  # noqa: F401
    except ImportError as exc:
        return f"uvloop is installed, but cannot be imported: {exc}"
    return None


def run_on(loop: Loop, main: Coroutine[t.Any, t.Any, T]) -> T:
    """:func:`asyncio.run` on a loop of this kind.

    :raises ImportError: it is to be uvloop's, which is not there.
    """
    if (choose_loop()[0] if loop == "auto" else loop) == "asyncio":
        return asyncio.run(main)
    import uvloop

    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
