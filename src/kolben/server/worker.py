"""One process that serves: Granian, the application, their life together, and their end."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import sys
import threading
import typing as t

from .. import bridge
from ..protocols.drain import Drain
from .accepting import has_connections, stop_accepting
from .door import Door
from .granian import EmbeddedGranian
from .lifespan import Lifespan, LifespanError
from .loop import run_on
from .protocol import asgi_of, is_unwrapped
from .supervision import Parent as Parent

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from ..app import Kolben
    from .door import ASGIApp
    from .listener import Listener
    from .settings import WorkerSettings

logger = logging.getLogger("kolben.server")

CANCELLED_WITHIN = 2.0
"""Seconds that requests have to end once their time is over and they were cancelled."""

RETIRES_WITHIN = 10.0
"""Seconds that a worker with successors waits for its idle connections to be used, and closed, by their clients."""

ACCEPTS_LONGER = 0.2
"""Seconds from when nobody is let wait to be accepted to when nobody is accepted any more, at the end of a server."""

LOOKS_EVERY = 5.0
"""Seconds between two looks at how much memory is resident."""

SAME_SIGNAL_WITHIN = 0.5
"""Seconds in which a second signal is the first one: shells and wrappers pass it on beside the one that is sent."""

FAILED_TO_START = 3
"""The exit code of a worker whose application did not start up."""


def run_worker(
    app: Kolben,
    listeners: Sequence[Listener],
    settings: WorkerSettings,
    *,
    asgi: ASGIApp | None = None,
    parent: Parent | None = None,
) -> int:
    """Serve in this process until it is told to stop, by SIGTERM, SIGINT or its parent.

    The process should then end by :func:`end_process`.

    :param asgi: what to serve instead of what :func:`.asgi_of` makes of the application, a wrapper of it say.
    :param parent: whom to tell how it goes.
    :returns: the exit code: 0, if all requests were finished.
    """
    return run_on(settings.loop, Worker(app, listeners, settings, asgi, parent or Parent()).run())


def end_process(code: int, within: float = 5.0) -> t.NoReturn:
    """End this process as the interpreter does, but not later than in ``within`` seconds, and without its last step.

    NOTE: threads of Granian's that are alive while the interpreter is taken down make it panic, now and then.
    """
    timer = threading.Timer(within, os._exit, (code or 1,))
    timer.daemon = True
    timer.start()
    try:
        # NOTE: what the interpreter calls first: it waits for threads that are no daemons, and for executors.
        threading._shutdown()  # type: ignore[attr-defined]  # not public
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code)


class Worker:
    """The life of one worker, on the event loop of its process."""

    def __init__(
        self,
        app: Kolben,
        listeners: Sequence[Listener],
        settings: WorkerSettings,
        asgi: ASGIApp | None,
        parent: Parent,
    ) -> None:
        self.app = app
        self.settings = settings
        self._listeners = listeners
        self._parent = parent
        self._asgi = asgi or asgi_of(app, settings.protocol)
        self._door = Door(self._dressed(self._asgi), settings.max_requests, self._ask_at_limit)
        self._stop: asyncio.Event = asyncio.Event()
        self._force: asyncio.Event = asyncio.Event()
        self._has_successor = False
        self._is_deaf = False
        self._stopped_at = 0.0

    def _dressed(self, asgi: ASGIApp) -> ASGIApp:
        """The application in what the settings want around it."""
        if self.settings.access_log:
            from .access import AccessLog

            asgi = AccessLog(asgi, self.settings.access_log)
        if self.settings.proxies:
            from .proxies import wrap

            asgi = wrap(asgi, self.settings.proxies)
        return asgi

    async def run(self) -> int:
        """Start up, serve, stop. Returns the exit code."""
        bridge.views.limit = self.settings.threads
        lifespan = Lifespan(self._asgi)
        try:
            await lifespan.startup()
        except LifespanError as exc:
            logger.error("%s", exc)
            return FAILED_TO_START
        if self._asgi is self.app and is_unwrapped(self.app):
            self._door.leave_responses_to(self.app)
        if self.app.serving.drain is None:
            self.app.serving.drain = Drain()
        _on_signals(self.stop, with_interrupts=not self._parent.tells_of_interrupts)
        servers = [EmbeddedGranian(self._door, listener, **self.settings.granian) for listener in self._listeners]
        serving = [asyncio.ensure_future(server.serve()) for server in servers]
        self._parent.watch(self)
        self._parent.ready()
        if self.settings.max_rss is not None:
            self._look_at_memory()
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({stopping, *serving}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_clean = await self._finish(servers, serving)
        try:
            await lifespan.shutdown()
        except LifespanError as exc:
            logger.error("%s", exc)
            return 1
        return 0 if is_clean else 1

    def stop(self) -> None:
        """Stop serving: what is under way is finished. Told again, do not wait for it."""
        now = asyncio.get_running_loop().time()
        if not self._stop.is_set():
            self._stop.set()
            self._stopped_at = now
        elif now > self._stopped_at + SAME_SIGNAL_WITHIN:
            self._force.set()

    def retire(self) -> None:
        """:meth:`stop`, while other workers accept what is to come."""
        self._has_successor = True
        if not self._stop.is_set():
            self.stop()

    def _ask_at_limit(self) -> None:
        self._parent.replace(
            f"it has answered {self.settings.max_requests} request{'s' * (self.settings.max_requests != 1)}"
        )

    def _look_at_memory(self) -> None:
        """Ask to be replaced once there is too much of it resident."""
        limit, resident = t.cast(int, self.settings.max_rss), resident_memory()
        if resident > limit * 1024 * 1024:
            self._parent.replace(f"it has {resident // 1024 // 1024} MiB of memory resident, the limit is {limit}")
        else:
            asyncio.get_running_loop().call_later(LOOKS_EVERY, self._look_at_memory)

    # -- the end -----------------------------------------------------------------------------------------------------

    async def _finish(self, servers: list[EmbeddedGranian], serving: Sequence[asyncio.Future[t.Any]]) -> bool:
        """Let the requests under way end, within the time of grace. Returns whether they did."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.grace
        self._door.close()
        drain = self.app.serving.drain
        assert drain is not None
        drain.begin(self.settings.grace)
        forced = asyncio.ensure_future(self._force.wait())
        try:
            await self._linger(forced, deadline)
            await self._turn_away(forced)
            for server in servers:
                server.stop()
            served = asyncio.gather(*serving, return_exceptions=True)
            futures: set[asyncio.Future[t.Any]] = {served, forced}
            await asyncio.wait(futures, timeout=max(0.0, deadline - loop.time()), return_when=_FIRST)
        finally:
            forced.cancel()
        if all(future.done() for future in serving):
            return True
        return await self._cut_off(serving)

    async def _linger(self, forced: asyncio.Future[t.Any], deadline: float) -> None:
        """Go on for a while, so that clients of idle connections learn that these are to be closed.

        Requests come at any time, also at the moment a connection is closed, and are lost then.
        """
        loop = asyncio.get_running_loop()
        if not self.settings.linger:
            return
        is_alone = not (self._has_successor and self._stop_accepting())
        until = min(deadline, loop.time() + (self.settings.linger if is_alone else RETIRES_WITHIN))
        while loop.time() < until and not forced.done():
            # NOTE: a connection that nobody has accepted yet is not seen; it is, within a moment.
            await asyncio.wait({forced}, timeout=0.05)
            if has_connections(self._listeners) is False:
                break
        else:
            # NOTE: by now the supervisor lets nobody wait to be accepted. Who does is accepted, and has time to ask.
            await asyncio.wait({forced}, timeout=ACCEPTS_LONGER if is_alone else 0)

    async def _turn_away(self, forced: asyncio.Future[t.Any]) -> None:
        """Accept no more. Who was accepted a moment before has time to ask."""
        if not self._is_deaf and self._stop_accepting():
            await asyncio.wait({forced}, timeout=0.1)

    def _stop_accepting(self) -> bool:
        if stop_accepting(self._listeners):
            self._is_deaf = True
            self._parent.deaf()
        return self._is_deaf

    async def _cut_off(self, serving: Sequence[asyncio.Future[t.Any]]) -> bool:
        """End the requests whose time is over: cancelled, they can still release what they have."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        requests = {task for task in tasks if task.get_coro().__qualname__.endswith("future_watcher")}  # type: ignore[union-attr]  # a coroutine
        if not requests:
            # The linger was as long as the grace: what is left are connections, which close now.
            await asyncio.wait(serving, timeout=CANCELLED_WITHIN)
            return all(future.done() for future in serving)
        if len(requests) == 1:
            logger.warning("1 request did not end in time and is cut off.")
        else:
            logger.warning("%d requests did not end in time and are cut off.", len(requests))
        for task in requests:
            task.cancel()
        await asyncio.wait(serving, timeout=CANCELLED_WITHIN)
        return False


def resident_memory() -> int:
    """Bytes of memory that this process has resident; where the system does not tell, the most it ever had."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


_FIRST = asyncio.FIRST_COMPLETED


def _on_signals(stop: Callable[[], None], *, with_interrupts: bool) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop)

    def let_go() -> None:
        # NOTE: a process that a view forks, by multiprocessing say, which ends its processes by SIGTERM.
        if signal.getsignal(signal.SIGTERM) is handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    for number in [signal.SIGTERM, signal.SIGINT] if with_interrupts else [signal.SIGTERM]:
        signal.signal(number, handle)
    os.register_at_fork(after_in_child=let_go)
