"""Server-sent events (WHATWG HTML, section 9.2): a response that tells a page what happens, as it happens.

An :class:`EventStream` pulls items from a generator, sync or async, and sends each as an event. While the generator is
silent it sends comments (heartbeats), so that proxies keep the connection and a client that has gone is noticed.
"""

from __future__ import annotations

import re
import typing as t
from contextvars import copy_context

from .. import bridge, json
from ..globals import get_current, request
from .response import Response

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping

HEARTBEAT = 15.0
"""Seconds of silence after which a heartbeat is sent. Proxies commonly give up after 30 or 60."""

PING = b": ping\n\n"
_OPENING = b":\n\n"
_LINE_END = re.compile(r"\r\n|\n|\r")


class Event:
    """One event.

    :param data: text, or anything else, which is sent as JSON. ``None`` for an event that only sets ``id`` or
        ``retry``, or only comments: the page is not told.
    :param event: what the page listens for with ``addEventListener``; ``message`` if not given.
    :param id: what the browser sends as ``Last-Event-ID`` when it reconnects (:func:`last_event_id`).
    :param retry: milliseconds that the browser waits before it reconnects.
    :param comment: text that the browser ignores.
    :raise ValueError: if ``event`` or ``id`` contains a line break or NUL, or ``retry`` is no natural number.
    """

    __slots__ = ("comment", "data", "event", "id", "retry")

    def __init__(
        self,
        data: t.Any = None,
        event: str | None = None,
        id: str | int | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None:
        self.data = data
        self.event = _checked("event", event)
        self.id = _checked("id", None if id is None else str(id))
        self.retry = _checked_retry(retry)
        self.comment = comment

    def __repr__(self) -> str:
        return f"Event({self.data!r}, event={self.event!r}, id={self.id!r})"

    def encode(self) -> bytes:
        """Return the event as it is sent.

        >>> Event("two\\nlines", event="greeting", id=7).encode()
        b'event: greeting\\nid: 7\\ndata: two\\ndata: lines\\n\\n'
        """
        lines = []
        if self.comment is not None:
            lines += [f": {line}\n" for line in _LINE_END.split(self.comment)]
        if self.event is not None:
            lines.append(f"event: {self.event}\n")
        if self.id is not None:
            lines.append(f"id: {self.id}\n")
        if self.retry is not None:
            lines.append(f"retry: {self.retry}\n")
        if self.data is not None:
            text = self.data if isinstance(self.data, str) else json.dumps(self.data)
            lines += [f"data: {line}\n" for line in _LINE_END.split(text)]
        lines.append("\n")
        return "".join(lines).encode()


def _checked(name: str, value: str | None) -> str | None:
    if value is not None and ("\n" in value or "\r" in value or "\0" in value):
        raise ValueError(
            f"The {name!r} of an event cannot be {value!r}: it contains a line break or NUL. Only 'data' may have"
            " several lines."
        )
    return value


def _checked_retry(retry: object) -> int | None:
    if retry is None:
        return None
    if not isinstance(retry, int) or retry < 0:
        raise ValueError(f"The 'retry' of an event cannot be {retry!r}: it is a number of milliseconds, such as 3000.")
    return retry


def encode_event(item: t.Any) -> bytes:
    """Return what is sent for one item of a generator.

    Text is an event with that data; ``bytes`` are sent as they are; ``None`` is a heartbeat; an :class:`Event` is
    itself; anything else is an event with its JSON.
    """
    if isinstance(item, Event):
        return item.encode()
    if isinstance(item, str):
        if "\n" not in item and "\r" not in item:
            return f"data: {item}\n\n".encode()
    elif isinstance(item, bytes):
        return item
    elif item is None:
        return PING
    return Event(item).encode()


def last_event_id() -> str | None:
    """Return the ``id`` of the last event that the client of this request has seen, if it says so.

    A browser says so when it reconnects: send it what it missed.
    """
    value = request.head.header("last-event-id")
    # NOTE: browsers send it in UTF-8.
    return value.encode("latin-1").decode(errors="replace") if value else None


class EventStream(Response):
    """A response that sends the items of a generator as server-sent events.

    .. code-block:: python

        @app.get("/news")
        async def news():
            async def events():
                async for item in queue.follow(after=last_event_id()):
                    yield Event(item.text, event="news", id=item.number)

            return EventStream(events())

    :param items: a generator, sync or async, or any other iterable, of what :func:`encode_event` takes.
    :param heartbeat: seconds of silence after which a comment is sent; ``None`` for never. A sync generator under WSGI
        runs on the server's own thread, and nothing can be sent while it waits: there it beats by itself, by
        yielding ``None`` now and then (``queue.get(timeout=15)``).
    :param retry: milliseconds that the browser waits before it reconnects.
    :param farewell: an item that is sent as the last one when the server stops and ends the stream. The generator is
        closed by then.
    :param headers: instead of, or beside, those that keep proxies from storing and from buffering the stream.
    """

    default_mimetype = "text/event-stream"

    def __init__(
        self,
        items: AsyncIterable[t.Any] | Iterable[t.Any],
        *,
        heartbeat: float | None = HEARTBEAT,
        retry: int | None = None,
        farewell: t.Any = None,
        status: int | str = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> None:
        if heartbeat is not None and heartbeat <= 0:
            raise ValueError(f"The heartbeat cannot be {heartbeat!r}: it is a number of seconds, or None for none.")
        # NOTE: sent at once, since many servers and proxies hold the headers back until there is a byte of the body.
        opening = _OPENING if retry is None else Event(retry=retry).encode()
        super().__init__(t.cast(t.Any, _body(items, opening, heartbeat)), status, headers, direct_passthrough=True)
        self.headers.setdefault("Cache-Control", "no-cache, no-transform")
        self.headers.setdefault("X-Accel-Buffering", "no")
        self.farewell = b"" if farewell is None else encode_event(farewell)
        """What is sent when the server ends the stream."""


def _body(items: t.Any, opening: bytes, heartbeat: float | None) -> _SyncEvents | _Beating:
    if hasattr(items, "__aiter__"):
        return _AsyncEvents(items, opening, heartbeat)
    if not hasattr(items, "__iter__") or isinstance(items, (str, bytes, dict)):
        hint = " Was the generator function passed, and not called?" if callable(items) else ""
        raise TypeError(f"An EventStream is made of a generator of events, not of {items!r}.{hint}")
    ctx = get_current(None)
    if ctx is not None and ctx.request is not None and ctx.request.scope is not None:
        return _ThreadedEvents(iter(items), opening, heartbeat)
    return _SyncEvents(iter(items), opening)


class _SyncEvents:
    """The body for a sync generator under WSGI."""

    __slots__ = ("_items", "_opening")

    def __init__(self, items: Iterator[t.Any], opening: bytes) -> None:
        self._items = items
        self._opening = opening

    def __iter__(self) -> _SyncEvents:
        return self

    def __next__(self) -> bytes:
        if self._opening:
            opening, self._opening = self._opening, b""
            return opening
        return encode_event(next(self._items))

    def close(self) -> None:
        close = getattr(self._items, "close", None)
        if close is not None:
            close()


class _Beating:
    """A body that sends heartbeats while the future of its next chunk is not done.

    The generator knows nothing of it: a heartbeat neither cancels nor restarts anything, the same future is waited for
    again. It runs in the context of the view that made it.
    """

    def __init__(self, items: t.Any, opening: bytes, heartbeat: float | None) -> None:
        self._items = items
        self._opening = opening
        self._heartbeat = heartbeat
        self._context = copy_context()
        self._next: asyncio.Future[bytes] | None = None
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._opening:
            opening, self._opening = self._opening, b""
            return opening
        if self._ended:
            raise StopAsyncIteration
        chunk = self._next
        if chunk is None:
            chunk = self._next = self._pull()
        if not chunk.done():
            from asyncio import wait

            await wait({chunk}, timeout=self._heartbeat)
            if not chunk.done():
                return PING
        self._next = None
        try:
            data = chunk.result()
        except BaseException:
            self._ended = True
            raise
        if data is bridge.END:
            self._ended = True
            raise StopAsyncIteration
        return data

    def _pull(self) -> asyncio.Future[bytes]:
        """Have the generator go on, and return what will be its next chunk, or ``END``."""
        raise NotImplementedError


class _ThreadedEvents(_Beating):
    """The body for a sync generator under ASGI: it runs in threads, one step after the other.

    Not in those of the views, for it is meant to wait: then a few dozen listeners would leave none to views.
    """

    def _pull(self) -> asyncio.Future[bytes]:
        from asyncio import get_running_loop

        self._context.run(bridge.serving_loop.set, get_running_loop())
        return t.cast("asyncio.Future[bytes]", bridge.in_own_thread(self._context.run)(self._step))

    def _step(self) -> bytes:
        item = bridge.pull(self._items)
        return bridge.END if item is bridge.END else encode_event(item)

    async def aclose(self) -> None:
        """Close the generator, once it has come to its next ``yield``: a thread cannot be interrupted."""
        self._ended = True
        if self._next is not None:
            from asyncio import wait

            await wait({self._next})
            self._next = None
        close = getattr(self._items, "close", None)
        if close is not None:
            await bridge.in_cleanup_thread(self._context.run, close)


class _AsyncEvents(_Beating):
    """The body for an async generator, which runs in one task of its own from its start to its end.

    One task, because what a generator holds open across a ``yield`` (a timeout, a task group) belongs to a task.
    """

    _task: asyncio.Task[None] | None = None
    _wanted: asyncio.Future[None] | None = None

    def _pull(self) -> asyncio.Future[bytes]:
        from asyncio import get_running_loop

        loop = get_running_loop()
        chunk: asyncio.Future[bytes] = loop.create_future()
        self._chunk = chunk
        if self._task is None:
            self._task = loop.create_task(self._run(), context=self._context)
        elif self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)
        return chunk

    async def _run(self) -> None:
        try:
            await self._drain()
        except BaseException as exc:
            if not self._chunk.done():
                self._chunk.set_exception(exc)
                self._chunk.exception()
            if self._ended:
                raise
        else:
            if not self._chunk.done():
                self._chunk.set_result(bridge.END)

    async def _drain(self) -> None:
        from asyncio import get_running_loop

        loop = get_running_loop()
        iterator = aiter(self._items)
        try:
            while not self._ended and (item := await anext(iterator, bridge.END)) is not bridge.END:
                self._wanted = loop.create_future()
                if not self._chunk.done():
                    self._chunk.set_result(encode_event(item))
                if not self._ended:
                    await self._wanted
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                await close()

    async def aclose(self) -> None:
        """Close the generator in its own task: cancelled at the ``await`` it stands at, or closed at its ``yield``.

        :raise Exception: what the generator raises on its way out.
        """
        if self._ended and (self._task is None or self._task.done()):
            return
        self._ended = True
        if self._task is None:
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await close()
            return
        self._task.cancel()
        from asyncio import wait

        await wait({self._task})
        if not self._task.cancelled() and (exc := self._task.exception()) is not None:
            raise exc
