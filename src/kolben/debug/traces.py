"""A traceback as data: exceptions with their causes, frames with their source, and the part of a line that failed."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import traceback
import typing as t
from dataclasses import dataclass, field
from itertools import islice

from ..places import function_place

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType, TracebackType

LINES_AROUND = 6
"""Source lines shown before and after the one that failed."""

MAX_EXCEPTIONS = 20
MAX_FRAMES = 60
"""Frames shown of one traceback. Of a longer one, an endless recursion say, the middle is left out."""

_ABOUT_VIEWS = ("kolben.dispatch.convert", "kolben.dispatch.fit")
_RUNNERS = ("kolben.dispatch.run", "kolben.dispatch.websocket", "kolben.dispatch.overridable")

MAX_MESSAGE = 4000
MAX_LINE = 400

Relation = t.Literal["raised", "cause", "context", "member"]


@dataclass(slots=True)
class Line:
    """A source line. ``start`` and ``end`` are the columns between which it failed; equal where that is not known."""

    number: int
    text: str
    is_current: bool
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class Frame:
    """One call of a traceback, or, without a ``code``, the place that a :exc:`SyntaxError` names."""

    filename: str
    name: str
    line: int
    lines: list[Line]
    is_library: bool
    code: FrameType | None = None
    number: int = 0
    """Its place among the frames of all the exceptions."""
    variables: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Raised:
    """An exception, and how it is related to the one before it in the list.

    :ivar depth: in how many exception groups it is.
    :ivar omitted: how many frames are left out, after half of those that are kept.
    """

    kind: str
    message: str
    notes: list[str]
    relation: Relation
    depth: int
    frames: list[Frame]
    omitted: int = 0


def explore(exc: BaseException) -> list[Raised]:
    """The exception itself, members of groups, causes and contexts: as many as a page can hold, each once."""
    found = [_raised(*link) for link in islice(_chain(exc, "raised", 0, set()), MAX_EXCEPTIONS)]
    for number, frame in enumerate(frame for raised in found for frame in raised.frames):
        frame.number = number
    return found


def _chain(
    exc: BaseException, relation: Relation, depth: int, seen: set[int]
) -> Iterator[tuple[BaseException, Relation, int]]:
    link: BaseException | None = exc
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link, relation, depth
        if isinstance(link, BaseExceptionGroup):
            for member in link.exceptions:
                yield from _chain(member, "member", depth + 1, seen)
        if link.__cause__ is not None:
            link, relation = link.__cause__, "cause"
        else:
            link, relation = None if link.__suppress_context__ else link.__context__, "context"


def _raised(exc: BaseException, relation: Relation, depth: int) -> Raised:
    calls = list(_calls(exc.__traceback__))
    place = _syntax(exc) or _template_syntax(exc)
    if place is not None and calls and _is_template(calls[-1].tb_frame):
        del calls[-1]
    omitted = max(0, len(calls) - MAX_FRAMES)
    if omitted:
        del calls[MAX_FRAMES // 2 : MAX_FRAMES // 2 + omitted]
    frames = [_frame(tb) for tb in calls]
    if place is not None:
        frames.append(place)
    notes = [str(note)[:MAX_MESSAGE] for note in getattr(exc, "__notes__", ()) if isinstance(note, str)]
    return Raised(kind(exc), message(exc), notes, relation, depth, frames, omitted)


def own_frame(found: list[Raised]) -> Frame | None:
    """The innermost frame of the user's own files: of the exception itself, or else of the next one that has any."""
    for raised in found:
        own = [frame for frame in raised.frames if not frame.is_library]
        if own:
            return own[-1]
    return None


def is_about_view(raised: Raised) -> bool:
    """Whether it was raised where a view's rule or its return value is looked at, and by nothing of the user's there.

    Further out their code may stand: a middleware.
    """
    for frame in reversed(raised.frames):
        if not frame.is_library:
            return False
        if frame.code is not None and frame.code.f_globals.get("__name__") in _ABOUT_VIEWS:
            return True
    return False


def view_frame(view: t.Any) -> Frame | None:
    """Where a view is defined, for an exception that is about it and not of it. ``None`` for one of a library."""
    place = function_place(view)
    if place is None or is_library(place[0]):
        return None
    filename, number = place
    linecache.checkcache(filename)
    lines = _around(linecache.getlines(filename), number)
    return Frame(filename, getattr(view, "__name__", ""), number, lines, is_library=False)


def kind(exc: BaseException) -> str:
    """The name of its class, with the module unless that is built in."""
    cls = type(exc)
    return cls.__qualname__ if cls.__module__ in ("builtins", "__main__") else f"{cls.__module__}.{cls.__qualname__}"


def message(exc: BaseException) -> str:
    """What it says; or that it cannot say it."""
    try:
        text = exc.msg if isinstance(exc, SyntaxError) else str(exc)
    except Exception as failure:
        return f"(its message could not be shown: {type(failure).__name__} in __str__)"
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + "…"


def as_text(exc: BaseException) -> str:
    """The traceback as Python prints it."""
    tb = next(_calls(exc.__traceback__), None)
    try:
        return "".join(traceback.TracebackException(type(exc), exc, tb, compact=True).format())
    except Exception as failure:
        return f"{kind(exc)}: {message(exc)}\n(its traceback could not be shown: {kind(failure)})\n"


def _calls(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        if not _only_passes_on(tb):
            yield tb
        tb = tb.tb_next


def _only_passes_on(tb: TracebackType) -> bool:
    """Whether it is the debugger, or what raises an exception again that no handler took."""
    module, name = tb.tb_frame.f_globals.get("__name__"), tb.tb_frame.f_code.co_name
    if module == "kolben.debug.debugger":
        return True
    return tb.tb_next is not None and module in _RUNNERS and name in ("fail", "fail_async", "_fail")


# -- frames ----------------------------------------------------------------------------------------------------------


def _frame(tb: TracebackType) -> Frame:
    frame = tb.tb_frame
    code = frame.f_code
    number = tb.tb_lineno or code.co_firstlineno
    linecache.checkcache(code.co_filename)
    source = linecache.getlines(code.co_filename, frame.f_globals)
    is_template = _is_template(frame)
    place = None if is_template else _position(code, tb.tb_lasti)
    lines = _around(source, number)
    if place is not None:
        _mark(lines, *place)
    name = code.co_name if is_template else code.co_qualname
    return Frame(code.co_filename, name, number, lines, is_library(code.co_filename), frame)


def _is_template(frame: FrameType) -> bool:
    """Whether Jinja made this frame, to stand for a line of a template. Its columns are not the template's."""
    return "__jinja_exception__" in frame.f_globals


def _position(code: CodeType, instruction: int) -> tuple[int, int, int, int] | None:
    """First and last line, first and last column (in UTF-8 bytes) of what was evaluated, if the code object knows."""
    if instruction < 0:
        return None
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if first is None or last is None or start is None or end is None:
        return None
    return first, last, start, end


def _around(source: list[str], number: int) -> list[Line]:
    first = max(1, number - LINES_AROUND)
    chosen = source[first - 1 : number + LINES_AROUND]
    texts = [text.rstrip("\r\n").expandtabs(1)[:MAX_LINE] for text in chosen]
    return [Line(n, text, n == number) for n, text in enumerate(texts, first)]


def _mark(lines: list[Line], first: int, last: int, start: int, end: int) -> None:
    for line in lines:
        if first <= line.number <= last:
            indent = len(line.text) - len(line.text.lstrip())
            line.start = _column(line.text, start) if line.number == first else indent
            line.end = _column(line.text, end) if line.number == last else len(line.text)


def _column(text: str, offset: int) -> int:
    return len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))


def _syntax(exc: BaseException) -> Frame | None:
    """The line that a syntax error is about, which no frame of its traceback shows."""
    if not isinstance(exc, SyntaxError) or not exc.lineno:
        return None
    filename = exc.filename or "<unknown>"
    linecache.checkcache(filename)
    lines = _around(linecache.getlines(filename), exc.lineno)
    if not lines and exc.text:
        lines = [Line(exc.lineno, exc.text.rstrip("\r\n")[:MAX_LINE], True)]
    start = max(0, (exc.offset or 1) - 1)
    for line in lines:
        if line.is_current and exc.offset:
            is_one_line = exc.end_lineno == exc.lineno and (exc.end_offset or 0) > exc.offset
            line.start, line.end = start, (exc.end_offset or 0) - 1 if is_one_line else start + 1
    return Frame(filename, "(syntax)", exc.lineno, lines, is_library=False)


def _template_syntax(exc: BaseException) -> Frame | None:
    """The line of a template that does not compile: Jinja's ``TemplateSyntaxError``, known by its attributes so that
    Jinja need not be imported."""
    number, source = getattr(exc, "lineno", None), getattr(exc, "source", None)
    if isinstance(exc, SyntaxError) or not isinstance(number, int) or not isinstance(source, str):
        return None
    filename = getattr(exc, "filename", None) or getattr(exc, "name", None) or "<template>"
    return Frame(str(filename), "(template)", number, _around(source.splitlines(), number), is_library=False)


# -- whose code it is ------------------------------------------------------------------------------------------------


def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {
        os.path.dirname(os.__file__),
        os.path.dirname(os.path.dirname(__file__)),
        os.path.dirname(sys.executable),
    }
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)


LIBRARY_FOLDERS = _library_folders()


def is_library(filename: str) -> bool:
    """Whether a file belongs to Python, Kolben or an installed package, and not to the user's own program."""
    if filename.startswith("<"):
        return filename.startswith(("<frozen ", "<kolben"))
    path = os.path.realpath(filename)
    parts = path.split(os.sep)
    return path.startswith(LIBRARY_FOLDERS) or "site-packages" in parts or "dist-packages" in parts


def library_of(frame: Frame) -> str:
    """The name of the library that a frame belongs to."""
    name = "" if frame.code is None else str(frame.code.f_globals.get("__name__") or "").partition(".")[0]
    return "Python" if not name or name in sys.stdlib_module_names else name


def shown_path(filename: str) -> str:
    """A file's path, short where it is below the folder that the server was started in."""
    folder = os.path.join(os.getcwd(), "")
    return filename.removeprefix(folder)
