"""A response as ASGI messages."""

from __future__ import annotations

import typing as t

from ..http.headers import encode_headers

if t.TYPE_CHECKING:
    from ..http.response import Response


def asgi_start(response: Response) -> dict[str, t.Any]:
    """The ``http.response.start`` message of a response."""
    return {
        "type": "http.response.start",
        "status": response._status_code,
        "headers": encode_headers(response.wire_headers()),
    }


def asgi_messages(response: Response) -> tuple[dict[str, t.Any], bytes]:
    """The ``http.response.start`` message, and the body of a response that has it in memory."""
    start = asgi_start(response)
    status = response._status_code
    return start, b"" if status < 200 or status in {204, 304} else b"".join(response.body_chunks())
