"""How slowly a body may arrive: who sends a byte now and then keeps what a request occupies for ever."""

from __future__ import annotations

import typing as t
from time import monotonic
from weakref import WeakKeyDictionary

from werkzeug.exceptions import RequestTimeout

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from _typeshed.wsgi import InputStream as WSGIInput

    Message: t.TypeAlias = t.MutableMapping[str, t.Any]

ALLOWANCE: t.Final = 20.0
"""Seconds of waiting that each body has in advance of its minimum rate, and may win back by being faster."""

INTERVAL: t.Final = 0.5
"""Seconds from one look at the bodies that an event loop waits for to the next."""


class SlowBody(RequestTimeout):
    """The body did not arrive in time. Its connection is closed: the rest of it may still come."""

    description = "The body of the request did not arrive in time."

    def get_headers(self, *args: t.Any, **kwargs: t.Any) -> list[tuple[str, str]]:
        """The headers of the response; RFC 9110 section 15.5.9 wants the connection closed."""
        return [*super().get_headers(*args, **kwargs), ("Connection", "close")]


class Pace:
    """How long an application waits for the bodies of its requests.

    Only the time counts in which something waits for the client, not that in which a view does other things between
    two pieces. A body that is complete is never too late.

    :param timeout: seconds for a whole body (``BODY_TIMEOUT``); ``None`` or 0 is no limit.
    :param min_rate: bytes a second (``BODY_MIN_RATE``), once :data:`ALLOWANCE` is used up; ``None`` or 0 is no limit.
    """

    __slots__ = ("min_rate", "timeout")

    def __init__(self, timeout: float | None, min_rate: float | None) -> None:
        self.timeout = timeout or None
        self.min_rate = min_rate or None

    def arrival(self) -> Arrival:
        """For the body of one request."""
        return Arrival(self)

    def input(self, source: WSGIInput) -> PacedInput:
        """A ``wsgi.input`` that keeps to it."""
        return PacedInput(source, Arrival(self))


class Arrival:
    """The body of one request as it arrives: how long it was waited for, and whether that was too long."""

    __slots__ = ("_credit", "_pace", "_seen", "_since", "_task", "_waited", "_watch", "is_late", "size")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._credit = ALLOWANCE
        self._waited = 0.0
        self._seen = 0
        self._since = 0.0
        self._task: asyncio.Task[t.Any] | None = None
        self._watch: Watch | None = None
        self.size = 0
        """Bytes that have come; whoever counts them writes it here."""
        self.is_late = False

    def wait(self, seconds: float) -> bool:
        """Note that it was waited for. Returns whether it is late now."""
        self._waited += seconds
        timeout, min_rate = self._pace.timeout, self._pace.min_rate
        if min_rate is not None:
            # NOTE: no more than the allowance is ever won back: else a fast beginning would buy hours of silence.
            self._credit = min(self._credit + (self.size - self._seen) / min_rate - seconds, ALLOWANCE)
            self._seen = self.size
        if self._credit < 0 or (timeout is not None and self._waited > timeout):
            self.is_late = True
        return self.is_late

    def look(self, now: float) -> None:
        """Cancel the task if it has waited too long."""
        before, self._since = self._since, now
        if not self.is_late and self.wait(now - before) and self._task is not None:
            self._task.cancel()

    async def receive(self, receive: Callable[[], Awaitable[Message]]) -> Message:
        """One message of ASGI's ``receive``.

        :raises SlowBody: it did not come in time.
        """
        # PERF: benchmarks/transfers.py: once for each message of a body, of which a gigabyte has tens of thousands.
        watch = self._watch or self._begin()
        task = self._task = watch.current_task()
        self._since = monotonic()
        watch.waiting[self] = None
        if not watch.is_on:
            watch.start()
        try:
            message = await receive()
            self.size += len(message.get("body", b""))
        except watch.Cancelled:
            if self.is_late and task is not None and task.uncancel() == 0:
                raise SlowBody() from None
            raise
        finally:
            del watch.waiting[self]
            self._task = None
            self.wait(monotonic() - self._since)
        if self.is_late and message.get("more_body"):
            raise SlowBody()
        return message

    def _begin(self) -> Watch:
        """The watch of the event loop that the body arrives on."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        watch = _watches.get(loop)
        if watch is None:
            watch = _watches[loop] = Watch()
        self._watch = watch
        return watch


class PacedInput:
    """A ``wsgi.input`` that is read no further once that took too long.

    NOTE: a read blocks in the server; how long it took is seen afterwards.
    """

    def __init__(self, source: WSGIInput, arrival: Arrival) -> None:
        self._source = source
        self._arrival = arrival

    def read(self, size: int = -1, /) -> bytes:
        """Read that many bytes.

        :raises SlowBody: the reads before took too long.
        """
        return self._paced(self._source.read, size)

    def readline(self, size: int = -1, /) -> bytes:
        """Read a line of so many bytes at most.

        :raises SlowBody: the reads before took too long.
        """
        return self._paced(self._source.readline, size)

    def _paced(self, read: Callable[[int], bytes], size: int) -> bytes:
        if self._arrival.is_late:
            raise SlowBody()
        before = monotonic()
        data = read(size)
        self._arrival.size += len(data)
        self._arrival.wait(monotonic() - before)
        return data


class Watch:
    """Looks, while there are any, at the bodies that one event loop waits for.

    PERF: benchmarks/inprocess.py, kind "json body": one timer for all of them. A body that arrives at once costs two
    operations of a dict.
    """

    __slots__ = ("Cancelled", "current_task", "is_on", "waiting")

    def __init__(self) -> None:
        from asyncio import CancelledError, current_task

        self.Cancelled = CancelledError
        self.current_task = current_task
        self.waiting: dict[Arrival, None] = {}
        self.is_on = False

    def start(self) -> None:
        """Look from now on, until there is nothing to look at."""
        from asyncio import get_running_loop

        self.is_on = True
        call_later = get_running_loop().call_later
        call_later(INTERVAL, self._look, call_later)

    def _look(self, call_later: Callable[..., t.Any]) -> None:
        now = monotonic()
        for arrival in self.waiting:
            arrival.look(now)
        self.is_on = bool(self.waiting)
        if self.is_on:
            call_later(INTERVAL, self._look, call_later)


# NOTE: no watch may know its loop, or neither would ever be freed.
_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()
