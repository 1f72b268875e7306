"""``flask.ctx``: the contexts."""

from __future__ import annotations

import contextvars as contextvars
import sys as sys
import typing as t
from functools import update_wrapper as update_wrapper
from types import TracebackType as TracebackType

from werkzeug.exceptions import HTTPException as HTTPException

from kolben import ctx as _contexts
from kolben.ctx import AppContext as AppContext
from kolben.ctx import F as F
from kolben.ctx import _unset as _sentinel  # noqa: F401
from kolben.ctx import after_this_request as after_this_request
from kolben.ctx import copy_current_request_context as copy_current_request_context
from kolben.ctx import has_app_context as has_app_context
from kolben.ctx import has_request_context as has_request_context

from . import typing as ft  # noqa: F401
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .signals import appcontext_popped as appcontext_popped
from .signals import appcontext_pushed as appcontext_pushed

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from .app import Flask
    from .sessions import SessionMixin
    from .wrappers import Request


class _AppCtxGlobals(_contexts._AppCtxGlobals):
    """What ``flask.g`` is: a plain namespace."""

    def __repr__(self) -> str:
        ctx = _cv_app.get(None)
        return object.__repr__(self) if ctx is None else f"<flask.g of {ctx.app.name!r}>"


class _AnyRequestContext(type):
    """Takes every request's context for an instance, however it came into being."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _contexts.RequestContext)


class RequestContext(_contexts.RequestContext, metaclass=_AnyRequestContext):
    """The context of a request, made of an application and an environ as Flask's is."""

    def __init__(
        self,
        app: Flask,
        environ: WSGIEnvironment,
        request: Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        self.bind(app.plans(on_loop=False), request or app.request_class(environ), session)

    def copy(self) -> RequestContext:
        """A context of its own for the same request and session."""
        other = RequestContext(t.cast("Flask", self.app), self.request.environ, self.request, self._session)
        other.plan = self.plan
        return other
