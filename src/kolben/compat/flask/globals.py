"""``flask.globals``: the proxies, and Flask's two context variables as views of Kolben's one."""

from __future__ import annotations

import typing as t
from contextvars import ContextVar as ContextVar

from werkzeug.local import LocalProxy as LocalProxy

from kolben.globals import _NO_APP as _no_app_msg
from kolben.globals import _NO_REQUEST as _no_req_msg
from kolben.globals import app_ctx as app_ctx
from kolben.globals import current
from kolben.globals import current_app as current_app
from kolben.globals import g as g
from kolben.globals import request as request
from kolben.globals import request_ctx as request_ctx
from kolben.globals import session as session

if t.TYPE_CHECKING:
    from contextvars import Token

_unset: t.Any = object()


class _ContextVariable:
    """One of Flask's context variables: reads a part of the current context, and sets the whole of it.

    It can be called, as what :class:`werkzeug.local.LocalProxy` takes in place of a :class:`~contextvars.ContextVar`.
    """

    def __init__(self, name: str, attribute: str, unbound_message: str) -> None:
        self.name = name
        self._attribute = attribute
        self._unbound_message = unbound_message

    def get(self, default: t.Any = _unset, /) -> t.Any:
        """The context.

        :raises LookupError: there is none, and no default was given.
        """
        ctx = current.get(None)
        found = None if ctx is None else getattr(ctx, self._attribute)
        if found is not None:
            return found
        if default is _unset:
            raise LookupError(self)
        return default

    def set(self, value: t.Any, /) -> Token[t.Any]:
        """Make ``value`` the current context. It is neither pushed nor popped by this."""
        return current.set(value)

    def reset(self, token: Token[t.Any], /) -> None:
        """Undo :meth:`set`."""
        current.reset(token)

    def __call__(self) -> t.Any:
        try:
            return self.get()
        except LookupError:
            raise RuntimeError(self._unbound_message) from None

    def __repr__(self) -> str:
        return f"<ContextVar name={self.name!r}>"


_cv_app = _ContextVariable("flask.app_ctx", "app_ctx", _no_app_msg)
_cv_request = _ContextVariable("flask.request_ctx", "request_ctx", _no_req_msg)
