"""The last errors, with what their pages and consoles need. Few, since each keeps all that its frames refer to."""

from __future__ import annotations

import secrets
import threading
import typing as t
from collections import OrderedDict

from ..globals import set_current
from . import traces
from .console import Console
from .redaction import Redactor, secrets_of_environment
from .request import Asked, describe_request, find_context, method_of, plain_url, redactor_for
from .values import Describer, describe_all

if t.TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Mapping
    from contextvars import Context

    from ..ctx import RequestContext

MAX_ERRORS = 10
MAX_VARIABLES = 50
"""Variables shown of one frame."""


class RecordedError:
    """An exception that came out of the application, and the request it belongs to.

    :ivar raised: the exceptions and frames, the values of their variables included.
    :ivar asked: the request, or ``None`` outside one.
    :ivar text: the traceback as text, without known secrets.
    :ivar own: where to look first: the innermost frame of the user's own files, or, without a ``code``, the view that
        the exception is about.
    """

    def __init__(
        self,
        exc: BaseException,
        scope: Mapping[str, t.Any] | None = None,
        context: Context | None = None,
        loop: AbstractEventLoop | None = None,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.place = "" if scope is None else f"{method_of(scope)} {plain_url(scope)}"
        self._context = context
        self._loop = loop
        self._consoles: dict[int, Console] = {}
        self._lock = threading.Lock()
        self.asked: Asked | None = None
        self.own: traces.Frame | None = None
        try:
            self._explore(exc, scope, context)
        except Exception as failure:
            # NOTE: what is explored is the user's, and may do anything. Their exception matters more than this one.
            self.text = Redactor(secrets_of_environment())(traces.as_text(exc))
            note = f"(The rest could not be shown: {traces.kind(failure)}: {traces.message(failure)})"
            self.raised = [traces.Raised(traces.kind(exc), traces.message(exc), [note], "raised", 0, [])]

    def _explore(self, exc: BaseException, scope: Mapping[str, t.Any] | None, context: Context | None) -> None:
        ctx = find_context(exc)
        if ctx is not None and context is not None:
            context.run(set_current, ctx)
        redact = redactor_for(scope, ctx)
        self.text = redact(traces.as_text(exc))
        if scope is not None:
            self.asked = describe_request(scope, ctx, redact)
        self.raised = traces.explore(exc)
        for raised in self.raised:
            raised.message = redact(raised.message)
            raised.notes = [redact(note) for note in raised.notes]
        frames = self._frames()
        self.own = traces.own_frame(self.raised)
        if self.own is None or traces.is_about_view(self.raised[0]):
            view = traces.view_frame(_view_of(exc, ctx))
            if view is not None:
                self.own = view
                frames.append(view)
        for frame in frames:
            for line in frame.lines:
                line.text = redact.in_place(line.text)
        if context is not None:
            self._describe_variables(Describer(redact), context)

    @property
    def summary(self) -> str:
        """Class and message in one line."""
        first = self.raised[0]
        return f"{first.kind}: {first.message}" if first.message else first.kind

    @property
    def where(self) -> str:
        """The place of :attr:`own` in words, such as ``app.py, line 12, in index``; empty if there is none."""
        own = self.own
        if own is None:
            return ""
        place = f"{traces.shown_path(own.filename)}, line {own.line}"
        return f"{place}, in {own.name}" if own.name.isprintable() and own.name[:1] not in ("(", "") else place

    @property
    def located_text(self) -> str:
        """:attr:`text` below a line that says :attr:`where`."""
        return f"In your code: {self.where}\n\n{self.text}" if self.own else self.text

    @property
    def has_consoles(self) -> bool:
        """Whether there is a loop for its consoles to run on."""
        return self._loop is not None

    def console(self, number: int) -> Console | None:
        """The console of the frame with this number, made when first asked for."""
        if self._context is None or self._loop is None:
            return None
        with self._lock:
            if number not in self._consoles:
                code = next((frame.code for frame in self._frames() if frame.number == number), None)
                if code is None:
                    return None
                self._consoles[number] = Console(code, self._context, self._loop)
            return self._consoles[number]

    def _frames(self) -> list[traces.Frame]:
        return [frame for raised in self.raised for frame in raised.frames]

    def _describe_variables(self, describe: Describer, context: Context) -> None:
        found: list[tuple[traces.Frame, str, t.Any]] = []
        for frame in self._frames():
            if frame.code is not None:
                is_module = frame.code.f_locals is frame.code.f_globals
                names = [name for name in list(frame.code.f_locals) if not (is_module and name.startswith("__"))]
                found += ((frame, name, frame.code.f_locals.get(name)) for name in names[:MAX_VARIABLES])
        texts = describe_all(describe, [(name, value) for _, name, value in found], context)
        for (frame, name, _), text in zip(found, texts, strict=True):
            frame.variables.append((name, text))


def _view_of(exc: BaseException, ctx: RequestContext | None) -> t.Any:
    """The view that the exception names, or that of the request."""
    named = vars(exc).get("view")
    if callable(named) or ctx is None:
        return named
    return ctx.app.view_functions.get(ctx.request.endpoint or "")


class RecentErrors:
    """The last :data:`MAX_ERRORS` errors by their id; the oldest is let go for a new one."""

    def __init__(self) -> None:
        self._errors: OrderedDict[str, RecordedError] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, error: RecordedError) -> None:
        """Keep an error."""
        with self._lock:
            self._errors[error.id] = error
            while len(self._errors) > MAX_ERRORS:
                self._errors.popitem(last=False)

    def get(self, id: str) -> RecordedError | None:
        """The error, if it is not yet let go."""
        return self._errors.get(id)

    def newest_first(self) -> list[RecordedError]:
        """All that are kept."""
        with self._lock:
            return list(reversed(self._errors.values()))
