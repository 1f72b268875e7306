"""Streams that never end, and an account of what became of them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import typing as t
from collections import Counter

from kolben import Kolben, Response, g, has_request_context, request
from kolben.ctx import RequestContext
from kolben.globals import current
from kolben.http.sse import EventStream
from kolben.protocols.pump import Watch
from kolben.protocols.streams import OwnedStream

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

app = Kolben(__name__)
app.config["SHUTDOWN_TIMEOUT"] = 0.5
seen: Counter[str] = Counter()
lock = threading.Lock()
released = threading.Event()

CHUNK = b"x" * 4096


def count(what: str) -> None:
    with lock:
        seen[what] += 1
    if path := os.environ.get("ACCOUNT"):
        with open(path, "a") as account:
            account.write(f"{what}\n")


def is_stream() -> bool:
    return has_request_context() and request.path.startswith("/endless/")


@app.before_request
def remember() -> None:
    g.name = request.path


@app.teardown_request
def end_request(exc: BaseException | None) -> None:
    if is_stream():
        count("teardown_request" if g.name == request.path else "wrong context")


@app.teardown_appcontext
async def end_app(exc: BaseException | None) -> None:
    await asyncio.sleep(0)
    if is_stream():
        count("teardown_appcontext")


def chunks(pause: float) -> Iterator[bytes]:
    count("opened")
    try:
        while True:
            yield CHUNK if g.name == request.path else b"wrong context"
            time.sleep(pause)
    except GeneratorExit:
        count("closed")
        raise
    finally:
        count("ended")


async def async_chunks(pause: float) -> AsyncIterator[bytes]:
    count("opened")
    try:
        while True:
            yield CHUNK if g.name == request.path else b"wrong context"
            if pause:
                count("waiting")
            await asyncio.sleep(pause)
    except asyncio.CancelledError:
        count("cancelled")
        raise
    except GeneratorExit:
        count("closed")
        raise
    finally:
        await asyncio.sleep(0)
        count("ended")


@app.get("/endless/sync")
def endless_sync() -> Response:
    return Response(chunks(request.args.get("pause", 0.0, float)))


@app.get("/endless/async")
async def endless_async() -> Response:
    return Response(async_chunks(request.args.get("pause", 0.0, float)))


@app.get("/endless/sync-of-async")
async def endless_sync_of_async() -> Response:
    """A sync generator that an async view returns."""
    return Response(chunks(request.args.get("pause", 0.0, float)))


@app.get("/endless/async-of-sync")
def endless_async_of_sync() -> Response:
    """An async generator that a sync view returns."""
    return Response(async_chunks(request.args.get("pause", 0.0, float)))


@app.get("/endless/events/sync")
def events() -> EventStream:
    return EventStream(chunks(request.args.get("pause", 0.0, float)))


@app.get("/endless/events/async")
async def events_async() -> EventStream:
    return EventStream(async_chunks(request.args.get("pause", 0.0, float)), heartbeat=0.2)


@app.get("/block")
def block() -> str:
    """Occupy a thread until :func:`release` is called."""
    count("blocking")
    released.wait(60)
    count("released")
    return "released"


@app.get("/release")
async def release() -> dict[str, t.Any]:
    released.set()
    return {}


@app.get("/account")
async def account() -> dict[str, t.Any]:
    """What became of the streams so far, and what of them is still alive."""
    gc.collect()
    kinds = Counter(type(thing) for thing in gc.get_objects())
    return {
        **seen,
        "streams": kinds[OwnedStream] + kinds[Watch],
        "contexts": kinds[RequestContext] - 1,  # this request's own
        "threads": threading.active_count(),
        "fds": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
        "rss": resident(),
    }


def resident() -> int:
    """Bytes of memory that this process occupies."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Doorkeeper:
    """Notes a context that an earlier request left on the thread, or in the task, that the server calls with."""

    def __init__(self, door: t.Any) -> None:
        self.door = door

    def __call__(self, *args: t.Any) -> t.Any:
        if current.get(None) is not None:
            count("left behind")
        return self.door(*args)


app.wsgi_app = Doorkeeper(app.wsgi_app)  # type: ignore[assignment, method-assign]
app.asgi_app = Doorkeeper(app.asgi_app)  # type: ignore[assignment, method-assign]
