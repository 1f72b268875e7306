"""The synchronous test client: Flask's, over WSGI or ASGI."""

from __future__ import annotations

import functools
import importlib.metadata
import typing as t
import weakref
from contextlib import ExitStack, contextmanager
from copy import copy
from urllib.parse import urlsplit
from wsgiref.validate import IteratorWrapper
from wsgiref.validate import validator as wsgi_validator

import werkzeug.test
from werkzeug.test import Client, run_wsgi_app
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wsgi import get_current_url

from .environ import EnvironBuilder
from .scope import scope_from_environ
from .server import LoopServer
from .validator import asgi_validator
from .websocket import SyncWebSocket

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.datastructures import Headers
    from werkzeug.test import TestResponse
    from werkzeug.wrappers import Response as BaseResponse

    from ..app import Kolben
    from ..sessions import SessionMixin
    from .scope import ASGIApp

Protocol: t.TypeAlias = t.Literal["wsgi", "asgi"]


class KolbenClient(Client):
    """Sends requests to an application without a server in between.

    .. code-block:: python

        def test_index(app):
            with app.test_client() as client:
                response = client.get("/", query_string={"page": 2})
                assert response.json == {"page": 2}
                assert request.endpoint == "index"

    In a ``with`` block the context of the last request stays in force, so that ``request``, ``session`` and ``g`` can
    be looked at after it. Cookies are kept between requests. :class:`werkzeug.test.Client` describes the rest.

    :param protocol: ``"wsgi"``, or ``"asgi"``: then the application runs on an event loop in a thread of its own, from
        the first request (or the ``with`` block) to :meth:`close` (or the end of the block), with its lifespan around
        it. Either way responses are the same, and one that is streamed is read as it is iterated.
    :param validate: Whether every message is checked against the protocol, by :mod:`wsgiref.validate` or
        :func:`.asgi_validator`. The class attribute of that name says what holds if nothing is passed.
    :param lifespan: Whether the application is started up and shut down, over ASGI.
    """

    application: Kolben
    protocol: Protocol = "wsgi"
    validate: bool = False

    def __init__(
        self,
        application: Kolben,
        response_wrapper: type[BaseResponse] | None = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
        *,
        protocol: Protocol | None = None,
        validate: bool | None = None,
        lifespan: bool = True,
    ) -> None:
        super().__init__(application, response_wrapper, use_cookies, allow_subdomain_redirects)
        self.preserve_context = False
        self._new_contexts: list[AbstractContextManager[t.Any]] = []
        self._context_stack = ExitStack()
        self._started_by_with = False
        self.environ_base = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{_werkzeug_version()}",
        }
        if protocol is not None:
            self.protocol = protocol
        if validate is not None:
            self.validate = validate
        self._wsgi_app = _validated_wsgi(application) if self.validate else application
        self._server = LoopServer(asgi_face(application, self.validate), lifespan)
        weakref.finalize(self, self._server.close).atexit = False

    # -- requests ----------------------------------------------------------------------------------------------------

    def open(
        self, *args: t.Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: t.Any
    ) -> TestResponse:
        """Send a request and return its response.

        :param args: What :class:`.EnvironBuilder` takes; or one builder, environ or request.
        :param buffered: Read the response to its end first.
        :param follow_redirects: Follow redirects; ``history`` of the response has the ones before.
        """
        request = self.build_request(args, kwargs)
        # The contexts of the request before end here, also those of one that was redirected.
        self._context_stack.close()

        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = t.cast("t.Any", self.application.json)
        for ctx in self._new_contexts:
            self._context_stack.enter_context(ctx)
        self._new_contexts.clear()
        return response

    def build_request(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> BaseRequest:
        """The request that :meth:`open` sends when it is given these arguments."""
        first = args[0] if args else None
        if isinstance(first, werkzeug.test.EnvironBuilder):
            builder = copy(first)
            builder.environ_base = self._copy_environ(dict(builder.environ_base or {}))
            return builder.get_request()
        if isinstance(first, dict):
            builder = EnvironBuilder.from_environ(first, app=self.application, environ_base=self._copy_environ({}))
            return builder.get_request()
        if isinstance(first, BaseRequest):
            request = copy(first)
            request.environ = self._copy_environ(request.environ)
            return request
        return self._request_from_builder_args(args, kwargs)

    def _request_from_builder_args(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> BaseRequest:
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def _copy_environ(self, other: WSGIEnvironment) -> WSGIEnvironment:
        out = {**self.environ_base, **other}
        if self.preserve_context:
            # NOTE: a list for each request: the context of a stream that ends late must not pass for the next one's.
            self._new_contexts = []
            out["werkzeug.debug.preserve_context"] = self._new_contexts.append
        return out

    def run_wsgi_app(self, environ: WSGIEnvironment, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:
        """Send what stands in an environ, with the client's cookies, over the client's protocol."""
        self._add_cookies_to_wsgi(environ)
        if self.protocol == "wsgi":
            body, status, headers = run_wsgi_app(self._wsgi_app, environ, buffered=buffered)
        else:
            body, status, headers = self._server.exchange(self, scope_from_environ(environ), environ["wsgi.input"])
            if buffered:
                body = list(body)
        self.keep_cookies(environ, headers)
        return body, status, headers

    def make_response(self, request: BaseRequest, body: Iterable[bytes], status: str, headers: Headers) -> TestResponse:
        """What :meth:`open` returns, of its parts."""
        response = self.response_wrapper(body, status, headers, request=request)
        response.json_module = t.cast("t.Any", self.application.json)
        return response

    def resolve_redirect(self, response: TestResponse, buffered: bool = False) -> TestResponse:
        """Send the request that a redirect response asks for; one that keeps its body sends all of it again."""
        body = response.request.environ["wsgi.input"]
        if not body.closed and body.seekable():
            body.seek(0)
        return super().resolve_redirect(response, buffered)

    def keep_cookies(self, environ: WSGIEnvironment, headers: Headers) -> None:
        """Take over the cookies that a response to this request sets."""
        url = urlsplit(get_current_url(environ))
        self._update_cookies_from_response(url.hostname or "localhost", url.path, headers.getlist("Set-Cookie"))

    def websocket(
        self, path: str = "/", *, subprotocols: Iterable[str] = (), window: int | None = None, **kwargs: t.Any
    ) -> SyncWebSocket:
        """Open a WebSocket: ``with client.websocket("/ws") as ws: ws.send("hi"); assert ws.receive() == "hi"``.

        It is always spoken over ASGI, which alone has it; the rest is as in :meth:`.AsyncClient.websocket`.
        """
        request = self.build_request((path,), kwargs)
        return SyncWebSocket(self, self._server, request, list(subprotocols), window)

    # -- sessions and contexts ---------------------------------------------------------------------------------------

    @contextmanager
    def session_transaction(self, *args: t.Any, **kwargs: t.Any) -> Iterator[SessionMixin]:
        """Open the session of this client to read and change it; it is saved at the end of the ``with`` block.

        :param args: What :meth:`.Kolben.test_request_context` takes: the session may depend on the request.
        :raises TypeError: the client keeps no cookies.
        :raises RuntimeError: the session interface opened no session.
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")

        app = self.application
        ctx = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(ctx.request.environ)
        with ctx:
            session = app.session_interface.open_session(app, ctx.request)
        if session is None:
            raise RuntimeError("Session backend did not open a session.")

        yield session
        response = app.response_class()
        if app.session_interface.is_null_session(session):
            return
        with ctx:
            app.session_interface.save_session(app, session, response)
        self.keep_cookies(ctx.request.environ, response.headers)

    def __enter__(self) -> t.Self:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        # NOTE: also where a WebSocket starts it later, over WSGI.
        self._started_by_with = not self._server.running
        if self.protocol == "asgi":
            self._server.start()
        self.preserve_context = True
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()
        if self._started_by_with:
            self.close()

    def close(self) -> None:
        """Shut the application down and stop its loop, if this client started them. The client can be used again.

        :raises LifespanError: the application failed to shut down.
        """
        self._started_by_with = False
        self._server.close()


def asgi_face(app: Kolben, validate: bool) -> ASGIApp:
    """The application as an ASGI server sees it."""
    return asgi_validator(app) if validate else app


def _validated_wsgi(app: WSGIApplication) -> WSGIApplication:
    checked = wsgi_validator(app)

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = checked(environ, start_response)
        t.cast("t.Any", body).__class__ = _ClosedWhenDropped
        return body

    return call


class _ClosedWhenDropped(IteratorWrapper):
    """The validator complains about a response that nobody closed. Servers close each; a test that looks at the status
    alone need not."""

    def __del__(self) -> None:
        if not self.closed:
            self.close()


@functools.cache
def _werkzeug_version() -> str:
    return importlib.metadata.version("werkzeug")
