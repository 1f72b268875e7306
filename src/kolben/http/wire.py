"""A response as a protocol sends it."""

from __future__ import annotations

import typing as t

from .headers import CONTENT_LENGTH, NAMES, PAIRS, check_headers, check_status, encode_headers
from .response import Response, check_response, is_plain_path

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
    """Check a response that is going to be sent, and keep its headers as WSGI has them.

    :raises ValueError: what it has must not reach a server, see :func:`.check_response`.
    """
    if not isinstance(response, Response) or not response.goes_plain:
        check_response(response)
        return
    check_status(response._status)
    attributes = response.__dict__
    if "headers" not in attributes:
        if response.prepared is None:
            return
        if not is_bodiless(response._status_code):
            attributes["sealed"] = response.prepared[0].copy()
            return
    pairs = response.headers._list
    if encode_plain(response, pairs) is None:
        check_headers(pairs)
        attributes["sealed"] = response.wire_headers()
    else:
        attributes["sealed"] = pairs.copy()


def seal_asgi(response: WerkzeugResponse) -> None:
    """:func:`seal` for ASGI."""
    if not isinstance(response, Response) or not response.goes_plain:
        check_response(response)
        return
    check_status(response._status)
    attributes = response.__dict__
    if "headers" not in attributes:
        if response.prepared is None:
            return
        if not is_bodiless(response._status_code):
            attributes["sealed"] = response.prepared[1].copy()
            return
    pairs = response.headers._list
    sealed = encode_plain(response, pairs)
    if sealed is None:
        # NOTE: as they were set: what is sent of a Location is escaped, and would hide a control character.
        check_headers(pairs)
        sealed = encode_headers(response.wire_headers())
    attributes["sealed"] = sealed


def encode_plain(response: Response, pairs: list[tuple[str, str]]) -> list[tuple[bytes, bytes]] | None:
    """The headers of a response for ASGI if they are sent as they are, each of a kind that is known; else ``None``."""
    # PERF: benchmarks/inprocess.py, kind "hooks": they are gone through once, and most are known as a whole.
    status = response._status_code
    if status < 200 or status == 204 or status == 304:
        return None
    encoded = []
    has_location = has_length = False
    for pair in pairs:
        raw = PAIRS.get(pair)
        if raw is None:
            name, value = pair
            raw_name = NAMES.get(name)
            if raw_name is None or type(value) is not str or not value.isascii() or not value.isprintable():
                return None
            if raw_name in _SPECIAL:
                if raw_name == CONTENT_LENGTH:
                    has_length = True
                elif has_location or not is_plain_path(value):
                    return None
                else:
                    has_location = True
            raw = raw_name, value.encode()
        elif raw[0] is CONTENT_LENGTH:
            has_length = True
        encoded.append(raw)
    return encoded if has_length or not response.is_sequence else None


_SPECIAL = frozenset({CONTENT_LENGTH, b"location", b"content-location"})


def asgi_headers(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers that :func:`seal_asgi` kept, or else those of now."""
    sealed: list[tuple[bytes, bytes]] | None = response.__dict__.get("sealed")
    return encode_headers(response.wire_headers()) if sealed is None else sealed


def is_bodiless(status: int) -> bool:
    """Whether a response of that status has no body (RFC 9110 sections 6.4.1 and 15)."""
    return status < 200 or status == 204 or status == 304
