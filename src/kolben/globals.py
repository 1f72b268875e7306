"""The names that are the same everywhere and mean the current request: ``request``, ``session``, ``current_app``, …

Each is a proxy onto one context variable, :data:`current`. It holds the innermost context that was pushed: an
application context, or a request context, which is one too.
"""

from __future__ import annotations

import threading
import typing as t
from contextvars import ContextVar

from werkzeug.local import LocalProxy

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .app import Kolben
    from .ctx import AppContext, RequestContext, _AppCtxGlobals
    from .http.request import Request
    from .http.websocket import WebSocket
    from .sessions import SessionMixin

current: ContextVar[AppContext] = ContextVar("kolben.context")
# PERF: benchmarks/inprocess.py, kind "plain text": a method of what was imported is bound anew for each call of it.
get_current, set_current, reset_current = current.get, current.set, current.reset

_NO_APP = """\
Working outside of application context.

This typically means that you attempted to use functionality that needed
the current application. To solve this, set up an application context
with app.app_context(). See the documentation for more information.\
"""

_NO_REQUEST = """\
Working outside of request context.

This typically means that you attempted to use functionality that needed
an active HTTP request. Consult the documentation on testing for
information about how to avoid this problem.\
"""

_NO_WEBSOCKET = """\
Working outside of websocket context.

This typically means that you attempted to use functionality that needed
an open WebSocket. Use `request` in a view that answers HTTP.\
"""


def _outside(message: str, name: str) -> RuntimeError:
    # NOTE: loaded by the first error; most programs have none.
    from .outside import OutsideContextError

    return OutsideContextError(message, name)


def _app_ctx() -> AppContext:
    ctx = get_current(None)
    if ctx is None:
        raise _outside(_NO_APP, "app_ctx")
    return ctx.app_ctx


def _request_ctx() -> RequestContext:
    ctx = get_current(None)
    if ctx is None or (request_ctx := ctx.request_ctx) is None:
        raise _outside(_NO_REQUEST, "request_ctx")
    return request_ctx


def _current_app() -> Kolben:
    ctx = get_current(None)
    if ctx is None:
        raise _outside(_NO_APP, "current_app")
    return ctx.app


def _g() -> _AppCtxGlobals:
    ctx = get_current(None)
    if ctx is None:
        raise _outside(_NO_APP, "g")
    g = ctx._g
    return ctx.g if g is None else g


def _request() -> Request:
    ctx = get_current(None)
    if ctx is None or (request := ctx.request) is None:
        raise _outside(_NO_REQUEST, "request")
    return request


def _session() -> SessionMixin:
    # PERF: benchmarks/inprocess.py, kind "session". What RequestContext.session does, without two properties.
    ctx: t.Any = get_current(None)
    try:
        session = ctx._session
    except AttributeError:  # no context, or that of an application, perhaps within a request
        session = None
    if session is None:
        return _request_ctx().session
    session.accessed = True
    return session  # type: ignore[no-any-return]  # PERF: a cast is a call


def _websocket() -> WebSocket:
    websocket = _request_ctx().websocket
    if websocket is None:
        raise _outside(_NO_WEBSOCKET, "websocket")
    return websocket


class _ContextProxy(LocalProxy[t.Any]):
    """A proxy that finds its object in one call, and an attribute of it without looking for it in itself.

    PERF: benchmarks/inprocess.py, kinds "query", "hooks" and "session": Werkzeug's own proxy takes five calls, and an
    AttributeError for each attribute, which costs more than they do.
    """

    __slots__ = ()

    def __init__(self, find: Callable[[], t.Any]) -> None:
        super().__init__(find)
        object.__setattr__(self, "_get_current_object", find)

    def __getattr__(self, name: str) -> t.Any:
        # NOTE: called when the object, too, has no such attribute. It is not asked again.
        key, error = _missed.__dict__.pop("error", (None, None))
        if key != (id(self), name):
            return getattr(self._get_current_object(), name)
        try:
            raise error
        finally:
            del error


_missed = threading.local()
_OWN = frozenset(dir(_ContextProxy))


def _proxy(find: Callable[[], t.Any]) -> LocalProxy[t.Any]:
    """A proxy onto what ``find()`` finds."""

    class Proxy(_ContextProxy):
        __slots__ = ()

        def __getattribute__(self, name: str) -> t.Any:
            if name in _OWN:
                return object.__getattribute__(self, name)
            try:
                return getattr(find(), name)
            except AttributeError as error:
                _missed.error = (id(self), name), error
                raise

        def __setattr__(self, name: str, value: t.Any) -> None:
            setattr(find(), name, value)

        def __getitem__(self, key: t.Any) -> t.Any:
            return find()[key]

        def __setitem__(self, key: t.Any, value: t.Any) -> None:
            find()[key] = value

        def __contains__(self, key: t.Any) -> bool:
            return key in find()

    return _named(Proxy)(find)


class _GProxy(_ContextProxy):
    """The proxy ``g``, whose object is a namespace."""

    __slots__ = ()

    # PERF: benchmarks/inprocess.py, kind "hooks": what `_g` does stands in each.
    def __getattribute__(self, name: str) -> t.Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        ctx = get_current(None)
        try:
            return getattr(_g() if ctx is None else ctx._g or ctx.g, name)
        except AttributeError as error:
            _missed.error = (id(self), name), error
            raise

    def __setattr__(self, name: str, value: t.Any) -> None:
        ctx = get_current(None)
        setattr(_g() if ctx is None else ctx._g or ctx.g, name, value)

    def __delattr__(self, name: str) -> None:
        g = _g()
        try:
            delattr(g, name)
        except AttributeError:
            if type(g).__delattr__ is not object.__delattr__:
                raise
            # FLASK: the message is the name.
            raise AttributeError(name) from None

    def __contains__(self, name: str) -> bool:
        return name in _g()


class _RequestProxy(_ContextProxy):
    """The proxy ``request``, which is mostly read."""

    __slots__ = ()

    # PERF: benchmarks/inprocess.py, kinds "query" and "request headers": what `_request` does stands here.
    def __getattribute__(self, name: str) -> t.Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        ctx = get_current(None)
        try:
            return getattr(_request() if ctx is None or (request := ctx.request) is None else request, name)
        except AttributeError as error:
            _missed.error = (id(self), name), error
            raise


def _named(cls: type[_ContextProxy]) -> type[_ContextProxy]:
    # FLASK: a proxy without a context is "<LocalProxy unbound>".
    cls.__name__ = LocalProxy.__name__
    return cls


if t.TYPE_CHECKING:
    app_ctx: AppContext
    request_ctx: RequestContext
    current_app: Kolben
    g: _AppCtxGlobals
    request: Request
    session: SessionMixin
    websocket: WebSocket
else:
    app_ctx = _proxy(_app_ctx)
    request_ctx = _proxy(_request_ctx)
    current_app = _proxy(_current_app)
    g = _named(_GProxy)(_g)
    request = _named(_RequestProxy)(_request)
    session = _proxy(_session)
    websocket = _proxy(_websocket)
