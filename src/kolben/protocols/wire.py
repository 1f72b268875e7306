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


def asgi_message(response: Response) -> tuple[dict[str, t.Any], list[bytes]]:
    """The ``http.response.start`` message, and the chunks of a body that is in memory."""
    if "headers" in response.__dict__:
        status = response._status_code
        if status < 200 or status in {204, 304}:
            return asgi_start(response), []
        return asgi_start(response), response.body_chunks()
    body = t.cast("list[bytes]", response.response)
    headers = [
        (b"content-type", response.content_type_sent.encode("latin-1")),
        (b"content-length", str(len(body[0])).encode("latin-1")),
    ]
    return {"type": "http.response.start", "status": response._status_code, "headers": headers}, body
