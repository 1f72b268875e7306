"""What the debugger answers: pages, JSON, text and its two static files, with the headers that guard them."""

from __future__ import annotations

import json
import pathlib
import typing as t

from .page import CONTENT_SECURITY_POLICY, PREFIX, error_page

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .errors import RecordedError

Headers: t.TypeAlias = list[tuple[bytes, bytes]]

_GUARDS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]

_STATIC = pathlib.Path(__file__).with_name("static")
_STATIC_TYPES = {"debugger.css": "text/css", "debugger.js": "text/javascript"}


class Reply:
    """A response with its body in memory."""

    def __init__(self, status: int, content_type: str, text: str, *headers: tuple[str, str]) -> None:
        self.status = status
        self.content_type = content_type
        # NOTE: a message may hold lone surrogates, which UTF-8 has no bytes for.
        self.body: bytes = text.encode("utf-8", "backslashreplace")
        self.headers: Headers = [
            (b"content-type", f"{content_type}; charset=utf-8".encode()),
            (b"content-length", str(len(self.body)).encode()),
            *_GUARDS,
            *((name.encode(), value.encode("latin-1")) for name, value in headers),
        ]

    async def send(self, send: Callable[[t.Any], Awaitable[None]], method: str) -> None:
        """Send it; without its body if the method is HEAD."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else self.body})


def html_reply(status: int, page: str, *headers: tuple[str, str]) -> Reply:
    """A page."""
    return Reply(status, "text/html", page, *headers)


def text_reply(status: int, text: str) -> Reply:
    """A line of text: to those who get no page, since they do not get its style either."""
    return Reply(status, "text/plain", f"{text}\n")


def json_reply(status: int, data: dict[str, t.Any]) -> Reply:
    """JSON."""
    return Reply(status, "application/json", json.dumps(data))


def error_reply(error: RecordedError, accept: str) -> Reply:
    """The page of an error, or its traceback as JSON or as text, whichever the client likes best.

    A client that takes anything, as command-line tools and scripts in pages do, gets text.
    """
    kind = _preferred(accept)
    if kind == "html":
        return html_reply(500, error_page(error), ("vary", "accept"))
    if kind == "json":
        first = error.raised[0]
        data = {"type": first.kind, "message": first.message, "traceback": error.text.splitlines()}
        return Reply(500, "application/json", json.dumps({"error": data}), ("vary", "accept"))
    return Reply(500, "text/plain", error.located_text, ("vary", "accept"))


def static_reply(path: str) -> Reply | None:
    """The static file at this path, if it is one."""
    name = path.removeprefix(f"{PREFIX}static/")
    content_type = _STATIC_TYPES.get(name)
    if content_type is None or name == path:
        return None
    return Reply(200, content_type, (_STATIC / name).read_text(encoding="utf-8"))


def _preferred(accept: str) -> t.Literal["html", "json", "text"]:
    """The kind that an ``Accept`` header names with the highest quality (RFC 9110 section 12.5.1)."""
    best: t.Literal["html", "json", "text"] = "text"
    best_quality = 0.0
    for item in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in item.split(";"))
        kind: t.Literal["html", "json", "text"]
        if media_type in ("text/html", "application/xhtml+xml"):
            kind = "html"
        elif media_type == "application/json" or media_type.endswith("+json"):
            kind = "json"
        elif media_type == "text/plain":
            kind = "text"
        else:
            continue
        quality = _quality(parameters)
        if quality > best_quality:
            best, best_quality = kind, quality
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
