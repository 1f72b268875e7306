"""The asynchronous test client: requests, streams and WebSockets on the test's own loop."""

from __future__ import annotations

import asyncio
import typing as t
from contextlib import AsyncExitStack, asynccontextmanager

from werkzeug.test import ClientRedirectError

from .body import Channel
from .browser import Browser, SessionTransaction, take_quart_arguments
from .client import KolbenClient, asgi_face
from .exchange import PATIENCE, Exchange
from .lifespan import Lifespan
from .scope import scope_from_environ, websocket_scope
from .stream import Stream
from .websocket import WebSocketConnection

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from types import TracebackType

    from werkzeug.test import Cookie, TestResponse
    from werkzeug.wrappers import Request as BaseRequest
    from werkzeug.wrappers import Response as BaseResponse

    from ..app import Kolben
    from .body import Body
    from .scope import Scope

REDIRECTS = {301, 302, 303, 305, 307, 308}


class AsyncClient:
    """Sends requests to an application over ASGI, on the loop that the test runs on.

    .. code-block:: python

        async with app.test_client(async_=True) as client:
            response = await client.post("/items", json={"name": "piston"})
            assert response.status_code == 201
            async with client.websocket("/ws") as ws:
                await ws.send("hello")
                assert await ws.receive() == "hello"

    The first request starts the application up; the end of the ``async with`` block, or :meth:`shutdown`, shuts it
    down. In the block the context of the last request stays in force, for the task that entered it. Requests take the
    arguments of :class:`.EnvironBuilder`, and Quart's: ``form``, ``files``, ``scheme``, ``root_path``,
    ``http_version``, and ``scope_base``, whose items replace those of the scope.

    :param validate: Whether every message is checked by :func:`.asgi_validator`.
    :param lifespan: Whether to start the application up and shut it down; or a lifespan that is kept by somebody else.
    :param patience: Seconds that the application gets to end after its client went away.
    """

    def __init__(
        self,
        application: Kolben,
        response_wrapper: type[BaseResponse] | None = None,
        use_cookies: bool = True,
        allow_subdomain_redirects: bool = False,
        *,
        validate: bool | None = None,
        lifespan: bool | Lifespan = True,
        patience: float = PATIENCE,
    ) -> None:
        self.application = application
        self.patience = patience
        wrapper = response_wrapper or application.response_class
        self._browser = Browser(application, wrapper, use_cookies, allow_subdomain_redirects)
        self._asgi_app = asgi_face(application, KolbenClient.validate if validate is None else validate)
        self._lifespan_wanted = lifespan
        self._lifespan = lifespan if isinstance(lifespan, Lifespan) else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._contexts = AsyncExitStack()

    # -- requests ----------------------------------------------------------------------------------------------------

    async def open(
        self, *args: t.Any, body: Body | None = None, follow_redirects: bool = False, **kwargs: t.Any
    ) -> TestResponse:
        """Send a request and return its response, read to its end.

        :param args: What :class:`.EnvironBuilder` takes; or one builder, environ or request.
        :param body: Sent in place of ``data``, piece by piece: see :mod:`kolben.testing.body`.
        :param follow_redirects: Follow redirects; ``history`` of the response has the ones before.
        """
        overrides = take_quart_arguments(kwargs)
        keep = self._browser.entered_here
        if keep:
            await self._contexts.aclose()
        response = await self._send(self._browser.open(*args, **kwargs), overrides, body)
        if follow_redirects:
            response = await self._follow(response, overrides)
        if keep:
            for ctx in self._browser.take_contexts():
                await self._contexts.enter_async_context(ctx)
        return response

    async def _send(self, request: BaseRequest, overrides: Scope, body: Body | None = None) -> TestResponse:
        scope = await self._scope(request, overrides)
        exchange = Exchange(self._asgi_app, scope, _body(request, body), self.patience)
        try:
            await exchange.started()
            chunks = await exchange.read()
        except asyncio.CancelledError:
            exchange.abandon()
            raise
        finally:
            if not exchange.abandoned:
                await exchange.close()
        self._browser.keep_cookies(request.environ, exchange.headers)
        return self._browser.make_response(request, chunks, exchange.status, exchange.headers)

    async def _follow(self, response: TestResponse, overrides: Scope) -> TestResponse:
        history: list[TestResponse] = []
        while response.status_code in REDIRECTS:
            step = (response.location, response.status_code)
            if step in [(earlier.location, earlier.status_code) for earlier in history]:
                raise ClientRedirectError(
                    f"Loop detected: A {response.status_code} redirect to {response.location} was already made."
                )
            response.history = tuple(history)
            history.append(response)
            response = await self._send(self._browser.redirected(response), overrides)
        response.history = tuple(history)
        return response

    async def _scope(self, request: BaseRequest, overrides: Scope) -> Scope:
        await self.startup()
        self._browser._add_cookies_to_wsgi(request.environ)
        scope = scope_from_environ(request.environ)
        if self._lifespan is not None:
            scope["state"] = dict(self._lifespan.state)
        scope.update(overrides)
        return scope

    async def get(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``GET``."""
        return await self.open(*args, **kwargs, method="GET")

    async def post(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``POST``."""
        return await self.open(*args, **kwargs, method="POST")

    async def put(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``PUT``."""
        return await self.open(*args, **kwargs, method="PUT")

    async def patch(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``PATCH``."""
        return await self.open(*args, **kwargs, method="PATCH")

    async def delete(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``DELETE``."""
        return await self.open(*args, **kwargs, method="DELETE")

    async def head(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``HEAD``."""
        return await self.open(*args, **kwargs, method="HEAD")

    async def options(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``OPTIONS``."""
        return await self.open(*args, **kwargs, method="OPTIONS")

    async def trace(self, *args: t.Any, **kwargs: t.Any) -> TestResponse:
        """:meth:`open` with the method ``TRACE``."""
        return await self.open(*args, **kwargs, method="TRACE")

    # -- streams and WebSockets --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def stream(
        self, method: str, path: str = "/", *, body: Body | None = None, **kwargs: t.Any
    ) -> AsyncIterator[Stream]:
        """Send a request and read its response as it arrives. At the end of the block the client goes away.

        .. code-block:: python

            async with client.stream("GET", "/events") as stream:
                assert stream.status_code == 200
                assert await stream.receive() == b"data: 1\\n\\n"
        """
        overrides = take_quart_arguments(kwargs)
        request = self._browser.open(path, method=method, **kwargs)
        scope = await self._scope(request, overrides)
        exchange = Exchange(self._asgi_app, scope, _body(request, body), self.patience)
        async with Stream(self._browser, request, exchange) as stream:
            await stream.started()
            yield stream

    @asynccontextmanager
    async def request(self, path: str = "/", *, method: str = "GET", **kwargs: t.Any) -> AsyncIterator[Stream]:
        """Send a request whose body the test sends by hand. At the end of the block the response is read to its end.

        .. code-block:: python

            async with client.request("/upload", method="POST") as connection:
                await connection.send(b"half")
                await connection.disconnect()
        """
        overrides = take_quart_arguments(kwargs)
        request = self._browser.open(path, method=method, **kwargs)
        channel = Channel()
        exchange = Exchange(self._asgi_app, await self._scope(request, overrides), channel, self.patience)
        async with Stream(self._browser, request, exchange, channel) as stream:
            yield stream
            await stream.finish()

    @asynccontextmanager
    async def websocket(
        self, path: str = "/", *, subprotocols: Iterable[str] = (), window: int | None = None, **kwargs: t.Any
    ) -> AsyncIterator[WebSocketConnection]:
        """Open a WebSocket. At the end of the block the client closes it.

        :param subprotocols: What the client offers, best first.
        :param window: How many messages may wait for the client to receive them; ``None`` for any number. With a small
            one, this is a client that reads slowly.
        :raises WebSocketRejected: the application refuses.
        """
        overrides = take_quart_arguments(kwargs)
        request = self._browser.open(path, **kwargs)
        scope = websocket_scope(await self._scope(request, {}), list(subprotocols))
        scope.update(overrides)
        async with WebSocketConnection(self._browser, self._asgi_app, scope, request, window) as connection:
            yield connection

    # -- the application's life --------------------------------------------------------------------------------------

    async def startup(self) -> None:
        """Start the application up, if that has not been done on this loop. The first request does this itself.

        :raises LifespanError: it failed to start up.
        """
        loop = asyncio.get_running_loop()
        if self._lifespan_wanted is True and loop is not self._loop:
            self._loop = loop
            self._lifespan = Lifespan(self._asgi_app)
        if self._lifespan is not None:
            await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Shut the application down. Streams and WebSockets that are open see what it does about them.

        :raises LifespanError: it failed to shut down.
        """
        if self._lifespan_wanted is True and self._lifespan is not None:
            lifespan, self._lifespan, self._loop = self._lifespan, None, None
            await lifespan.shutdown()

    async def __aenter__(self) -> t.Self:
        if self._browser.entered_by is not None:
            raise RuntimeError("Cannot nest client invocations")
        await self.startup()
        self._browser.entered_by = asyncio.current_task()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._browser.entered_by = None
        await self._contexts.aclose()
        await self.shutdown()

    # -- cookies and the session -------------------------------------------------------------------------------------

    @property
    def environ_base(self) -> dict[str, t.Any]:
        """What every request starts from."""
        return self._browser.environ_base

    def get_cookie(self, key: str, domain: str = "localhost", path: str = "/") -> Cookie | None:
        """A cookie that the client keeps: see :meth:`werkzeug.test.Client.get_cookie`."""
        return self._browser.get_cookie(key, domain, path)

    def set_cookie(self, key: str, value: str = "", **kwargs: t.Any) -> None:
        """Give the client a cookie: see :meth:`werkzeug.test.Client.set_cookie`."""
        self._browser.set_cookie(key, value, **kwargs)

    def delete_cookie(self, key: str, **kwargs: t.Any) -> None:
        """Make the client forget a cookie."""
        self._browser.delete_cookie(key, **kwargs)

    def session_transaction(self, *args: t.Any, **kwargs: t.Any) -> SessionTransaction:
        """Open the session to read and change it: :meth:`.KolbenClient.session_transaction`, with ``with`` or
        ``async with``."""
        return SessionTransaction(self._browser.session_transaction(*args, **kwargs))


def _body(request: BaseRequest, instead: Body | None) -> Body:
    return t.cast("Body", request.environ["wsgi.input"] if instead is None else instead)
