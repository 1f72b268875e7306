"""A console in a frame: statements and expressions of a developer, run as the frame's own code would be."""

from __future__ import annotations

import ast
import asyncio
import codeop
import inspect
import itertools
import linecache
import pprint
import traceback
import typing as t
from dataclasses import dataclass

import kolben

from .. import bridge
from . import breakpoints, output

if t.TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextvars import Context
    from types import CodeType, FrameType

MAX_TEXT = 50_000
"""Characters of a result."""

CONVENIENCES = ("current_app", "g", "request", "session", "url_for")
"""Names that work in every console, unless the frame means something else by them."""

Status = t.Literal["done", "failed", "incomplete"]

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command printed, and the ``repr()`` of its value, if it has one, or its traceback."""

    status: Status
    output: str = ""
    value: str = ""


class Console:
    """Runs commands with the names of a frame. What they assign is the console's own: it stays, and the frame and its
    module do not see it.

    Code that awaits at its top level runs on the event loop, all other code in a thread, so that it may block.

    :param context: what commands run in a copy of: the request's context is the current one there.
    :param loop: that on which the request ran.
    """

    def __init__(self, frame: FrameType, context: Context, loop: AbstractEventLoop) -> None:
        names = {name: getattr(kolben, name) for name in CONVENIENCES}
        self.names: dict[str, t.Any] = {**names, **frame.f_globals, **frame.f_locals}
        self._context = context
        self._loop = loop

    async def run(self, source: str, is_final: bool = False) -> Result:
        """Run a command.

        :param is_final: False for ``"incomplete"`` as the answer to what may go on, such as the head of a function.
        """
        filename = f"<console {next(_numbers)}>"
        try:
            if not is_final and _may_go_on(source):
                return Result("incomplete")
            parts = _parts(source, filename)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as exc:
            return Result("failed", value=_as_text(exc, filename))
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        taken = output.Output()
        context = self._context.copy()
        context.run(output.taker.set, taken)
        try:
            with output.captured(), breakpoints.command():
                status, text = await self._run(parts, filename, context)
        finally:
            linecache.cache.pop(filename, None)
        return Result(status, str(taken), text)

    async def _run(self, parts: list[CodeType], filename: str, context: Context) -> tuple[Status, str]:
        value: t.Any = None
        for code in parts:
            if code.co_flags & inspect.CO_COROUTINE:
                value, error = await self._on_loop(code, context)
            else:
                value, error = await bridge.sockets.call(_call, (eval, code, self.names), context)
            if error is not None:
                # NOTE: in a thread as well, since a traceback's text asks the exception for its own.
                return "failed", await bridge.sockets.call(_as_text, (error, filename), context)
        shown, error = await bridge.sockets.call(_call, (_shown, value), context)
        if error is not None:
            return "failed", _as_text(error, filename)
        if value is not None:
            self.names["_"] = value
        return "done", shown

    async def _on_loop(self, code: CodeType, context: Context) -> tuple[t.Any, BaseException | None]:
        coroutine = eval(code, self.names)  # noqa: S307  # a console evaluates
        if self._loop is asyncio.get_running_loop():
            return await self._loop.create_task(_await(coroutine), context=context)
        future: t.Any = context.run(asyncio.run_coroutine_threadsafe, _await(coroutine), self._loop)
        outcome: tuple[t.Any, BaseException | None] = await asyncio.wrap_future(future)
        return outcome


def _parts(source: str, filename: str) -> list[CodeType]:
    """The statements, and, apart from them, the expression at the end, whose value is shown."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(source, filename, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = ast.Expression(last.value if isinstance(last, ast.Expr) else ast.Constant(None))
    return [
        compile(tree, filename, "exec", flags, dont_inherit=True),
        compile(ast.fix_missing_locations(value), filename, "eval", flags, dont_inherit=True),
    ]


def _may_go_on(source: str) -> bool:
    """Whether more lines may follow. A block ends with an empty line."""
    before, _, last = source.rpartition("\n")
    if before and last[:1].isspace() and last.strip():
        return True
    command = codeop.CommandCompiler()
    command.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return command(source, "<console>", "exec") is None


def _call(func: t.Any, *args: t.Any) -> tuple[t.Any, BaseException | None]:
    """Its result, or what it raised: also what would end a thread or a loop, such as SystemExit."""
    try:
        return func(*args), None
    except BaseException as exc:
        return None, exc


async def _await(coroutine: t.Any) -> tuple[t.Any, BaseException | None]:
    try:
        return await coroutine, None
    except asyncio.CancelledError as exc:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return None, exc
    except BaseException as exc:
        return None, exc


def _shown(value: t.Any) -> str:
    if value is None:
        return ""
    text = (
        pprint.pformat(value, width=100, sort_dicts=False) if type(value) in (dict, list, tuple, set) else repr(value)
    )
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters)"


def _as_text(exc: BaseException, filename: str) -> str:
    """The traceback from the command on, without what ran it."""
    tb = exc.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename != filename:
        tb = tb.tb_next
    if tb is None and not isinstance(exc, SyntaxError):
        tb = exc.__traceback__
    try:
        lines = traceback.TracebackException(type(exc), exc, tb, compact=True).format(chain=tb is not None)
        return "".join(lines)[-MAX_TEXT:]
    except Exception as failure:
        return f"{type(exc).__qualname__} (its traceback could not be shown: {type(failure).__name__})"
