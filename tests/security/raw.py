"""Requests as a hostile client makes them and a server hands them on: no client in between that would mend them."""

from __future__ import annotations

import asyncio
import io
import typing as t
from urllib.parse import unquote_to_bytes

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kolben import Kolben

HOST = (b"host", b"example.test")
Pairs: t.TypeAlias = "list[tuple[bytes, bytes]]"
Answer: t.TypeAlias = "tuple[int, dict[str, str], bytes]"


class Raw:
    """Sends requests to an application over one protocol, byte for byte. Each answer is status, headers, body."""

    def __init__(self, app: Kolben, protocol: str, runner: asyncio.Runner) -> None:
        self.app = app
        self.protocol = protocol
        self._runner = runner

    def __call__(
        self,
        target: bytes = b"/",
        headers: Pairs | None = None,
        *,
        method: str = "GET",
        chunks: Iterable[bytes] = (),
        root_path: str = "",
        scheme: str = "http",
    ) -> Answer:
        """Send a request.

        :param target: of the request line: a percent-encoded path and perhaps a query.
        :param headers: names in lower case; only a Host by default, which is left out if this is given.
        :param chunks: the body, as it arrives. No Content-Length is added.
        """
        headers = [HOST] if headers is None else headers
        path, _, query = target.partition(b"?")
        send = self._wsgi if self.protocol == "wsgi" else self._asgi
        status, pairs, body = send(path, query, headers, method, chunks, root_path, scheme)
        return status, {name.title(): value for name, value in pairs}, body

    def _wsgi(
        self, path: bytes, query: bytes, headers: Pairs, method: str, chunks: Iterable[bytes], root: str, scheme: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        environ = environ_of(path, query, headers, method, chunks, root, scheme)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: t.Any = None) -> t.Any:
            started.append((status, headers))

        parts: t.Any = self.app(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, pairs = started[-1]
        return int(status[:3]), pairs, body

    def _asgi(
        self, path: bytes, query: bytes, headers: Pairs, method: str, chunks: Iterable[bytes], root: str, scheme: str
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        scope = scope_of(path, query, headers, method, root, scheme)
        messages = list(self._runner.run(answer(self.app, scope, chunks)))
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in messages[0]["headers"]]
        return messages[0]["status"], pairs, b"".join(message["body"] for message in messages[1:])


@pytest.fixture
def raw(app: Kolben, protocol: str) -> Iterator[Raw]:
    """:class:`Raw` requests to an application that answers errors as in production."""
    app.testing = False
    with asyncio.Runner() as runner:
        yield Raw(app, protocol, runner)


class Chunks(io.RawIOBase):
    """A `wsgi.input` that gives what arrives, a chunk at a time, and counts what is taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._pending = b""
        self.taken = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._pending or next(self._chunks, b"")
        size = len(data) if size is None or size < 0 else size
        self._pending = data[size:]
        self.taken += min(size, len(data))
        return data[:size]


def environ_of(
    path: bytes,
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (HOST,),
    method: str = "GET",
    chunks: Iterable[bytes] = (),
    root_path: str = "",
    scheme: str = "http",
) -> dict[str, t.Any]:
    """What a WSGI server makes of a request: repeated headers joined, hyphens folded into underscores (PEP 3333)."""
    environ: dict[str, t.Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": root_path,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": Chunks(chunks),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        text = value.decode("latin-1")
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{text}" if key in environ else text
    return environ


def scope_of(
    path: bytes,
    query: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (HOST,),
    method: str = "GET",
    root_path: str = "",
    scheme: str = "http",
) -> dict[str, t.Any]:
    """What an ASGI server makes of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": root_path + unquote_to_bytes(path).decode(errors="replace"),
        "raw_path": root_path.encode() + path,
        "query_string": query,
        "root_path": root_path,
        "headers": list(headers),
        "client": ("192.0.2.1", 50000),
        "server": ("127.0.0.1", 8000),
        "extensions": {},
    }


async def answer(app: t.Any, scope: dict[str, t.Any], chunks: Iterable[bytes] = ()) -> list[t.Any]:
    """The messages that an ASGI application sends for a request whose body arrives in these chunks."""
    messages: list[t.Any] = []
    arriving = iter(chunks)
    ended = False

    async def receive() -> dict[str, t.Any]:
        nonlocal ended
        if ended:
            await asyncio.Event().wait()
        chunk = next(arriving, None)
        ended = chunk is None
        return {"type": "http.request", "body": chunk or b"", "more_body": not ended}

    async def send(message: t.Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages
