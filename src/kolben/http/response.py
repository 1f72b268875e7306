"""The response: Werkzeug's, with nothing computed that nobody reads.

A *plain* response, which the dispatcher makes of a returned string, has a body of one ``bytes`` and nothing else:
status and content type stand on its class. Its ``headers`` come into being when somebody asks for them; if nobody does,
the protocol sends the two that are known.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import escape
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri
from werkzeug.utils import get_content_type
from werkzeug.utils import redirect as werkzeug_redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from .. import json
from ..globals import get_current
from .cookies import dump_cookie
from .headers import (
    LENGTHS,
    MAX_REMEMBERED,
    check_headers,
    check_status,
    encode_headers,
    is_known_value,
)
from .lazy import lazy

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping
    from datetime import datetime, timedelta
    from http import HTTPStatus

    from _typeshed.wsgi import WSGIEnvironment


_WIRE_METHODS = ("__call__", "get_wsgi_response", "get_wsgi_headers", "get_app_iter", "iter_encoded")
_HEADER_MAKERS = ("headers", "status", "status_code", "set_data", "content_type", "mimetype")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The headers of a response: as they are seen, and as WSGI and ASGI send them with that status."""

    pairs: list[tuple[str, str]]
    wire: list[tuple[str, str]]
    raw: list[tuple[bytes, bytes]]
    status: int

    @classmethod
    def of(cls, pairs: list[tuple[str, str]], status: int = 200) -> Prepared:
        """Of headers that are known to be good."""
        wire = [pair for pair in pairs if pair[0].lower() not in _NOT_WITH_304] if status == 304 else pairs
        return cls(pairs, wire, encode_headers(wire), status)

    def suits(self, status: int) -> bool:
        """Whether they are sent as they are with that status, which somebody may have changed."""
        return status == self.status or (status >= 200 and status != 204 and status != 304 and self.status != 304)


class _Headers:
    """The attribute ``headers`` of a response: created when first asked for, and then the instance's own."""

    def __get__(self, response: Response | None, owner: type | None = None) -> t.Any:
        # PERF: benchmarks/inprocess.py, kind "hooks".
        if response is None:
            return self
        headers: ResponseHeaders = _new(ResponseHeaders)
        if response.prepared is not None:
            headers._list = response.prepared.pairs.copy()
        else:
            body: t.Any = response.response
            is_plain = type(body) is list and len(body) == 1 and type(body[0]) is bytes
            length = len(body[0]) if is_plain else response._length()
            length_pair = LENGTHS[length]
            headers._list = [("Content-Type", response.content_type_sent), length_pair]
        response.headers = headers
        return headers


class Response(WerkzeugResponse):
    """What a view answers: status, headers, body. As :class:`werkzeug.wrappers.Response`, under both protocols."""

    default_mimetype: str | None = "text/html"
    autocorrect_location_header = False
    json_module: t.Any = json

    _status = "200 OK"
    _status_code = 200
    direct_passthrough = False
    content_type_sent = "text/html; charset=utf-8"
    """The content type of a response whose headers nobody asked for."""

    prepared: Prepared | None = None
    """Headers that are known to be good and are sent as they are if nobody asks for them."""

    makes_plain: t.ClassVar[bool] = True
    """Whether it may be made without its constructor: the class has none of its own."""

    goes_plain: t.ClassVar[bool] = True
    """Whether the protocols may send it themselves: the class overrides nothing that Werkzeug calls to send it."""

    _defers_headers: t.ClassVar[bool] = True
    """Whether headers that nobody asks for need not be made: the class says nothing else about them than this one."""

    if not t.TYPE_CHECKING:
        headers = _Headers()

    def __init__(
        self,
        response: str | bytes | bytearray | Iterable[str | bytes] | AsyncIterable[str | bytes] | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        """As Werkzeug's, and ``response`` may be an asynchronous iterable too."""
        # PERF: benchmarks/inprocess.py, kinds "json" and "404". Of what is known to be valid a response is made without
        # Werkzeug's many steps; without headers of its own, and with a body in memory, they are made when asked for.
        sent = content_type or (None if mimetype is None else _content_type(mimetype))
        if self._defers_headers and self._take(response, headers, sent):
            if status is not None:
                self.status = status
            if direct_passthrough:
                self.direct_passthrough = True
            return
        super().__init__(
            response,  # type: ignore[arg-type]  # may be asynchronous
            status,
            headers,
            mimetype,
            content_type,
            direct_passthrough,
        )

    def _take(self, response: t.Any, headers: t.Any, content_type: str | None) -> bool:
        """Take body and headers as they are, if they are ordinary; return whether they are."""
        body = _in_memory(response)
        if headers:
            made = None if body is None or content_type else _plain_headers(headers, self.content_type_sent, len(body))
            if made is None:
                return False
            self.headers = made
        elif headers is not None or (content_type is not None and not is_known_value(content_type)):
            return False
        elif body is None:
            if response is None or isinstance(response, (str, bytes, bytearray)):
                return False
            self.headers = ResponseHeaders.of([("Content-Type", content_type or self.content_type_sent)])
        elif content_type is not None:
            self.content_type_sent = content_type
        self.response = response if body is None else [body]
        return True

    closes_itself: t.ClassVar[bool] = False
    """Whether the class has a :meth:`close` of its own, to be called even if nobody asked to be."""

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.default_mimetype is not None:
            cls.content_type_sent = get_content_type(cls.default_mimetype, "utf-8")
        cls._defers_headers = (
            cls.default_mimetype is not None
            and cls.default_status == 200
            and cls.automatically_set_content_length
            and all(getattr(cls, name) is getattr(Response, name) for name in _HEADER_MAKERS)
        )
        cls.makes_plain = cls.__init__ is Response.__init__ and cls._defers_headers
        cls.closes_itself = cls.close is not Response.close
        cls.goes_plain = all(getattr(cls, name) is getattr(Response, name) for name in _WIRE_METHODS)

    def _length(self) -> int:
        body: t.Any = self.response
        if type(body) is list and len(body) == 1 and type(body[0]) is bytes:
            return len(body[0])
        return sum(len(chunk) for chunk in self.iter_encoded())

    @lazy
    def _on_close(self) -> list[Callable[[], t.Any]]:
        return []

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has asked for the headers."""
        return "headers" not in self.__dict__ and self.prepared is None

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # an attribute in Werkzeug, a setting here as in Flask
        """``MAX_COOKIE_SIZE`` of the current application."""
        ctx = get_current(None)
        if ctx is not None:
            return ctx.app.config["MAX_COOKIE_SIZE"]  # type: ignore[no-any-return]  # PERF: a cast is a call
        return super().max_cookie_size

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie; the parameters are those of :meth:`werkzeug.wrappers.Response.set_cookie`.

        :raises ValueError: a name or attribute would split the header, or is none that browsers know.
        """
        cookie = dump_cookie(
            key,
            value,
            max_age,
            expires,
            path,
            domain,
            secure,
            httponly,
            True,
            self.max_cookie_size,
            samesite,
            partitioned,
        )
        self.headers._list.append(("Set-Cookie", cookie))

    def wire_headers(self) -> list[tuple[str, str]]:
        """The headers as they are sent: URLs in ASCII, ``Content-Length`` where it is known and allowed (RFC 9110)."""
        has_length = has_location = False
        headers = self.headers._list.copy()
        for key, _ in headers:
            kind = _KINDS.get(key) or _kind_of(key)
            if kind is _LENGTH:
                has_length = True
            elif kind is _LOCATION:
                has_location = True
        if has_location:
            headers = _located(headers)
        status = self._status_code
        if status == 304:
            return [pair for pair in headers if pair[0].lower() not in _NOT_WITH_304]
        if 100 <= status < 200 or status == 204:
            return [pair for pair in headers if pair[0].lower() not in _NOT_WITHOUT_BODY]
        if not has_length and self.is_sequence and self.automatically_set_content_length:
            headers.append(("Content-Length", str(self._length())))
        return headers

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """:meth:`wire_headers` as Werkzeug's interface has it."""
        headers = Headers(self.wire_headers())
        if self.autocorrect_location_header and "Location" in headers:
            return super().get_wsgi_headers(environ)
        return headers

    def body_chunks(self) -> list[bytes]:
        """The body of a response that is not streamed, as bytes."""
        body: t.Any = self.response
        if len(body) == 1 and type(body) is list and type(body[0]) is bytes:
            return body
        return [chunk if type(chunk) is bytes else to_bytes(chunk) for chunk in body]


def to_bytes(chunk: t.Any) -> bytes:
    """A piece of a body as exactly ``bytes``, which is what servers take.

    :raises TypeError: it is neither text nor bytes.
    """
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    ctx = get_current(None)
    where = "A response body" if ctx is None or ctx.request is None else f"The response of {ctx.request.endpoint!r}"
    raise TypeError(f"{where} yielded a {type(chunk).__name__!r}: {chunk!r:.80}. It must yield 'str' or 'bytes'.")


def check_response(response: WerkzeugResponse) -> None:
    """Refuse what must not reach a server: a line break or a zero byte in status or headers, a name that is no token.

    :raises ValueError: naming the header.
    """
    check_status(response._status)
    if "headers" in response.__dict__ or not isinstance(response, Response):
        check_headers(response.headers._list)


def add_vary(response: WerkzeugResponse, name: str) -> None:
    """Note in ``Vary`` that the response depends on a header of the request."""
    pairs = response.headers._list
    for key, value in pairs:
        if key.lower() == "vary":
            if value != name:
                response.vary.add(name)
            return
    pairs.append(("Vary", name))


def _in_memory(body: t.Any) -> bytes | None:
    """What a body of one piece is sent as; ``None``: it is none, or is iterated over."""
    if type(body) is str:
        return body.encode()
    return body if type(body) is bytes else None


class ResponseHeaders(Headers):
    """Werkzeug's headers, with short cuts for what views do most."""

    @classmethod
    def of(cls, pairs: list[tuple[str, str]]) -> t.Self:
        """Headers of these pairs, which are known to be good."""
        self = cls.__new__(cls)
        self._list = pairs
        return self

    # PERF: benchmarks/inprocess.py, kind "hooks". Text that can be printed has no line breaks, which is what Werkzeug
    # looks for; all else is left to it.

    def __setitem__(self, key: t.Any, value: t.Any) -> None:
        if type(key) is not str or type(value) is not str or not value.isprintable():
            super().__setitem__(key, value)
            return
        lowered, pairs = key.lower(), self._list
        for pair in pairs:
            if pair[0].lower() == lowered:
                break
        else:
            pairs.append((key, value))
            return
        at = pairs.index(pair)
        pairs[at:] = [(key, value), *(other for other in pairs[at + 1 :] if other[0].lower() != lowered)]

    def set(self, key: str, value: t.Any, /, **kwargs: t.Any) -> None:
        """Set a header, in the place of all of its name."""
        if not kwargs and type(key) is str and type(value) is str and value.isprintable():
            self[key] = value
        else:
            super().set(key, value, **kwargs)

    def add(self, key: str, value: t.Any, /, **kwargs: t.Any) -> None:
        """Add a header, beside those of its name."""
        if not kwargs and type(value) is str and value.isprintable():
            self._list.append((key, value))
        else:
            super().add(key, value, **kwargs)

    def __contains__(self, key: t.Any) -> bool:
        lowered = key.lower()
        # NOTE: not `any`, whose generator would take longer than the loop.
        for name, _ in self._list:  # noqa: SIM110
            if name.lower() == lowered:
                return True
        return False

    def get(self, key: str, default: t.Any = None, type: Callable[[str], t.Any] | None = None) -> t.Any:  # type: ignore[override]  # of one signature
        """The first header of that name, or ``default``; made one of ``type``, unless that raises a ``ValueError``."""
        lowered = key.lower()
        for name, value in self._list:
            if name.lower() == lowered:
                try:
                    return value if type is None else type(value)
                except ValueError:
                    return default
        return default

    def __eq__(self, other: object) -> bool:
        # NOTE: Werkzeug's are equal to those of the same class alone.
        if not isinstance(other, Headers):
            return NotImplemented
        return {(k.lower(), v) for k, v in self._list} == {(k.lower(), v) for k, v in other._list}

    __hash__ = None


# FLASK: what `repr` shows.
ResponseHeaders.__name__ = Headers.__name__


def _plain_headers(headers: t.Any, content_type: str, length: int) -> Headers | None:
    """Ordinary headers, with those that say what the body is; ``None`` where Werkzeug has to look at them."""
    if type(headers) not in {list, dict}:
        return None
    given: list[tuple[t.Any, t.Any]] = headers if type(headers) is list else list(headers.items())
    pairs: list[tuple[str, str]] = []
    is_typed = False
    for name, value in given:
        if type(name) is not str or type(value) is not str or not value.isprintable():
            return None
        lowered = name.lower()
        if lowered == "content-length":
            return None
        is_typed = is_typed or lowered == "content-type"
        pairs.append((name, value))
    if not is_typed:
        pairs.append(("Content-Type", content_type))
    pairs.append(("Content-Length", str(length)))
    return ResponseHeaders.of(pairs)


@lru_cache(maxsize=64)
def _content_type(mimetype: str) -> str:
    return get_content_type(mimetype, "utf-8")


_NOT_WITHOUT_BODY = frozenset({"content-length", "content-type"})
# RFC 9110 section 15.4.5, and what Werkzeug leaves out.
_NOT_WITH_304 = frozenset(
    {"allow", "content-encoding", "content-language", "content-length", "content-md5", "content-range", "content-type"}
    | {"last-modified"}
)


def _located(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers whose ``Location`` and ``Content-Location`` are in ASCII, and stand once: the last of several counts."""
    last: dict[str, str] = {}
    is_plain = True
    for name, value in headers:
        if _kind_of(name) is _LOCATION:
            lowered = name.lower()
            is_plain = is_plain and lowered not in last and is_plain_path(value) is not None
            last[lowered] = value
    if is_plain:
        return headers
    changed = Headers(headers)
    for name, value in last.items():
        changed[name.title()] = _to_ascii(value)
    return list(changed._list)


_LENGTH, _LOCATION, _OTHER = "length", "location", "other"
_KINDS: dict[str, str] = {}


def _kind_of(name: str) -> str:
    """What there is to do for a header before it is sent."""
    kind = _KINDS.get(name)
    if kind is None:
        if len(_KINDS) >= MAX_REMEMBERED:
            _KINDS.clear()
        lowered = name.lower()
        is_location = lowered in {"location", "content-location"}
        kind = _KINDS[name] = _LENGTH if lowered == "content-length" else _LOCATION if is_location else _OTHER
    return kind


is_plain_path = re.compile(r"/[A-Za-z0-9/_.~-]*\Z").match


def _to_ascii(location: str) -> str:
    """A ``Location`` that may hold any characters a browser's address bar may, as a URI (RFC 3987 section 3.1)."""
    return location if is_plain_path(location) else iri_to_uri(location)


def redirect(location: str, code: int = 302, Response: t.Any = None) -> WerkzeugResponse:
    """:func:`werkzeug.utils.redirect`, which says what the response is."""
    # PERF: benchmarks/inprocess.py, kind "redirect": the response is put together as it will be sent.
    try:
        is_plain = Response.makes_plain and type(location) is str and location.isprintable()
    except AttributeError:  # a class that knows nothing of it, or none
        is_plain = False
    if not is_plain:
        return werkzeug_redirect(location, code, Response)
    page, pairs, prepared = _page_of(location) if len(location) <= 256 else _page_of.__wrapped__(location)
    response: t.Any = _new(Response)
    response.response = [page]
    response._status, response._status_code = _status_of(code)
    if prepared is None:
        response.headers = ResponseHeaders.of(pairs.copy())
    else:
        response.prepared = prepared
    return response  # type: ignore[no-any-return]  # PERF: a cast is a call


_new: t.Any = object.__new__
_HTML = ("Content-Type", "text/html; charset=utf-8")


@lru_cache(maxsize=256)
def _page_of(location: str) -> tuple[bytes, list[tuple[str, str]], t.Any]:
    """The page that says where a response redirects to, its headers, and those in the form that they are sent in."""
    is_plain = is_plain_path(location)
    link = location if is_plain else escape(location)
    page = (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        f'<p>You should be redirected automatically to the target URL: <a href="{link}">{link}</a>. If not, click the'
        " link.\n"
    ).encode()
    pairs = [_HTML, LENGTHS[len(page)], ("Location", location)]
    return page, pairs, Prepared.of(pairs) if is_plain else None


@lru_cache(maxsize=64)
def _status_of(code: t.Any) -> tuple[str, int]:
    return WerkzeugResponse._clean_status(t.cast("WerkzeugResponse", None), code)
