"""The error for a proxy that is used where there is no context: who used it, where, and what to do about it.

It is loaded when the first one is made, and its text is put together when it is read: ``bool(request)`` makes one too.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import threading
import typing as t
from functools import lru_cache

from .places import short_path

if t.TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

_OWN = os.path.dirname(__file__) + os.sep
_STDLIB = tuple(
    os.path.realpath(path) + os.sep for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
)
_LIBRARIES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_LONGEST = 80

_APP_NAMES = frozenset({"current_app", "g", "app_ctx"})
_PUBLIC = frozenset({"current_app", "g", "request"})

_WAYS_IN_MODULE = (
    "This line runs when its module is imported, before there is any {what}. Move it into the function that needs it:"
    " a view, or a function that a view calls."
)
_WAYS_IN_THREAD = (
    "This line runs in the thread {thread!r}, and a thread that a program starts has no {what}. Read what it needs"
    " before it is started and pass that on, or enter the application in it: 'with app.app_context():'."
)
_WAYS_TO_APP = (
    "In a script or a test, put it into a block 'with app.app_context():', or into one"
    " 'with app.test_request_context():' where it needs a request too.",
    "At a prompt, start it by 'kolben shell', which has the application.",
    "In a command, register it with '@app.cli.command()', or decorate it with '@with_appcontext'.",
)
_WAYS_TO_REQUEST = (
    "In a test or at a prompt, put it into a block 'with app.test_request_context(\"/path\"):', or send a request by"
    " 'app.test_client()'.",
    "Where no request is needed, pass the value in as a parameter, and let the view read it from the request.",
)


class Place(t.NamedTuple):
    """What a frame was doing at one moment: later it does something else."""

    code: CodeType
    last_instruction: int
    line: int | None
    names: dict[str, t.Any]


class OutsideContextError(RuntimeError):
    """A proxy was used where there is no context for it.

    :param message: the first part, which is Flask's.
    :param name: of the proxy.
    """

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.proxy = name
        self.place = find_place(sys._getframe(1))
        self.thread = threading.current_thread()
        # NOTE: when the text is read, that context may be gone.
        self.is_flasks_turn = "flask.globals" in sys.modules and _has_foreign_context()

    def __str__(self) -> str:
        foreign = _FOREIGN.format(proxy=self.proxy) if self.is_flasks_turn else ""
        parts = [self.args[0], self._where(), foreign, *self._ways()]
        return "\n\n".join(filter(None, parts))

    def _where(self) -> str:
        place = self.place
        if place is None:
            return f"It was '{self.proxy}'."
        call = source_of(place)
        # NOTE: where the text is an expression of the user's that uses the proxy only in the end, both are named.
        is_hidden = call and self.proxy not in call and self.proxy in _PUBLIC
        used = f"'{call or self.proxy}'" + (f", which uses '{self.proxy}'," if is_hidden else "")
        function = "" if place.code.co_name.startswith("<") else f", in '{place.code.co_name}'"
        return f"It was {used} in {where(place)}{function}."

    def _ways(self) -> list[str]:
        is_app = self.proxy in _APP_NAMES
        what = "application context" if is_app else "WebSocket" if self.proxy == "websocket" else "request"
        ways = [*(_WAYS_TO_APP if is_app else () if self.proxy == "websocket" else _WAYS_TO_REQUEST)]
        if self.place is not None and self.place.code.co_name == "<module>" and self.place.names.get("__spec__"):
            ways.insert(0, _WAYS_IN_MODULE.format(what=what))
        elif self.thread is not threading.main_thread() and not self.thread.name.startswith("kolben-"):
            ways.insert(0, _WAYS_IN_THREAD.format(what=what, thread=self.thread.name))
        return ["What helps:\n" + "\n".join(f"- {way}" for way in ways)] if ways else []

    def __reduce__(self) -> tuple[t.Any, ...]:
        return RuntimeError, (str(self),)


# FLASK: what tracebacks and logs show is a RuntimeError.
OutsideContextError.__name__ = OutsideContextError.__qualname__ = "RuntimeError"
OutsideContextError.__module__ = "builtins"


def find_place(frame: FrameType | None) -> Place | None:
    """The innermost frame of the user's own code, or else the innermost that is not Kolben's or Python's."""
    nearest: Place | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        if not _is_machinery(file):
            place = Place(frame.f_code, frame.f_lasti, frame.f_lineno, frame.f_globals)
            if not any(part in file for part in _LIBRARIES):
                return place
            nearest = nearest or place
        frame = frame.f_back
    return nearest


@lru_cache(256)
def _is_machinery(file: str) -> bool:
    if file.startswith("<"):
        return file.startswith("<frozen")
    if file.startswith(_OWN) or f"{os.sep}werkzeug{os.sep}" in file:
        return True
    return os.path.realpath(file).startswith(_STDLIB) and not any(part in file for part in _LIBRARIES)


def source_of(place: Place) -> str:
    """The expression that the place was evaluating, or its whole line, or nothing if there is no source."""
    if place.code.co_filename == "<string>":
        return ""  # NOTE: any code that was given as a string has this name; the source found by it may be another's.
    positions = list(place.code.co_positions())
    index = place.last_instruction // 2
    line, last, start, end = positions[index] if 0 <= index < len(positions) else (None, None, None, None)
    if "__jinja_template__" in place.names or line is None:
        return linecache.getline(place.code.co_filename, _line_of(place)).strip()
    lines = [linecache.getline(place.code.co_filename, n, place.names) for n in range(line, (last or line) + 1)]
    if start is not None and end is not None and all(lines):
        encoded = [text.encode() for text in lines]
        encoded[-1] = encoded[-1][:end]
        encoded[0] = encoded[0][start:]
        lines = [text.decode(errors="replace") for text in encoded]
    text = " ".join(" ".join(lines).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 2] + " …"


def where(place: Place) -> str:
    """``'file', line n``: from the current folder on, if it is below that."""
    return f"'{short_path(place.code.co_filename)}', line {_line_of(place)}"


def _line_of(place: Place) -> int:
    template = place.names.get("__jinja_template__")
    if template is not None and place.line is not None:
        line: int = template.get_corresponding_lineno(place.line)
        return line
    return place.line or 0


# -- two frameworks in one process -----------------------------------------------------------------------------------


_FOREIGN = (
    "There was a context of Flask's own at that moment: the application is a 'flask.Flask', and this '{proxy}' is"
    " Kolben's. Import '{proxy}' from 'flask', or let 'import flask' mean Kolben everywhere by 'import"
    " kolben.as_flask' as the program's first line."
)


def _has_foreign_context() -> bool:
    """Whether an application of the real Flask is running."""
    flask = sys.modules["flask.globals"]
    variable = getattr(flask, "_cv_app", None)
    return variable is not None and not _is_alias(flask) and variable.get(None) is not None


def explain_foreign_proxy(exc: Exception) -> None:
    """Add a note to an error that a proxy of the real Flask raised, while an application of Kolben's was running."""
    flask = sys.modules.get("flask.globals")
    if flask is None or _is_alias(flask) or "Working outside of" not in str(exc) or hasattr(exc, "__notes__"):
        return
    if isinstance(exc, OutsideContextError) or (place := _raised_at(exc.__traceback__)) is None:
        return
    exc.add_note(
        f"'{source_of(place)}' in {where(place)} uses the real Flask ('{flask.__file__}'), which knows nothing of this"
        " application: it is Kolben's. An extension that imports 'flask' needs 'flask' to mean Kolben: put 'import"
        " kolben.as_flask' as the program's first line, or start it by 'kolben --as-flask'."
    )


def _is_alias(flask: t.Any) -> bool:
    return "kolben.as_flask" in sys.modules or flask.__spec__ is None


def _raised_at(tb: TracebackType | None) -> Place | None:
    """The last frame of a traceback that is not Werkzeug's or Python's."""
    place = None
    while tb is not None:
        if not _is_machinery(tb.tb_frame.f_code.co_filename):
            place = Place(tb.tb_frame.f_code, tb.tb_lasti, tb.tb_lineno, tb.tb_frame.f_globals)
        tb = tb.tb_next
    return place
