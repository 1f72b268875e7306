"""Starting an ASGI application up and shutting it down, as a server does around its requests."""

from __future__ import annotations

import asyncio
import contextvars
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, t.Any]
    ASGIApp = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]


class LifespanError(Exception):
    """The application could not start up, or not shut down. What it raised, if it did, is the cause."""


class Lifespan:
    """The lifespan of one application on the running loop.

    An application that knows no lifespan (it raises as soon as it sees the scope) is left without one, as servers do.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: dict[str, t.Any] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._asked = False
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = loop.create_future()
        self._stopped: asyncio.Future[None] = loop.create_future()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the application up, once; whoever asks again waits for the same.

        :raises LifespanError: it said that it failed, or raised.
        """
        if self._task is None:
            # NOTE: a context of its own: what whoever starts it has pushed is none of the application's business.
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())
            self._inbox.put_nowait({"type": "lifespan.startup"})
        await asyncio.shield(self._started)

    async def shutdown(self) -> None:
        """Shut the application down.

        :raises LifespanError: it said that it failed, or raised.
        """
        if self._task is None:
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.shield(self._stopped)
        await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._receive, self._send)
        except Exception as exc:
            if self._asked:
                self._fail(str(exc) or type(exc).__name__, exc)
        finally:
            for step in (self._started, self._stopped):
                if not step.done():
                    step.set_result(None)

    async def _receive(self) -> Message:
        self._asked = True
        return await self._inbox.get()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._started.set_result(None)
            case "lifespan.shutdown.complete":
                self._stopped.set_result(None)
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                self._fail(message.get("message", ""))

    def _fail(self, why: str, cause: Exception | None = None) -> None:
        """Let the step that is under way fail."""
        step, name = (self._stopped, "shut down") if self._started.done() else (self._started, "start up")
        if not step.done():
            error = LifespanError(f"The application failed to {name}: {why}")
            error.__cause__ = cause
            step.set_exception(error)
