"""A response as a protocol sends it."""

from __future__ import annotations

import typing as t

from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.utils import get_content_type

from .headers import (
    LENGTHS,
    LOCATIONS,
    NAMES,
    PAIRS,
    RAW_LENGTHS,
    STATUSES,
    check_status,
    encode_headers,
    encode_value,
)
from .response import Response, check_response, is_plain_path

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..json.provider import StdlibJSONProvider


class Page:
    """A whole answer in the form that one protocol sends it.

    ``headers`` are pairs of text for WSGI, of bytes for ASGI, in a list that is the server's to keep; ``told`` is the
    response that wants to know when it was sent.
    """

    __slots__ = ("body", "headers", "status", "status_code", "told")

    status: str
    status_code: int
    headers: list[tuple[t.Any, t.Any]]
    body: bytes
    told: Response | None

    def copy(self) -> Page:
        """The same for another request."""
        page = Page()
        page.status, page.status_code = self.status, self.status_code
        page.headers, page.body, page.told = self.headers.copy(), self.body, self.told
        return page

    def response(self, cls: type[Response]) -> Response:
        """A response that says the same, for functions that were registered meanwhile and want to see one."""
        pairs = [(_text(name), _text(value)) for name, value in self.headers]
        return cls(self.body, self.status, pairs, direct_passthrough=True)


def _text(text: str | bytes) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else text


def make_pager(
    content_type: tuple[t.Any, t.Any],
    is_asgi: bool,
    provider: StdlibJSONProvider | None = None,
    explain: Callable[[Exception], None] | None = None,
) -> Callable[[t.Any], Page | None]:
    """The function that makes a page of a text or of JSON, alone or in a tuple with its status.

    It gives ``None`` for any other tuple, and for a status that has no body or is not registered.

    :param content_type: the header that a text is sent with.
    :param provider: what writes dicts and lists; without one, none is made of them.
    :param explain: called with the error of what cannot be written as JSON, which is then raised.
    """
    lengths: dict[int, t.Any] = RAW_LENGTHS if is_asgi else LENGTHS
    codes = [code for code in HTTP_STATUS_CODES if not is_bodiless(code)]
    lines = {code: f"{code} {HTTP_STATUS_CODES[code].upper()}" for code in codes}
    mimetype = None if provider is None else provider.mimetype
    json_type: t.Any = ("Content-Type", get_content_type(mimetype or "", "utf-8"))
    if is_asgi:
        json_type = encode_headers([json_type])[0]

    def page(rv: t.Any) -> Page | None:
        # PERF: benchmarks/inprocess.py, kinds "exception" and "json": no response, of which nothing but this would be
        # looked at.
        code, line = 200, "200 OK"
        if type(rv) is tuple:
            if len(rv) != 2 or type(rv[1]) is not int or rv[1] not in lines:
                return None
            rv, code = rv
            line = lines[code]
        made = Page()
        if type(rv) is str:
            first, body = content_type, rv.encode()
        elif provider is not None and (type(rv) is dict or type(rv) is list) and provider.mimetype == mimetype:
            try:
                body = provider.dump_body(rv)
            except (TypeError, ValueError) as exc:
                if explain is not None:
                    explain(exc)
                raise
            first = json_type
        else:
            return None
        made.status, made.status_code = line, code
        made.body = body
        made.headers = [first, lengths[len(body)]]
        made.told = None
        return made

    return page


def _packer(is_asgi: bool) -> Callable[[t.Any], t.Any]:
    """The function that makes what a protocol sends of a response."""

    def pack(response: t.Any) -> t.Any:
        """Check a response that is going to be sent; return the page that it is, or, if it is a stream or sends itself,
        the response, whose headers are kept as they are sent.

        :raises ValueError: what it has must not reach a server, see :func:`.check_response`.
        :raises TypeError: a piece of its body is neither text nor bytes.
        """
        if not isinstance(response, Response) or not response.goes_plain:
            check_response(response)
            return response
        status, code, attributes = response._status, response._status_code, response.__dict__
        if status not in STATUSES:
            check_status(status)
        headers: t.Any = None if "headers" in attributes else _unseen_headers(response, is_asgi)
        if headers is None:
            pairs = response.headers._list
            headers = [] if is_asgi else None
            if not is_sent_as_is(response, pairs, headers):
                pairs = response.wire_headers()
                headers = encode_headers(pairs) if is_asgi else pairs
            elif headers is None:
                headers = pairs.copy()
        chunks = response.response
        if type(chunks) is not list and type(chunks) is not tuple:
            attributes["sealed"] = headers
            return response
        page = Page()
        page.status = status
        page.status_code = code
        page.headers = headers
        if code < 200 or code == 204 or code == 304:
            page.body = b""
        else:
            is_one = len(chunks) == 1 and type(chunks[0]) is bytes
            page.body = chunks[0] if is_one else b"".join(response.body_chunks())
        page.told = response if "_on_close" in attributes or response.closes_itself else None
        return page

    return pack


def _unseen_headers(response: Response, is_asgi: bool) -> list[tuple[t.Any, t.Any]] | None:
    """The headers that nobody asked for, if they are known without making them."""
    prepared = response.prepared
    if prepared is not None:
        suits = prepared.suits(response._status_code)
        return (prepared.raw.copy() if is_asgi else prepared.wire.copy()) if suits else None
    chunks: t.Any = response.response
    first = ("Content-Type", response.content_type_sent)
    is_plain = type(chunks) is list and len(chunks) == 1 and type(chunks[0]) is bytes and first in PAIRS
    if not is_plain or is_bodiless(response._status_code):
        return None
    length = len(chunks[0])
    if is_asgi:
        return [PAIRS[first], RAW_LENGTHS[length]]
    return [first, LENGTHS[length]]


def is_sent_as_is(
    response: Response, pairs: list[tuple[str, str]], encoded: list[tuple[bytes, bytes]] | None = None
) -> bool:
    """Check the headers of a response, and tell whether they are sent as they are.

    :param encoded: what to append each to as ASGI sends it.
    :raises ValueError: naming the first header that cannot be sent.
    """
    # PERF: benchmarks/inprocess.py, kind "hooks": they are gone through once, and most are known as a whole. On CPython
    # 3.11 `get` takes longer than `in` and a subscript.
    has_location = is_odd = False
    for pair in pairs:
        if pair in PAIRS:
            if encoded is not None:
                encoded.append(PAIRS[pair])
            continue
        name, value = pair
        if name not in NAMES and NAMES[name] in _LOCATIONS:
            is_odd = is_odd or has_location or type(value) is not str or not is_plain_path(value)
            has_location = True
        # NOTE: checked as they were set: what is sent of a Location is escaped, and would hide a control character.
        is_plain = type(value) is str and value.isascii() and value.isprintable()
        if encoded is not None:
            encoded.append((NAMES[name], value.encode() if is_plain else encode_value(name, value)))
        elif not is_plain:
            encode_value(name, value)
    if is_odd or (status := response._status_code) < 200 or status == 204 or status == 304:
        return False
    return (len(pairs) > 1 and pairs[1][0] == "Content-Length") or _has_length(pairs) or not response.is_sequence


def _has_length(pairs: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-length" for name, _ in pairs)


_LOCATIONS = frozenset(LOCATIONS.values())

pack, pack_asgi = _packer(is_asgi=False), _packer(is_asgi=True)


def asgi_headers(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers that :func:`pack_asgi` kept, or else those of now."""
    sealed: list[tuple[bytes, bytes]] | None = response.__dict__.get("sealed")
    return encode_headers(response.wire_headers()) if sealed is None else sealed


def is_bodiless(status: int) -> bool:
    """Whether a response of that status has no body (RFC 9110 sections 6.4.1 and 15)."""
    return status < 200 or status == 204 or status == 304
