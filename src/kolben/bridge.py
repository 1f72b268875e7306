"""The only place where synchronous and asynchronous code cross.

Towards the loop: :func:`call_sync` runs a coroutine function from a thread and waits for it, on the loop that serves
this request, or, where no loop serves (WSGI, the shell), on the *portal*: one long-lived loop per process, so that a
connection pool opened in one request still works in the next. Away from the loop: :func:`in_thread` runs a function
in a worker thread. Both carry the context variables over, and :func:`call_sync` and :func:`to_async` also carry back
what was changed.
"""

from __future__ import annotations

import inspect
import os
import threading
import typing as t
from collections import deque
from contextvars import Context, ContextVar, copy_context
from functools import partial, update_wrapper
from queue import SimpleQueue
from types import CoroutineType
from weakref import ref

from .signals import appcontext_popped, appcontext_tearing_down, request_tearing_down, websocket_tearing_down

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from blinker import Signal

T = t.TypeVar("T")
Crew: t.TypeAlias = t.Literal["views", "hooks", "closers"]

serving_loop: ContextVar[asyncio.AbstractEventLoop] = ContextVar("kolben.serving_loop")
"""In a worker thread: the loop that is waiting for it."""

WORKER_THREADS = 40
CLEANUP_THREADS = 40
SOCKET_THREADS = 1000


def is_async(func: t.Any) -> bool:
    """Whether calling ``func`` is known to give an awaitable: coroutine functions, partials and methods of them,
    callable objects with an ``async __call__``, and views marked so (``func.is_async``)."""
    marked = getattr(func, "is_async", None)
    if isinstance(marked, bool):
        return marked
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004


# -- from a thread to the loop ---------------------------------------------------------------------------------------


class Portal:
    """One event loop in a daemon thread: where async code runs when no server brought a loop."""

    def __init__(self) -> None:
        import asyncio

        # NOTE: in empty contexts. The loop's own handles, and the thread on some builds of Python, keep for ever the
        # one they are made in: that of the first request.
        self.loop = Context().run(asyncio.new_event_loop)
        self._thread = threading.Thread(target=self._run, name="kolben-portal", daemon=True)
        Context().run(self._thread.start)

    def _run(self) -> None:
        import asyncio

        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def stop(self) -> None:
        """Stop the loop and wait for its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


_portal: Portal | None = None
_portal_lock = threading.Lock()


def portal() -> Portal:
    """The portal of this process, started when first asked for."""
    global _portal
    if _portal is None:
        with _portal_lock:
            if _portal is None:
                _portal = Portal()
    return _portal


def call_sync(func: Callable[..., Awaitable[T]], /, *args: t.Any, **kwargs: t.Any) -> T:
    """Call ``func`` on the event loop, wait in this thread, and return (or raise) what it gives.

    :raises RuntimeError: called on a thread that runs an event loop: waiting there would stop the loop for ever.
    """
    from asyncio.events import _get_running_loop

    if _get_running_loop() is not None:
        name = getattr(func, "__qualname__", repr(func))
        raise RuntimeError(
            f"The async function {name!r} was called from synchronous code on the event loop's own thread, which"
            " cannot wait for it. Make the calling function async and await it, or let it run in a worker"
            " thread (a sync view without 'blocking=False' does)."
        )
    loop = serving_loop.get(None)
    if loop is None or loop.is_closed():
        loop = portal().loop
    context = copy_context()
    outcome: SimpleQueue[asyncio.Task[T] | BaseException] = SimpleQueue()
    # NOTE: a loop knows its tasks by weak references only. One that waits for what only itself refers to, such as a
    # line from a connection, would be garbage; this list keeps it.
    running: list[asyncio.Task[T]] = []
    loop.call_soon_threadsafe(_start, loop, context, outcome, running, func, args, kwargs)
    task = outcome.get()
    carry_back(context)
    try:
        if isinstance(task, BaseException):
            raise task
        return task.result()
    finally:
        del task, running  # NOTE: what it raises knows this frame; together they would wait for the collector.


def _start(
    loop: asyncio.AbstractEventLoop,
    context: Context,
    outcome: SimpleQueue[t.Any],
    running: list[t.Any],
    func: Callable[..., t.Any],
    args: tuple[t.Any, ...],
    kwargs: dict[str, t.Any],
) -> None:
    try:
        task = loop.create_task(_call(func, args, kwargs), context=context)
    except BaseException as exc:
        outcome.put(exc)
    else:
        running.append(task)
        task.add_done_callback(outcome.put)


async def _call(func: Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
    return await func(*args, **kwargs)


async def _await(awaitable: Awaitable[t.Any]) -> t.Any:
    return await awaitable


def settle(awaitable: Awaitable[T]) -> T:
    """Wait in this thread for what a synchronous function handed back un-awaited."""
    result: T = call_sync(_await, awaitable)
    return result


async def settle_async(awaitable: Awaitable[T]) -> T:
    """Wait on the loop for what a synchronous function handed back un-awaited."""
    return await awaitable


def to_sync(func: Callable[..., t.Any]) -> Callable[..., t.Any]:
    """``func`` itself, or, for a coroutine function, a function that runs it by :func:`call_sync`."""
    if not is_async(func):
        return func

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return call_sync(func, *args, **kwargs)

    return update_wrapper(call, func)


def carry_back(context: Context) -> None:
    """Set in this context the variables that were set in the copy ``context``."""
    for var, value in context.items():
        if var is not serving_loop and var.get(_MISSING) is not value:
            var.set(value)


_MISSING: t.Any = object()


# -- from the loop to a thread ---------------------------------------------------------------------------------------


class Workers:
    """Threads that run functions for an event loop; started when needed, up to ``limit``, then jobs wait in line."""

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self._jobs: SimpleQueue[t.Any] = SimpleQueue()
        self._idle: deque[None] = deque()  # NOTE: one item per thread that waits; deque operations are atomic.
        self._threads = 0
        self._lock = threading.Lock()

    def call(self, func: Callable[..., T], args: tuple[t.Any, ...], context: Context) -> asyncio.Future[T]:
        """Have a thread call ``func`` in ``context``; await what is returned for its result."""
        from asyncio.events import get_running_loop  # NOTE: from the package itself it would take a call more.

        loop = get_running_loop()
        way_back: WayBack | None = getattr(_local, "way_back", None)
        if way_back is None or way_back.loop() is not loop:
            way_back = _local.way_back = WayBack(loop)
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((func, args, context, loop, way_back, future))
        try:
            self._idle.pop()
        except IndexError:
            self._grow()
        return future

    @property
    def waiting(self) -> int:
        """How many jobs no thread has taken yet."""
        return self._jobs.qsize()

    def _grow(self) -> None:
        with self._lock:
            if self._threads >= self.limit:
                return
            self._threads += 1
        thread = threading.Thread(target=self._work, name=f"{self.name}-{self._threads}", daemon=True)
        Context().run(thread.start)

    def _work(self) -> None:
        while True:
            func, args, context, loop, way_back, future = self._jobs.get()
            result: t.Any = None
            error: BaseException | None = None
            try:
                context.run(serving_loop.set, loop)
                result = context.run(func, *args)
            except BaseException as exc:
                error = exc
            # NOTE: first idle, then the report: what it wakes may have the next job, and should find this thread free.
            self._idle.append(None)
            way_back.report(loop, future, result, error)
            # NOTE: an idle thread keeps nothing of its last request alive.
            del func, args, context, loop, way_back, future, result, error


class WayBack:
    """From worker threads to one loop, which is woken once for all that they finish meanwhile.

    NOTE: the thread of a loop keeps this, and must not keep the loop.
    """

    __slots__ = ("_finished", "_is_told", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = ref(loop)
        self._finished: deque[tuple[asyncio.Future[t.Any], t.Any, BaseException | None]] = deque()
        self._is_told = False

    def report(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[t.Any],
        result: t.Any,
        error: BaseException | None,
    ) -> None:
        """Let the loop settle a future. Called in a worker thread."""
        self._finished.append((future, result, error))
        if not self._is_told:
            self._is_told = True
            try:
                loop.call_soon_threadsafe(self._settle)
            except RuntimeError:  # NOTE: the loop was closed meanwhile; nobody waits.
                self._finished.clear()

    def _settle(self) -> None:
        self._is_told = False  # NOTE: first; what is reported from now on tells the loop again, or is settled below.
        while self._finished:
            _settle(*self._finished.popleft())


def _settle(future: asyncio.Future[t.Any], result: t.Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
        return
    if isinstance(error, (StopIteration, KeyboardInterrupt, SystemExit)):
        # NOTE: a future refuses the first, and a loop that is handed one of the others stops, with all its requests.
        cause, error = error, RuntimeError(f"A function in a worker thread raised {error!r}.")
        error.__cause__ = cause
    future.set_exception(error)
    future.exception()


views: Workers
hooks: Workers
closers: Workers
sockets: Workers
_local: threading.local
"""The way back to the loop that runs in a thread."""


def _start_afresh() -> None:
    """A forked child has none of its parent's threads: forget them."""
    global views, hooks, closers, sockets, _portal, _portal_lock, _local
    views = Workers("kolben-view", WORKER_THREADS)
    hooks = Workers("kolben-hook", WORKER_THREADS)
    closers = Workers("kolben-close", CLEANUP_THREADS)
    sockets = Workers("kolben-socket", SOCKET_THREADS)
    _portal = None
    _portal_lock = threading.Lock()
    _local = threading.local()


_start_afresh()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def in_thread(func: Callable[..., T], /, *args: t.Any) -> asyncio.Future[T]:
    """Call ``func`` in a worker thread, in a copy of this context; await what is returned for its result."""
    return views.call(func, args, copy_context())


def in_own_thread(func: Callable[..., t.Any]) -> Callable[..., Awaitable[t.Any]]:
    """A function that calls ``func`` in a thread that no other call waits for: it may take as long as it likes."""

    def call(*args: t.Any, **kwargs: t.Any) -> Awaitable[t.Any]:
        return sockets.call(_with_kwargs(func, kwargs), args, copy_context())

    return update_wrapper(call, func)


def in_cleanup_thread(func: Callable[..., T], /, *args: t.Any) -> asyncio.Future[T]:
    """:func:`in_thread` on threads that no view can occupy: for closing streams and teardown."""
    return closers.call(func, args, copy_context())


class Turn:
    """A function that a worker thread may begin, or that is withdrawn while it waits for one, whichever comes first."""

    __slots__ = ("_func",)

    def __init__(self, func: Callable[..., t.Any], *args: t.Any) -> None:
        self._func = [(func, args)]  # NOTE: whoever pops it has it; list operations are atomic.

    def __call__(self) -> t.Any:
        try:
            func, args = self._func.pop()
        except IndexError:
            return None
        return func(*args)

    def withdraw(self) -> bool:
        """See that no thread will begin it. Returns whether that came in time."""
        try:
            self._func.pop()
        except IndexError:
            return False
        return True


async def _call_in_thread(
    func: Callable[..., t.Any], args: tuple[t.Any, ...], kwargs: dict[str, t.Any], crew: Crew
) -> t.Any:
    context = copy_context()
    workers = views if crew == "views" else hooks if crew == "hooks" else closers
    future = workers.call(_with_kwargs(func, kwargs) if kwargs else func, args, context)
    try:
        return await future
    finally:
        if not future.cancelled():
            carry_back(context)


def _with_kwargs(func: Callable[..., t.Any], kwargs: dict[str, t.Any]) -> Callable[..., t.Any]:
    return lambda *args: func(*args, **kwargs)


def to_async(
    func: Callable[..., t.Any], *, blocking: bool = True, crew: Crew = "views"
) -> Callable[..., Coroutine[t.Any, t.Any, t.Any]]:
    """``func`` itself if it is a coroutine function, or one that calls it in a worker thread.

    What it hands back un-awaited is awaited.

    :param blocking: False to call it on the loop instead.
    :param crew: whose thread: ``"hooks"`` for what surrounds an asynchronous view, ``"closers"`` for what ends a
        request. Views that wait occupy neither.
    """
    if is_async(func):
        return func
    if blocking:

        async def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
            rv = await _call_in_thread(func, args, kwargs, crew)
            return await rv if type(rv) is CoroutineType else rv
    else:

        async def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
            return func(*args, **kwargs)

    return update_wrapper(call, func)


# -- iterators -------------------------------------------------------------------------------------------------------

END: t.Any = object()
"""What :func:`pull` gives for an iterator that has ended."""


def pull(iterator: t.Iterator[T]) -> T:
    """The iterator's next item, or :data:`END`."""
    return next(iterator, END)


class SyncIterator:
    """A synchronous iterator over an asynchronous one, which runs in *one* task on the loop from start to end.

    One task, because what an async generator holds open across a ``yield`` (a task group, a timeout) belongs to the
    task that opened it.
    """

    def __init__(self, iterable: t.AsyncIterable[t.Any], context: Context) -> None:
        self._iterable = iterable
        self._context = context
        self._wanted: asyncio.Queue[bool] | None = None
        self._items: SimpleQueue[t.Any] = SimpleQueue()
        self._ended = False
        self._is_cancelled = False
        self._is_pulling = False

    def __iter__(self) -> SyncIterator:
        return self

    def __next__(self) -> t.Any:
        if self._ended:
            raise StopIteration
        if self._wanted is None:
            loop = serving_loop.get(None)
            self._loop = portal().loop if loop is None else loop
            self._loop.call_soon_threadsafe(self._launch)
        else:
            self._loop.call_soon_threadsafe(self._wanted.put_nowait, True)
        item = self._items.get()
        if isinstance(item, _End):
            self._ended = True
            try:
                raise item.error or StopIteration
            finally:
                del item
        return item

    def close(self) -> None:
        """Close the asynchronous iterator in its own task and wait for it. Further calls do nothing."""
        if self._ended:
            return
        self._ended = True
        if self._wanted is None:
            closing = getattr(self._iterable, "aclose", None)
            if closing is not None:
                self._context.run(call_sync, closing)
            return
        self._loop.call_soon_threadsafe(self._wanted.put_nowait, False)
        while not isinstance(end := self._items.get(), _End):
            pass
        try:
            if end.error is not None:
                raise end.error
        finally:
            del end

    def cancel(self) -> None:
        """Cancel it at the ``await`` it stands at, or end it at its ``yield``; who waits for the next item is told so.

        Called on the loop.
        """
        self._is_cancelled = True
        if self._is_pulling:
            self._task.cancel()

    def _launch(self) -> None:
        import asyncio

        self._wanted = asyncio.Queue()
        self._wanted.put_nowait(True)
        self._task = self._loop.create_task(self._drive(), context=self._context)

    async def _drive(self) -> None:
        assert self._wanted is not None
        error: BaseException | None = None
        iterator: AsyncIterator[t.Any] = aiter(self._iterable)
        try:
            while await self._wanted.get() and not self._is_cancelled:
                self._is_pulling = True
                item = await anext(iterator, END)
                self._is_pulling = False
                if item is END:
                    break
                self._items.put(item)
        except BaseException as exc:
            error = exc
        try:
            # NOTE: a generator that raised is closed; an object may have more to do.
            closing = getattr(iterator, "aclose", None)
            if closing is not None:
                await closing()
        except BaseException as exc:
            error = error or exc
        self._items.put(_End(error))
        del error


class _End:
    __slots__ = ("error",)

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


# -- calling what may be of either kind ------------------------------------------------------------------------------


def call(func: Callable[..., t.Any], /, *args: t.Any) -> t.Any:
    """Call a function of either kind from synchronous code, or one that hands back a coroutine."""
    rv = call_sync(func, *args) if is_async(func) else func(*args)
    return settle(rv) if type(rv) is CoroutineType else rv


async def call_async(func: Callable[..., t.Any], /, *args: t.Any) -> t.Any:
    """Call a function of either kind from the loop; a synchronous one runs in a worker thread."""
    return await _by_hooks(func)(*args)


def send(signal: Signal, sender: t.Any, **kwargs: t.Any) -> None:
    """Send a signal to receivers of either kind from synchronous code."""
    signal.send(sender, _async_wrapper=to_sync, **kwargs)


async def send_async(signal: Signal, sender: t.Any, **kwargs: t.Any) -> None:
    """Send a signal to receivers of either kind from the loop."""
    await signal.send_async(sender, _sync_wrapper=_by_closers if signal in _AT_END else _by_hooks, **kwargs)


_AT_END = frozenset({appcontext_popped, appcontext_tearing_down, request_tearing_down, websocket_tearing_down})
_by_hooks = partial(to_async, crew="hooks")
_by_closers = partial(to_async, crew="closers")
