"""A response as a protocol sends it."""

from __future__ import annotations

import typing as t

from werkzeug.http import HTTP_STATUS_CODES

from .headers import (
    CONTENT_LENGTH,
    LENGTHS,
    NAMES,
    PAIRS,
    RAW_LENGTHS,
    check_headers,
    check_status,
    encode_headers,
    length_header,
    raw_length_header,
)
from .response import Response, check_response, is_plain_path

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Response as WerkzeugResponse


class Page:
    """A whole answer in the form that one protocol sends it: one that is the same for every request, or a plain text.

    :param headers: pairs of text for WSGI, of bytes for ASGI.
    """

    __slots__ = ("body", "headers", "status", "status_code")

    def __init__(self, response: Response, is_asgi: bool) -> None:
        headers = response.wire_headers()
        self.status = response._status
        self.status_code = response._status_code
        self.headers: list[tuple[t.Any, t.Any]] = encode_headers(headers) if is_asgi else headers
        self.body = b"".join(response.body_chunks())


def make_pager(content_type: tuple[t.Any, t.Any], is_asgi: bool) -> Callable[[tuple[t.Any, ...]], Page | None]:
    """The function that makes a page of a text and its status, for responses of that content type.

    It gives ``None`` for any other tuple, and for a status that has no body, or that is not registered.
    """
    lengths: dict[int, t.Any] = RAW_LENGTHS if is_asgi else LENGTHS
    make_length: Callable[[int], t.Any] = raw_length_header if is_asgi else length_header
    codes = [code for code in HTTP_STATUS_CODES if not is_bodiless(code)]
    lines = {code: f"{code} {HTTP_STATUS_CODES[code].upper()}" for code in codes}

    def page(rv: tuple[t.Any, ...]) -> Page | None:
        # PERF: benchmarks/inprocess.py, kind "exception": no response, of which nothing but this would be looked at.
        if len(rv) != 2 or type(rv[0]) is not str or type(rv[1]) is not int or (line := lines.get(rv[1])) is None:
            return None
        made: Page = _new(Page)
        made.status = line
        made.status_code = rv[1]
        made.body = body = rv[0].encode()
        made.headers = [content_type, lengths.get(len(body)) or make_length(len(body))]
        return made

    return page


_new: t.Any = object.__new__


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
        prepared = response.prepared
        if prepared is None:
            return
        if prepared.suits(response._status_code):
            attributes["sealed"] = prepared.wire.copy()
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
        prepared = response.prepared
        if prepared is None:
            return
        if prepared.suits(response._status_code):
            attributes["sealed"] = prepared.raw.copy()
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
