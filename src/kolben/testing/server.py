"""A server for synchronous tests: an ASGI application on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import typing as t
from concurrent.futures import Future

from .exchange import PATIENCE, Exchange
from .lifespan import Lifespan

if t.TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from werkzeug.datastructures import Headers

    from .body import Body
    from .scope import ASGIApp, Scope

T = t.TypeVar("T")


class LoopServer:
    """Starts its loop, and the application's lifespan, when first asked for something; :meth:`close` ends both.

    :param lifespan: Whether the application is started up and shut down.
    :param patience: Seconds that it gets to end a response whose client has gone.
    """

    def __init__(self, app: ASGIApp, lifespan: bool = True, patience: float = PATIENCE) -> None:
        self.app = app
        self.patience = patience
        self._with_lifespan = lifespan
        self._lifespan: Lifespan | None = None
        self._open: set[Exchange] = set()
        self._leaving: set[asyncio.Task[t.Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the loop runs."""
        return self._loop is not None

    def start(self) -> None:
        """Start the loop, if it does not run, and the application.

        :raises LifespanError: the application failed to start up.
        """
        if self._loop is not None:
            return
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=_run_loop, args=(ready,), name="kolben-test-server", daemon=True)
        self._thread.start()
        self._loop = ready.result()
        if self._with_lifespan:
            try:
                self.run(self._startup())
            except BaseException:
                self._stop()
                raise

    def run(self, work: Coroutine[t.Any, t.Any, T]) -> T:
        """Run a coroutine on the loop, in a copy of the caller's context, and wait for what it returns."""
        if self._loop is None or threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError(
                "This test client waits for its own event loop, and was used on it: by a view, perhaps. Use"
                " 'app.test_client(async_=True)' where there is a loop already."
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def exchange(self, owner: object, scope: Scope, body: Body) -> tuple[Iterable[bytes], str, Headers]:
        """Send a request; what comes back is as of a WSGI application, its body read as it is iterated.

        :param owner: Who ends this server when it is dropped, and so must not be while a body is read.
        """
        self.start()
        exchange = self.run(self._begin(scope, body))
        if exchange.ended:
            return self.run(self._finish(exchange)), exchange.status, exchange.headers
        return _Chunks(owner, self, exchange), exchange.status, exchange.headers

    def state(self) -> dict[str, t.Any]:
        """What the application's lifespan left for its requests."""
        return dict(self._lifespan.state) if self._lifespan is not None else {}

    def leave(self, exchange: Exchange) -> None:
        """Go away from a response and wait for the application to end it, if the loop still runs."""
        if self.running:
            self.run(self._finish(exchange, read=False))

    def forget(self, exchange: Exchange) -> None:
        """Go away from a response without waiting: safe on every thread, at every time."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._forget, exchange)

    def close(self) -> None:
        """Go away from all responses that are open, shut the application down and stop the loop.

        :raises LifespanError: the application failed to shut down.
        """
        if self._loop is None:
            return
        if threading.current_thread() is self._thread:
            # The garbage collector may find a forgotten client while the loop's thread runs.
            self._loop.stop()
            return
        try:
            self.run(self._shutdown())
        finally:
            self._stop()

    def _stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop = self._thread = self._lifespan = None

    # -- on the loop -------------------------------------------------------------------------------------------------

    async def _startup(self) -> None:
        self._lifespan = Lifespan(self.app)
        await self._lifespan.startup()

    async def _shutdown(self) -> None:
        for exchange in list(self._open):
            await self._finish(exchange, read=False)
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    async def _begin(self, scope: Scope, body: Body) -> Exchange:
        scope["state"] = self.state()
        exchange = Exchange(self.app, scope, body, self.patience)
        self._open.add(exchange)
        try:
            await exchange.settled()
        except BaseException:
            await self._finish(exchange, read=False)
            raise
        return exchange

    def _forget(self, exchange: Exchange) -> None:
        task = asyncio.create_task(self._finish(exchange, read=False))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _finish(self, exchange: Exchange, read: bool = True) -> list[bytes]:
        try:
            chunks = await exchange.read() if read else []
        finally:
            self._open.discard(exchange)
            await exchange.close()
        return chunks


class _Chunks:
    """The body of a response that is streamed: each chunk is fetched from the loop when it is iterated to."""

    def __init__(self, owner: object, server: LoopServer, exchange: Exchange) -> None:
        self._owner = owner
        self._server = server
        self._exchange = exchange
        self._ended = False

    def __iter__(self) -> t.Self:
        return self

    def __next__(self) -> bytes:
        if self._ended:
            raise StopIteration
        if not self._server.running:
            raise RuntimeError(
                "This response was not read to its end, and its test client has been closed since. Read it before the"
                " 'with' block ends, or request it with 'buffered=True'."
            )
        chunk = self._server.run(self._exchange.next_chunk())
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Go away, if the response is not complete; wait for the application to end."""
        if not self._ended:
            self._ended = True
            self._server.leave(self._exchange)

    def __del__(self) -> None:
        if not self._ended:
            self._server.forget(self._exchange)


def _run_loop(ready: Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ready.set_result(loop)
        loop.run_forever()
