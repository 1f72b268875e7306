"""The contexts behind ``current_app``, ``g``, ``request``, ``session``: who may see which request, and until when."""

from __future__ import annotations

import sys
import typing as t
from functools import update_wrapper

from . import bridge
from .globals import get_current, reset_current, set_current
from .signals import appcontext_popped, appcontext_pushed

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator
    from contextvars import Context
    from types import TracebackType

    from . import typing as ft
    from .app import Kolben
    from .dispatch.build import Plans
    from .dispatch.plan import Plan
    from .http.request import Request
    from .http.websocket import WebSocket
    from .routing import MapAdapter
    from .sessions import SessionMixin

_unset: t.Any = object()


class _AppCtxGlobals:
    """A plain namespace: what :data:`g` is. ``in``, iteration, :meth:`get`, :meth:`pop` and :meth:`setdefault` work as
    on a dict of its attributes."""

    # PERF: benchmarks/inprocess.py, kind "hooks". A `__delattr__` in Python would make each assignment a call.

    def __getattr__(self, name: str) -> t.Any:
        if name in self.__dict__:
            return self.__dict__[name]
        raise AttributeError(name)

    if t.TYPE_CHECKING:

        def __setattr__(self, name: str, value: t.Any) -> None: ...
        def __delattr__(self, name: str) -> None: ...

    def get(self, name: str, default: t.Any | None = None) -> t.Any:
        """The attribute, or ``default``."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: t.Any = _unset) -> t.Any:
        """Remove the attribute and return it.

        :raises KeyError: it is not there and no default is given.
        """
        if default is _unset:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: t.Any = None) -> t.Any:
        """The attribute, set to ``default`` first if it is not there."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        ctx = get_current(None)
        if ctx is not None:
            return f"<kolben.g of '{ctx.app.name}'>"
        return object.__repr__(self)


class AppContext:
    """What ``current_app`` and ``g`` stand for: pushed for commands and background tasks, and part of every request.

    Use it through :meth:`.Kolben.app_context`.
    """

    # PERF: benchmarks/inprocess.py, kind "plain text". Defaults stand on the class, so that creating a context stores
    # only what differs; slots would need every attribute stored.
    request: Request | None = None
    request_ctx: RequestContext | None = None
    _g: _AppCtxGlobals | None = None
    _url_adapter: MapAdapter | None = _unset
    _app_ctx: AppContext | None = None

    def __init__(self, app: Kolben) -> None:
        self.app = app
        self._tokens: list[t.Any] = []

    @property
    def app_ctx(self) -> AppContext:
        """The application context in force: this one."""
        return self

    @property
    def g(self) -> _AppCtxGlobals:
        """The namespace of this context, created when first asked for."""
        g = self._g
        if g is None:
            g = self._g = self.app.app_ctx_globals_class()
        return g

    @g.setter
    def g(self, value: _AppCtxGlobals) -> None:
        self._g = value

    @property
    def url_adapter(self) -> MapAdapter | None:
        """Builds URLs outside a request; ``None`` without ``SERVER_NAME``."""
        if self._url_adapter is _unset:
            self._url_adapter = self.app.create_url_adapter(None)
        return self._url_adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    def push(self) -> None:
        """Make this the current context."""
        outer = get_current(None)
        if outer is not None and not self._tokens:
            # FLASK: an application context inside a request leaves `request` and `session` in reach.
            self.request, self.request_ctx = outer.request, outer.request_ctx
        self._tokens.append(set_current(self))
        if appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=bridge.to_sync)

    def pop(self, exc: BaseException | None = _unset) -> None:
        """Leave this context. The last pop runs the functions of :meth:`.Kolben.teardown_appcontext`."""
        try:
            if len(self._tokens) == 1:
                if exc is _unset:
                    exc = sys.exc_info()[1]
                self.app.do_teardown_appcontext(exc)
        finally:
            self._leave(get_current(None), self._tokens.pop())
        if appcontext_popped.receivers:
            appcontext_popped.send(self.app, _async_wrapper=bridge.to_sync)

    def _leave(self, innermost: AppContext | None, token: t.Any) -> None:
        reset_current(token)
        if innermost is not self:
            kind = "request" if isinstance(self, RequestContext) else "app"
            raise AssertionError(f"Popped wrong {kind} context. ({innermost!r} instead of {self!r})")

    def __enter__(self) -> t.Self:
        self.push()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.pop(exc_value)

    async def __aenter__(self) -> t.Self:
        self.push()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        token = self._tokens.pop()
        try:
            if not self._tokens:
                await self._close_async(exc_value)
        finally:
            self._leave(get_current(None), token)
        if self._app_ctx is None and not self._tokens and appcontext_popped.receivers:
            await bridge.send_async(appcontext_popped, self.app)

    async def _close_async(self, exc: BaseException | None) -> None:
        await bridge.to_async(self.app.do_teardown_appcontext, crew="closers")(exc)


class RequestContext(AppContext):
    """One request (or WebSocket): what ``request``, ``session`` and ``g`` stand for while it is answered.

    The protocols create it. :meth:`push` and :meth:`pop` are for :meth:`.Kolben.test_request_context` and for running
    code in a copy of it.
    """

    plans: Plans
    request: Request
    websocket: WebSocket | None = None
    flashes: list[tuple[str, str]] | None = None
    plan: Plan = t.cast("Plan", None)  # NOTE: set by matching, which comes before anything reads it.
    is_eventful = False
    """Whether there is any of the next four, to be looked at before an answer leaves."""
    error: BaseException | None = None
    background: list[Callable[[], t.Any]] | None = None
    _session: SessionMixin | None = None
    _after_request: list[Callable[..., t.Any]] | None = None
    context: Context | None = None
    body_ended: asyncio.Event | None = None
    """Set when a body that the view streams has come to its end, or the client has gone."""
    is_closed = False
    is_working = False
    """Whether a worker thread runs the pipeline."""
    is_abandoned = False
    """Whether nobody waits for that thread any more."""
    owns_request = True
    """Whether the request is over when this context is; not that of a copy."""
    is_preserved = False
    """Whether the test client goes on with this context when the request is over, and may still ask for its body."""

    _tokens: t.Any = ()

    if t.TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:
        # PERF: benchmarks/inprocess.py, kind "plain text". Without a constructor it is made in half the time.
        __init__ = object.__init__

    def bind(self, plans: Plans, request: Request, session: SessionMixin | None = None) -> t.Self:
        """Make it the context of a request, which the plans are to answer."""
        self.app = plans.app
        self.plans = plans
        self.request = request
        if session is not None:
            self.hold_session(session)
        return self

    @property
    def request_ctx(self) -> RequestContext:  # type: ignore[override]  # a request context answers for itself
        return self

    @property
    def app_ctx(self) -> AppContext:
        """The application context in force: the one this request was pushed into, if it is of the same application."""
        return self._app_ctx or self

    @property
    def g(self) -> _AppCtxGlobals:
        """The namespace of this request."""
        if self._app_ctx is not None:
            return self._app_ctx.g
        g = self._g
        if g is None:
            g = self._g = self.app.app_ctx_globals_class()
        return g

    @g.setter
    def g(self, value: _AppCtxGlobals) -> None:
        if self._app_ctx is not None:
            self._app_ctx.g = value
        else:
            self._g = value

    @property
    def url_adapter(self) -> MapAdapter | None:
        """Matches and builds URLs for this request."""
        if self._url_adapter is _unset:
            self._url_adapter = self.plans.create_url_adapter(self.request)
        return self._url_adapter

    @url_adapter.setter
    def url_adapter(self, value: MapAdapter | None) -> None:
        self._url_adapter = value

    @property
    def session(self) -> SessionMixin:
        """The session, opened when first asked for. Asking sets :attr:`.SessionMixin.accessed`."""
        session = self._session
        if session is None:
            session = self.hold_session(self.plans.open_session(self))
        session.accessed = True
        return session

    def note_error(self, error: BaseException) -> None:
        """Note why this request fails, for the functions that tear it down."""
        self.error = error
        self.is_eventful = True

    def hold_session(self, session: SessionMixin) -> SessionMixin:
        """Make it the session of this request, to be saved with its response."""
        self._session = session
        self.is_eventful = True
        return session

    @property
    def _after_request_functions(self) -> list[Callable[..., t.Any]]:
        functions = self._after_request
        if functions is None:
            functions = self._after_request = []
            self.is_eventful = True
        return functions

    def copy(self) -> RequestContext:
        """A context of its own for the same request and session, to be pushed elsewhere."""
        session = self._session
        if session is None:
            session = self.hold_session(self.plans.open_session(self))
        other = type(self)().bind(self.plans, self.request, session)
        other.owns_request = False
        other.websocket = self.websocket
        other.plan = self.plan
        return other

    def push(self) -> None:
        """Make this the current context; the first time, open the session and match the URL."""
        self.is_preserved = False
        outer = get_current(None)
        if not self._tokens:
            if outer is not None and outer.request_ctx is self:
                # NOTE: a protocol is answering this request. It ends the context, not who pushes it once more.
                self._tokens = [None]
            else:
                self._tokens = []
                self.enter_app_context(outer)
        self._tokens.append(set_current(self))
        if self._app_ctx is None and len(self._tokens) == 1 and appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=bridge.to_sync)
        try:
            if self._session is None:
                self.hold_session(self.plans.open_session(self))
            if self.plan is None:
                self.match_request()
        except BaseException:
            reset_current(self._tokens.pop())
            raise

    def enter_app_context(self, outer: AppContext | None, on_loop: bool = False) -> None:
        """Share the application context that is in force, if it is of the same application.

        :param on_loop: the request came through ASGI. Then not that of another request: servers start the next request
            of a connection in a task that inherits the context of the one before.
        """
        if on_loop and outer is not None and outer.request_ctx is not None and not outer.request_ctx._tokens:
            outer = None
        self._app_ctx = outer.app_ctx if outer is not None and outer.app is self.app else None

    def match_request(self) -> None:
        """Match the URL now, as a session interface may that must know the endpoint; else it is done when it is due."""
        self.plan = self.plans.match(self)

    def pop(self, exc: BaseException | None = _unset) -> None:
        """Leave this context. The last pop runs the teardown functions."""
        try:
            if len(self._tokens) == 1:
                if exc is _unset:
                    exc = sys.exc_info()[1]
                plan = self.plans.sync.of(self.request)
                plan.close(self, plan, exc)
        finally:
            self._leave(get_current(None), self._tokens.pop())
        if self._app_ctx is None and not self._tokens and appcontext_popped.receivers:
            appcontext_popped.send(self.app, _async_wrapper=bridge.to_sync)

    async def _close_async(self, exc: BaseException | None) -> None:
        plan = self.plans.sync.of(self.request)
        await bridge.to_async(plan.close, crew="closers")(self, plan, exc)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url!r} [{self.request.method}] of {self.app.name}>"


F = t.TypeVar("F", bound="Callable[..., t.Any]")


def after_this_request(f: ft.AfterRequestCallable[t.Any]) -> ft.AfterRequestCallable[t.Any]:
    """Call ``f`` with the response of this request, before the functions of :meth:`.Kolben.after_request`.

    ``f`` takes the response and returns it, or another.

    :raises RuntimeError: there is no request.
    """
    ctx = _request_context(
        "'after_this_request' can only be used when a request context is active, such as in a view function."
    )
    ctx._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Make ``f`` run in a copy of this request's context wherever it is called, such as in another thread.

    The copy shares the request and the session, and ends when ``f`` returns.

    :raises RuntimeError: there is no request.
    """
    ctx = _request_context(
        "'copy_current_request_context' can only be used when a request context is active, such as in a view function."
    ).copy()
    if bridge.is_async(f):

        async def call_async(*args: t.Any, **kwargs: t.Any) -> t.Any:
            async with ctx:
                return await f(*args, **kwargs)

        return t.cast(F, update_wrapper(call_async, f))

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        with ctx:
            return ctx.app.ensure_sync(f)(*args, **kwargs)

    return t.cast(F, update_wrapper(call, f))


def _request_context(otherwise: str) -> RequestContext:
    ctx = get_current(None)
    if ctx is None or ctx.request_ctx is None:
        raise RuntimeError(otherwise)
    return ctx.request_ctx


def has_request_context() -> bool:
    """Whether ``request`` and ``session`` can be used here."""
    ctx = get_current(None)
    return ctx is not None and ctx.request is not None


def has_app_context() -> bool:
    """Whether ``current_app`` and ``g`` can be used here."""
    return get_current(None) is not None


def has_websocket_context() -> bool:
    """Whether ``websocket`` can be used here."""
    ctx = get_current(None)
    return ctx is not None and ctx.request_ctx is not None and ctx.request_ctx.websocket is not None


__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
    "has_websocket_context",
]
