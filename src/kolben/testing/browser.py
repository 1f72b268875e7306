"""What an asynchronous client takes from the synchronous one: cookies, defaults, requests in the making."""

from __future__ import annotations

import asyncio
import typing as t

from .awaitable import AwaitableResponse
from .client import KolbenClient

if t.TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.test import TestResponse
    from werkzeug.wrappers import Request as BaseRequest

    from ..sessions import SessionMixin
    from .scope import Scope


class Browser(KolbenClient):
    """A synchronous client that hands over what it would send."""

    entered_by: asyncio.Task[t.Any] | None = None

    def __init__(self, *args: t.Any) -> None:
        super().__init__(*args)
        wrapper = (AwaitableResponse, self.response_wrapper)
        self.response_wrapper = t.cast("type[TestResponse]", type("AsyncTestResponse", wrapper, {}))

    @property
    def entered_here(self) -> bool:
        """Whether this is the task that entered the client: only there can a context stay in force."""
        return self.entered_by is not None and asyncio.current_task() is self.entered_by

    def open(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The request that these arguments describe."""
        return self.build_request(args, kwargs)

    def redirected(self, response: TestResponse) -> BaseRequest:
        """The request that follows a redirect."""
        return t.cast("BaseRequest", self.resolve_redirect(response))

    def take_contexts(self) -> list[t.Any]:
        """The contexts of the last request that was to leave its own behind."""
        contexts = self._new_contexts[:]
        self._new_contexts.clear()
        return contexts

    def _copy_environ(self, other: WSGIEnvironment) -> WSGIEnvironment:
        self.preserve_context = self.entered_here
        return super()._copy_environ(other)


class SessionTransaction:
    """A session while a test changes it."""

    def __init__(self, transaction: AbstractContextManager[SessionMixin]) -> None:
        self._transaction = transaction

    def __enter__(self) -> SessionMixin:
        return self._transaction.__enter__()

    def __exit__(self, *exc_info: t.Any) -> None:
        self._transaction.__exit__(*exc_info)

    async def __aenter__(self) -> SessionMixin:
        return self.__enter__()

    async def __aexit__(self, *exc_info: t.Any) -> None:
        self.__exit__(*exc_info)


def take_quart_arguments(kwargs: dict[str, t.Any]) -> Scope:
    """Turn the arguments that only Quart's client has into :class:`.EnvironBuilder`'s; what says it for the scope is
    returned."""
    overrides = dict(kwargs.pop("scope_base", None) or {})
    overrides.update({name: kwargs.pop(name) for name in ("root_path", "http_version") if name in kwargs})
    if "scheme" in kwargs:
        scheme = kwargs.pop("scheme")
        kwargs["url_scheme"] = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    if "form" in kwargs or "files" in kwargs:
        kwargs["data"] = {**(kwargs.pop("form", None) or {}), **(kwargs.pop("files", None) or {})}
    return overrides
