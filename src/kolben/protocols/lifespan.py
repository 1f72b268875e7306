"""What happens once in each worker: start-up before the first request, background tasks, shutdown after the last."""

from __future__ import annotations

import atexit
import functools
import os
import threading
import typing as t
import weakref
from contextvars import copy_context

from .. import bridge
from ..globals import get_current, set_current
from ..signals import got_background_exception, got_serving_exception

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from ..app import Kolben
    from .drain import Drain

    Message = MutableMapping[str, t.Any]


class Serving:
    """The life of one worker: the functions of ``before_serving``, ``while_serving`` and ``after_serving``, and the
    background tasks.

    Under ASGI the server says when (the lifespan protocol). A server that does not, and WSGI, start at the first
    request; WSGI stops when the process ends.
    """

    def __init__(self, app: Kolben) -> None:
        self._app_ref = weakref.ref(app)
        self._before: list[Callable[[], t.Any]] = []
        self._after: list[Callable[[], t.Any]] = []
        self._around: list[Callable[[], t.Any]] = []
        self.forget()
        _servings.add(self)

    def forget(self) -> None:
        """Be as before the start: nothing was started in this process."""
        self.is_started = False
        self.is_due = bool(self._before or self._after or self._around)
        self._open: list[t.Any] = []
        self._tasks: set[asyncio.Task[t.Any]] = set()
        self._starting = threading.Lock()
        self._stops_at_exit = False
        self.drain: Drain | None = None
        self.closes_connections = False
        """Whether responses under ASGI say ``Connection: close``; the production server decides."""
        self._gate: asyncio.Lock | None = None

    @property
    def app(self) -> Kolben:
        """The application."""
        app = self._app_ref()
        assert app is not None
        return app

    @property
    def is_draining(self) -> bool:
        """Whether the server was told to stop, and finishes what is under way."""
        return self.drain is not None and self.drain.has_begun

    def before(self, func: Callable[[], t.Any]) -> None:
        """Register a function of ``before_serving``."""
        self._before.append(func)
        self.is_due = not self.is_started

    def after(self, func: Callable[[], t.Any]) -> None:
        """Register a function of ``after_serving``."""
        self._after.append(func)
        self.is_due = not self.is_started

    def around(self, func: Callable[[], t.Any]) -> None:
        """Register a generator function of ``while_serving``."""
        self._around.append(func)
        self.is_due = not self.is_started

    # -- start and stop ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Run what was registered to run before the first request, once. Who comes meanwhile waits for it.

        :raises Exception: what one of the functions raised. The next call tries again.
        """
        import asyncio

        if self._gate is None:
            self._gate = asyncio.Lock()
        async with self._gate:
            if self.is_started:
                return
            if self._before or self._around:
                await self._run_before()
            self.is_started = True
            self.is_due = False

    async def _run_before(self) -> None:
        async with self.app.app_context():
            try:
                for func in self._before:
                    await bridge.call_async(func)
                for func in self._around:
                    generator = func()
                    await _step(generator)
                    self._open.append(generator)
            except BaseException as exc:
                await self._run_after(())
                if isinstance(exc, Exception):
                    await bridge.send_async(got_serving_exception, self.app, exception=exc)
                raise

    async def stop(self) -> None:
        """Wait for the background tasks, then run what was registered to run after the last request, once.

        :raises Exception: the first that one of the functions raised; the others ran all the same.
        """
        if self.drain is not None:
            await self.drain.finish(self.app.config["SHUTDOWN_TIMEOUT"])
        await self._drain()
        if not self.is_started:
            return
        self.is_started = False
        self._gate = None
        if self._after or self._open:
            async with self.app.app_context():
                await self._run_after(self._after)

    async def _run_after(self, functions: Iterable[Callable[[], t.Any]]) -> None:
        calls = [functools.partial(bridge.call_async, func) for func in functions]
        calls += [functools.partial(_step, generator, at_end=True) for generator in reversed(self._open)]
        self._open.clear()
        error: Exception | None = None
        for call in calls:
            try:
                await call()
            except Exception as exc:
                error = error or exc
        if error is not None:
            raise error

    def start_sync(self) -> None:
        """:meth:`start` on the portal's loop, for a worker without a loop of its own; :meth:`stop` follows at exit."""
        with self._starting:
            if self.is_due:
                self._stop_at_exit()
                bridge.call_sync(self.start)

    def stop_sync(self) -> None:
        """:meth:`stop` on the portal's loop."""
        if self._app_ref() is not None:
            bridge.call_sync(self.stop)

    def _stop_at_exit(self) -> None:
        if not self._stops_at_exit:
            self._stops_at_exit = True
            atexit.register(self.stop_sync)

    # -- background tasks --------------------------------------------------------------------------------------------

    def add_task(self, func: Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> None:
        """Have ``func`` called after the response of the current request; now, if there is none."""

        def job() -> t.Any:
            return self._run(func, args, kwargs)

        ctx = get_current(None)
        request_ctx = None if ctx is None else ctx.request_ctx
        if request_ctx is None:
            self.launch([job])
        elif request_ctx.background is None:
            request_ctx.background = [job]
            request_ctx.is_eventful = True
        else:
            request_ctx.background.append(job)

    def launch(self, jobs: list[Callable[[], t.Any]]) -> None:
        """Start tasks on the loop that serves here, or on the portal's."""
        from asyncio import _get_running_loop

        context = copy_context()
        context.run(set_current, t.cast(t.Any, None))
        loop = _get_running_loop() or bridge.serving_loop.get(None)
        if loop is None:
            self._stop_at_exit()
            loop = bridge.portal().loop
        for job in jobs:
            loop.call_soon_threadsafe(self._start_task, job, context=context)

    def _start_task(self, job: Callable[[], t.Any]) -> None:
        from asyncio import get_running_loop

        task = get_running_loop().create_task(job())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, func: Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> None:
        app = self.app
        async with app.app_context():
            try:
                await bridge.to_async(func)(*args, **kwargs)
            except Exception as exc:
                if got_background_exception.receivers:
                    await bridge.send_async(got_background_exception, app, exception=exc)
                app.logger.exception(f"Exception in background task {getattr(func, '__name__', func)!r}")

    async def _drain(self) -> None:
        import asyncio

        await asyncio.sleep(0)
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=self.app.config["SHUTDOWN_TIMEOUT"])
        for task in late:
            task.cancel()
        if late:
            self.app.logger.warning(
                f"Cancelled {len(late)} background tasks that did not end in time ('SHUTDOWN_TIMEOUT')."
            )
            await asyncio.wait(late)


async def _step(generator: t.Any, at_end: bool = False) -> None:
    """Run a ``while_serving`` generator, sync or async, to its ``yield``, or to its end."""
    if hasattr(generator, "__anext__"):
        item = await anext(generator, bridge.END)
    else:
        item = await bridge.call_async(bridge.pull, generator)
    if (item is bridge.END) is not at_end:
        name = getattr(generator, "__name__", repr(generator))
        raise RuntimeError(f"The while_serving generator {name!r} must yield exactly once.")


_servings: weakref.WeakSet[Serving] = weakref.WeakSet()


def _forget_all() -> None:
    for serving in _servings:
        serving.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


async def serve(
    app: Kolben, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Speak the ASGI lifespan protocol: start when told, stop when told."""
    from .drain import Drain

    app.serving.drain = Drain()
    app.serving.drain.begin_on_signals(app.config["SHUTDOWN_TIMEOUT"])
    while True:
        message = await receive()
        stage = "startup" if message["type"] == "lifespan.startup" else "shutdown"
        try:
            await (app.serving.start() if stage == "startup" else app.serving.stop())
        except Exception as exc:
            app.logger.exception(f"Exception during {stage}")
            await send({"type": f"lifespan.{stage}.failed", "message": f"{type(exc).__name__}: {exc}"})
        else:
            await send({"type": f"lifespan.{stage}.complete"})
        if stage == "shutdown":
            return
