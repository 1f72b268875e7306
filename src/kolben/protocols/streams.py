"""Response bodies that own their request's context: it lasts as long as they do, and ends once."""

from __future__ import annotations

import sys
import threading
import typing as t

from ..bridge import END
from ..http.response import to_bytes

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context

    from ..ctx import RequestContext


_held: dict[int, tuple[Iterator[t.Any], Context]] = {}
"""What the open streams are made of.

NOTE: the garbage collector finalizes all that it finds in one go, in any order. Kept here, a generator is not among it
when it finds its stream, which then closes it as it should be: in its context, before teardown.
"""


class OwnedStream:
    """The body of a streamed response under WSGI.

    Each chunk is pulled inside ``context``, on whatever thread the server pulls from, so that nothing of the request
    stays behind on that thread. Whoever ends the stream first (its end, an error, the server's ``close``, the garbage
    collector) closes the generator and the request; the others find it done.
    """

    __slots__ = ("__weakref__", "_close_request", "_context", "_ctx", "_is_closed", "_iterator", "_response")

    def __init__(
        self,
        ctx: RequestContext,
        response: t.Any,
        iterator: Iterator[t.Any],
        context: Context,
        close_request: Callable[[RequestContext], None],
    ) -> None:
        self._ctx = ctx
        self._response = response
        self._iterator = iterator
        self._context = context
        self._close_request = close_request
        self._is_closed = False
        _held[id(self)] = (iterator, context)

    def __iter__(self) -> Iterator[bytes]:
        # PERF: benchmarks/inprocess.py, kind "stream": a generator goes on faster than a method is called.
        run, iterator = self._context.run, self._iterator
        while not self._is_closed:
            try:
                chunk = run(next, iterator, END)
                if type(chunk) is not bytes:
                    if chunk is END:
                        break
                    chunk = run(to_bytes, chunk)
            except BaseException as exc:
                self._fail(exc)
                raise
            yield chunk
        self.close()

    def __next__(self) -> bytes:
        return next(iter(self))

    def _fail(self, exc: BaseException) -> None:
        self._ctx.error = exc
        if isinstance(exc, Exception):
            self._context.run(self._ctx.app.log_exception, (type(exc), exc, exc.__traceback__))
        self.close()

    @property
    def response(self) -> t.Any:
        """What this is the body of."""
        return self._response

    def interrupt(self) -> None:
        """Have whoever waits for the next chunk of an asynchronous generator wait no longer.

        A synchronous one goes on to its next ``yield``. Called on the loop.
        """
        cancel = getattr(self._iterator, "cancel", None)
        if cancel is not None:
            cancel()

    def close(self) -> None:
        """End the stream and the request. Further calls do nothing."""
        # NOTE: of several threads, one finds it there.
        if _held.pop(id(self), None) is not None:
            self._is_closed = True
            self._context.run(self._finish)

    def _finish(self) -> None:
        try:
            try:
                # NOTE: a response closes its own body; a close that counts is called once (PEP 3333).
                is_body = getattr(self._response, "response", None) is self._iterator
                close = None if is_body else getattr(self._iterator, "close", None)
                if close is not None:
                    close()
            finally:
                close = getattr(self._response, "close", None)
                if close is not None:
                    close()
        except BaseException as exc:
            self._ctx.error = self._ctx.error or exc
            raise
        finally:
            self._close_request(self._ctx)

    def __del__(self) -> None:
        if getattr(self, "_is_closed", True):
            return
        asyncio = sys.modules.get("asyncio")  # NOTE: not imported, for that may fail when the interpreter ends.
        if asyncio is None or asyncio._get_running_loop() is None:
            self.close()
        else:
            # NOTE: closing waits for the loop, and this thread, where the collector happens to be at work, runs it.
            threading.Thread(target=self.close, name="kolben-close", daemon=True).start()
