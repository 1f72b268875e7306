"""Drives an application with one request at a time, by hand, under a profiler: no server and no test client.

The frames of this file, of the event loop and of the threads' plumbing are not counted; every other Python-level call
is, whether Kolben's, Werkzeug's, the standard library's or the view's own.
"""

from __future__ import annotations

import asyncio
import io
import pathlib
import sys
import typing as t

from tests.calls import CallCounter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kolben import Kolben

    Driver: t.TypeAlias = Callable[[Kolben, str], list[str]]

WARM_UP = 3

_STDLIB = str(pathlib.Path(asyncio.__file__).parents[1])
_NOT_COUNTED = (
    f"{_STDLIB}/asyncio/",
    f"{_STDLIB}/selectors.py",
    f"{_STDLIB}/threading.py",
    __file__,
    str(pathlib.Path(__file__).parents[1] / "conftest.py"),  # which watches the worker threads
)


def _counter() -> CallCounter:
    return CallCounter(*_NOT_COUNTED)


def wsgi_calls(app: Kolben, path: str) -> list[str]:
    """The calls of one warm GET through WSGI, from the server's call of the application to the body's `close`."""
    with _counter().installed() as counter:
        for _ in range(WARM_UP):
            _wsgi(app, path)
        counter.recording = True
        status, body = _wsgi(app, path)
        counter.recording = False
    assert status.startswith("200"), (status, body)
    return counter.calls


def asgi_calls(app: Kolben, path: str) -> list[str]:
    """The calls of one warm GET through ASGI, on a running loop, in the loop's thread and the workers'."""

    async def drive() -> tuple[int, bytes]:
        for _ in range(WARM_UP):
            await _asgi(app, path)
        counter.recording = True
        answer = await _asgi(app, path)
        counter.recording = False
        return answer

    with _counter().installed() as counter:
        status, body = asyncio.run(drive())
    assert status == 200, (status, body)
    return counter.calls


def _wsgi(app: Kolben, path: str) -> tuple[str, bytes]:
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        statuses.append(status)
        return lambda data: None

    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "54321",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "budget",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    body: Iterable[bytes] = app(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    return statuses[0], content


async def _asgi(app: Kolben, path: str) -> tuple[int, bytes]:
    sent: list[dict[str, t.Any]] = []

    async def receive() -> dict[str, t.Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, t.Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"*/*"), (b"user-agent", b"budget")],
        "client": ("127.0.0.1", 54321),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }
    await app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], content
