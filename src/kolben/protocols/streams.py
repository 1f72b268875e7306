"""Response bodies that own their request's context: it lasts as long as they do, and ends once."""

from __future__ import annotations

import sys
import threading
import typing as t
from contextvars import copy_context
from types import GeneratorType

from ..bridge import END, send
from ..http.response import to_bytes
from ..signals import appcontext_popped
from .closing import close, needs_closing

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextvars import Context

    from ..ctx import RequestContext

_popped = appcontext_popped.receivers
_held: dict[RequestContext, tuple[Iterator[t.Any], Context]] = {}
"""What the open streams are made of, by whose they are.

NOTE: the garbage collector finalizes all that it finds in one go, in any order. Kept here, a generator is not among it
when it finds its stream, which then closes it as it should be: in its context, before teardown.
"""


class OwnedStream:
    """The body of a streamed response under WSGI.

    Each chunk is pulled inside ``context``, on whatever thread the server pulls from, so that nothing of the request
    stays behind on that thread. Whoever ends the stream first (its end, an error, the server's ``close``, the garbage
    collector) closes the generator and the request; the others find it done.

    :ivar response: what this is the body of; ``None`` for the default response.
    """

    # PERF: benchmarks/inprocess.py, kind "stream": one generator is what is iterated, what knows whether the stream has
    # ended, and what the collector closes. A __del__ or a lock would be asked by every stream, this by none that ended.
    __slots__ = ("_flow", "_iterator", "response")

    response: t.Any
    _iterator: Iterator[t.Any]
    _flow: Generator[bytes, None, None]

    def __iter__(self) -> Iterator[bytes]:
        return self._flow

    def __next__(self) -> bytes:
        return next(self._flow)

    def interrupt(self) -> None:
        """Have whoever waits for the next chunk of an asynchronous generator wait no longer.

        A synchronous one goes on to its next ``yield``. Called on the loop.
        """
        cancel = getattr(self._iterator, "cancel", None)
        if cancel is not None:
            cancel()

    def close(self) -> None:
        """End the stream and the request. Further calls do nothing, nor do calls while it runs in another thread."""
        flow: t.Any = self._flow
        if flow.gi_frame is not None and not flow.gi_running:
            try:
                flow.throw(_Closed())
            except _Closed:
                pass


def open_stream(ctx: RequestContext, response: t.Any, iterator: Iterator[t.Any]) -> OwnedStream:
    """The body that ``iterator`` is for the response; from here on it has to be closed."""
    # PERF: benchmarks/inprocess.py, kind "stream": a constructor takes twice as long.
    stream = OwnedStream()
    stream.response = response
    stream._iterator = iterator
    stream._flow = flow = _flow(ctx, response, iterator, copy_context())
    next(flow)  # NOTE: a generator that was not started would not notice that it is closed.
    return stream


class _Closed(GeneratorExit):
    """The server closed the stream; it was not the collector, by a :exc:`GeneratorExit` of its own."""


def _flow(
    ctx: RequestContext, response: t.Any, iterator: Iterator[t.Any], context: Context
) -> Generator[bytes, None, None]:
    """The chunks, after an empty one, and the end of them."""
    run = context.run
    _held[ctx] = iterator, context
    try:
        yield b""
        while True:
            while type(chunk := run(next, iterator, END)) is bytes:
                yield chunk
            if chunk is END:
                break
            yield run(to_bytes, chunk)
    except BaseException as exc:
        del _held[ctx]
        if not _is_from_outside(exc):
            ctx.note_error(exc)
            if isinstance(exc, Exception):
                run(ctx.app.log_exception, (type(exc), exc, exc.__traceback__))
        elif type(exc) is not _Closed and _is_on_loop():
            # NOTE: closing waits for the loop, and this thread, where the collector happens to be at work, runs it.
            args = (_finish, ctx, response, iterator)
            threading.Thread(target=run, args=args, name="kolben-close", daemon=True).start()
            raise
        run(_finish, ctx, response, iterator)
        raise
    del _held[ctx]
    if response is None and type(iterator) is GeneratorType:
        if _popped or needs_closing(ctx):
            run(_close_request, ctx)
    else:
        run(_finish, ctx, response, iterator)


def _is_from_outside(exc: BaseException) -> bool:
    """Whether the stream is told to end at the ``yield`` where it stands; not a generator's own exception."""
    return isinstance(exc, GeneratorExit) and exc.__traceback__ is not None and exc.__traceback__.tb_next is None


def _is_on_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # NOTE: not imported, for that may fail when the interpreter ends.
    return asyncio is not None and asyncio._get_running_loop() is not None


def _finish(ctx: RequestContext, response: t.Any, iterator: Iterator[t.Any]) -> None:
    try:
        try:
            # NOTE: a response closes its own body; a close that counts is called once (PEP 3333).
            is_body = getattr(response, "response", None) is iterator
            close = None if is_body else getattr(iterator, "close", None)
            if close is not None:
                close()
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()
    except BaseException as exc:
        ctx.note_error(ctx.error or exc)
        raise
    finally:
        _close_request(ctx)


def _close_request(ctx: RequestContext) -> None:
    try:
        if needs_closing(ctx):
            close(ctx)
    finally:
        if _popped and ctx._app_ctx is None:
            send(appcontext_popped, ctx.app)
