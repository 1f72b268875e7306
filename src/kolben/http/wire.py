"""A response as a protocol sends it."""

from __future__ import annotations

import typing as t

from .headers import check_status, encode_headers
from .response import Response, check_response

if t.TYPE_CHECKING:
    from werkzeug.wrappers import Response as WerkzeugResponse


class Page:
    """A whole answer that is the same for every request, in the form that one protocol sends it.

    :param headers: pairs of text for WSGI, of bytes for ASGI.
    """

    __slots__ = ("body", "headers", "status", "status_code")

    def __init__(self, response: Response, is_asgi: bool) -> None:
        headers = response.wire_headers()
        self.status = response._status
        self.status_code = response._status_code
        self.headers: list[tuple[t.Any, t.Any]] = encode_headers(headers) if is_asgi else headers
        self.body = b"".join(response.body_chunks())


def seal(response: WerkzeugResponse) -> None:
    """Check a response that is going to be sent, and keep its headers as ASGI has them.

    :raises ValueError: what it has must not reach a server, see :func:`.check_response`.
    """
    if isinstance(response, Response) and response.goes_plain:
        check_status(response._status)
        if "headers" in response.__dict__:
            response.__dict__["sealed"] = encode_headers(response.wire_headers())
    else:
        check_response(response)


def asgi_headers(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers that :func:`seal` kept, or else those of now."""
    sealed: list[tuple[bytes, bytes]] | None = response.__dict__.get("sealed")
    return encode_headers(response.wire_headers()) if sealed is None else sealed


def is_bodiless(status: int) -> bool:
    """Whether a response of that status has no body (RFC 9110 sections 6.4.1 and 15)."""
    return status < 200 or status == 204 or status == 304
