"""Drive an application with prepared requests, as a server would: no test client, no socket."""

from __future__ import annotations

import asyncio
import statistics
import time
import typing as t
from io import BytesIO

from kinds import HEADERS, KINDS, Kind

BATCH = 0.004
"""Seconds that one timed batch of requests takes, about."""
CHUNK = 65536
"""Bytes of a body that one ASGI message holds."""


class Answer(t.NamedTuple):
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def check(kind: Kind, answer: Answer) -> None:
    """Refuse to time what does not answer as the kind says."""
    problem = ""
    if answer.status != kind.status and not (kind.status == 302 and answer.status in {301, 303, 307}):
        problem = f"status {answer.status}"
    elif kind.contains not in answer.body:
        problem = f"body {answer.body[:200]!r}"
    elif kind.sets not in answer.headers.get("set-cookie", ""):
        problem = f"no cookie in {answer.headers}"
    if problem:
        raise AssertionError(f"{kind.name}: {problem}")


def preparing(kind: Kind) -> Kind | None:
    """The request whose answer the headers of ``kind`` come from."""
    if kind.prepare == "session":
        return KINDS["session"]
    return KINDS["static file"] if kind.prepare == "etag" else None


def prepared_headers(kind: Kind, answer: Answer | None) -> list[tuple[str, str]]:
    """The headers that the request is sent with."""
    headers = [*HEADERS, *kind.headers]
    if kind.body:
        headers.append(("Content-Length", str(len(kind.body))))
    if answer is not None and kind.prepare == "session":
        headers.append(("Cookie", answer.headers["set-cookie"].partition(";")[0]))
    elif answer is not None:
        etag = answer.headers.get("etag")
        headers.append(("If-None-Match", etag) if etag else ("If-Modified-Since", answer.headers["last-modified"]))
    return headers


def batches(seconds: float, once: float) -> tuple[int, float]:
    """How many requests make a batch, and when to end."""
    return max(1, min(500, int(BATCH / once))), time.perf_counter() + seconds


def summary(times: list[float]) -> dict[str, float]:
    """Minimum and median in microseconds a request."""
    return {"min": min(times) * 1e6, "median": statistics.median(times) * 1e6}


# -- WSGI ------------------------------------------------------------------------------------------------------------


def make_environ(kind: Kind, headers: list[tuple[str, str]]) -> dict[str, t.Any]:
    """An environ as servers make it."""
    environ = {
        "REQUEST_METHOD": kind.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": kind.path,
        "QUERY_STRING": kind.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


def _ask_wsgi(app: t.Any, kind: Kind, headers: list[tuple[str, str]]) -> Answer:
    started: list[t.Any] = []
    environ = make_environ(kind, headers)
    environ["wsgi.input"] = BytesIO(kind.body)
    result = app(environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
    body = b"".join(result)
    if hasattr(result, "close"):
        result.close()
    return Answer(int(started[0][:3]), {name.lower(): value for name, value in started[1]}, body)


def time_wsgi(app: t.Any, kind: Kind, seconds: float) -> dict[str, float]:
    """What one request costs under WSGI."""
    first = preparing(kind)
    headers = prepared_headers(kind, _ask_wsgi(app, first, prepared_headers(first, None)) if first else None)
    for _ in range(20):
        check(kind, _ask_wsgi(app, kind, headers))
    start = time.perf_counter()
    for _ in range(10):
        _ask_wsgi(app, kind, headers)
    size, end = batches(seconds, (time.perf_counter() - start) / 10)
    times = []
    while not times or time.perf_counter() < end:
        times.append(_wsgi_batch(app, kind, make_environ(kind, headers), size))
    return summary(times)


def _wsgi_batch(app: t.Any, kind: Kind, environ: dict[str, t.Any], size: int) -> float:
    environs = [environ | {"wsgi.input": BytesIO(kind.body)} for _ in range(size)]

    def start_response(status, headers, exc_info=None):
        pass

    start = time.perf_counter()
    for environ in environs:
        result = app(environ, start_response)
        for _ in result:
            pass
        if hasattr(result, "close"):
            result.close()
    return (time.perf_counter() - start) / size


# -- ASGI ------------------------------------------------------------------------------------------------------------


def make_scope(kind: Kind, headers: list[tuple[str, str]]) -> dict[str, t.Any]:
    """A scope as servers make it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": kind.method,
        "scheme": "http",
        "path": kind.path,
        "raw_path": kind.path.encode(),
        "query_string": kind.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }


def make_messages(body: bytes) -> list[dict[str, t.Any]]:
    """The messages that a body arrives in."""
    starts = range(0, len(body), CHUNK) or range(1)
    return [
        {"type": "http.request", "body": body[start : start + CHUNK], "more_body": start + CHUNK < len(body)}
        for start in starts
    ]


class Channel:
    """The two callables of one request. After the body, ``receive`` waits: the client stays."""

    __slots__ = ("messages",)

    def __init__(self, messages: list[dict[str, t.Any]]) -> None:
        self.messages = iter(messages)

    async def receive(self) -> dict[str, t.Any]:
        for message in self.messages:
            return message
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def send(self, message: dict[str, t.Any]) -> None:
        pass


async def _ask_asgi(app: t.Any, kind: Kind, headers: list[tuple[str, str]]) -> Answer:
    sent: list[dict[str, t.Any]] = []

    async def send(message):
        sent.append(message)

    await app(make_scope(kind, headers), Channel(make_messages(kind.body)).receive, send)
    names = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))


async def _start_up(app: t.Any) -> t.Any:
    """Run the application's lifespan up to where requests come."""
    started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    channel = iter([{"type": "lifespan.startup"}])

    async def receive():
        for message in channel:
            return message
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        if not started.done():
            started.set_result(None)

    async def live():
        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        except AssertionError:
            await send({})

    task = asyncio.ensure_future(live())
    await started
    return task


async def time_asgi(app: t.Any, kind: Kind, seconds: float) -> dict[str, float]:
    """What one request costs under ASGI, on one event loop."""
    lifespan = await _start_up(app)
    first = preparing(kind)
    headers = prepared_headers(kind, await _ask_asgi(app, first, prepared_headers(first, None)) if first else None)
    for _ in range(20):
        check(kind, await _ask_asgi(app, kind, headers))
    start = time.perf_counter()
    for _ in range(10):
        await _ask_asgi(app, kind, headers)
    size, end = batches(seconds, (time.perf_counter() - start) / 10)
    times = []
    while not times or time.perf_counter() < end:
        times.append(await _asgi_batch(app, kind, headers, size))
    lifespan.cancel()
    return summary(times)


async def _asgi_batch(app: t.Any, kind: Kind, headers: list[tuple[str, str]], size: int) -> float:
    messages = make_messages(kind.body)
    requests = [(make_scope(kind, headers), Channel(messages)) for _ in range(size)]
    start = time.perf_counter()
    for scope, channel in requests:
        await app(scope, channel.receive, channel.send)
    elapsed = time.perf_counter() - start
    await asyncio.sleep(0)
    return elapsed / size
