"""The access log: a line for each request, for people or as JSON."""

from __future__ import annotations

import json
import os
import re
import time
import typing as t
from datetime import UTC, datetime

if t.TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from .door import ASGIApp

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]

Style: t.TypeAlias = t.Literal["human", "json"]

_UNPRINTABLE = re.compile(r'[^\x20-\x7e]|["\\]')
_HEADERS = {b"user-agent": "user_agent", b"referer": "referer", b"x-request-id": "request_id"}
_LONGEST = 2048
"""Characters of one field. Whoever sends more has something in mind."""


GRANIANS_FAILURE = b"Internal server error"
"""What Granian answers where an exception, or a cancellation, comes out of a request that was not answered."""


class AccessLog:
    """An ASGI application that writes a line for each request that another has answered.

    :param write: takes a line with its end; by default it goes to the standard output.
    """

    def __init__(self, asgi: ASGIApp, style: Style, write: Callable[[bytes], object] | None = None) -> None:
        self._asgi = asgi
        self._format = _as_json if style == "json" else _as_text
        self._write = write or _to_stdout

    async def __call__(self, scope: Scope, receive: t.Any, send: t.Any) -> None:
        if scope["type"] == "lifespan":
            return await self._asgi(scope, receive, send)
        entry = Entry(scope)
        try:
            await self._asgi(scope, receive, entry.noting(send))
        finally:
            self._write(self._format(entry).encode("ascii", "backslashreplace") + b"\n")


class Entry:
    """What is known of a request: as it was sent, and what became of it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._started = time.perf_counter()
        self.time = time.time()
        self.status: int | None = None
        """``None`` for one that was not answered: the server then sends 500."""
        self.size = 0
        """Bytes of the response's body."""
        self._response_id: str | None = None

    def noting(self, send: t.Any) -> t.Any:
        """``send`` that takes down what the response is."""

        def send_and_note(message: Message) -> t.Any:
            kind = message["type"]
            if kind in {"http.response.body", "websocket.http.response.body"}:
                self.size += len(message.get("body", b""))
            elif kind in {"http.response.start", "websocket.http.response.start"}:
                self.status = message["status"]
                self._response_id = _find(message.get("headers", ()), b"x-request-id")
            elif kind == "websocket.accept":
                self.status = 101
            elif kind == "websocket.close" and self.status is None:
                self.status = 403
            return send(message)

        return send_and_note

    def _size_of_failure(self) -> int:
        """Bytes of the body that the server sends where the application has not answered."""
        is_seen = self._scope["type"] == "http" and self._scope["method"] != "HEAD"
        return len(GRANIANS_FAILURE) if is_seen else 0

    def fields(self) -> dict[str, t.Any]:
        """All of it, by names."""
        scope = self._scope
        client = scope.get("client")
        raw = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        query = scope["query_string"]
        fields: dict[str, t.Any] = {
            "time": datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds"),
            "client": client[0] if client else None,
            "method": scope.get("method", "GET"),
            "path": (raw + b"?" + query if query else raw).decode("latin-1"),
            "protocol": f"HTTP/{scope['http_version']}",
            "status": self.status or 500,
            "bytes": self.size if self.status else self._size_of_failure(),
            "duration_ms": round((time.perf_counter() - self._started) * 1000, 2),
        }
        for name, value in scope["headers"]:
            if name in _HEADERS:
                fields[_HEADERS[name]] = value.decode("latin-1")
        if self._response_id is not None:
            fields["request_id"] = self._response_id
        return fields


def _find(headers: t.Any, wanted: bytes) -> str | None:
    for name, value in headers:
        if name == wanted:
            return bytes(value).decode("latin-1")
    return None


def _as_json(entry: Entry) -> str:
    fields = {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in entry.fields().items()}
    # NOTE: ASCII only. What controls a terminal is escaped like what is not ASCII.
    return json.dumps(fields).replace("\x7f", "\\u007f")


def _as_text(entry: Entry) -> str:
    """One line; what could end it, or forge another, is escaped: quotes, control characters, all that is not ASCII."""
    fields = entry.fields()
    safe = {name: _escape(value[:_LONGEST]) if isinstance(value, str) else value for name, value in fields.items()}
    line = (
        f'{safe["time"]} {safe["client"] or "-"} "{safe["method"]} {safe["path"]} {safe["protocol"]}"'
        f" {safe['status']} {safe['bytes']} {safe['duration_ms']}ms"
        f' "{safe.get("referer", "-")}" "{safe.get("user_agent", "-")}"'
    )
    return f"{line} {safe['request_id']}" if "request_id" in safe else line


def _escape(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _to_stdout(line: bytes) -> None:
    # NOTE: one write for a line, so that those of several processes stand one under the other. A log that nobody takes
    # is no reason to fail a request.
    try:
        os.write(1, line)
    except OSError:
        pass
