"""Whether the head of an ASGI request can be believed: checked once, before anything of the application sees it."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import BadRequest

from ..http.head import parse_content_length, scope_path
from ..http.host import MAX_VALID_HOSTS, VALID_HOSTS, decode_path_asgi, parse_host, validate_target

if t.TYPE_CHECKING:
    Scope = dict[str, t.Any]

_WITHOUT_HOST = frozenset({"1", "1.0"})
_SINGLETONS = frozenset({b"host", b"content-type", b"content-length", b"origin"})

KNOWN_HOSTS: dict[bytes | None, None] = {}
"""Host headers that :func:`parse_host` accepted, as the bytes that ASGI brings."""


class AmbiguousBody(BadRequest):
    """A body of which two readers may see different ends. Its connection is closed: what follows may be part of it."""

    def get_headers(self, *args: t.Any, **kwargs: t.Any) -> list[tuple[str, str]]:
        """The headers of the response; RFC 9112 section 6.3 wants the connection closed."""
        return [*super().get_headers(*args, **kwargs), ("Connection", "close")]


def check_framing(transfer_encoding: str, has_length: bool) -> None:
    """Refuse a body of which two readers may see different ends (RFC 9112 section 6.3).

    :raises AmbiguousBody: it is sent in chunks and has a length too, or in a coding that nothing here undoes.
    """
    if has_length:
        raise AmbiguousBody("The request has both a Content-Length and a Transfer-Encoding header.")
    if transfer_encoding.strip().lower() != "chunked":
        raise AmbiguousBody("The Transfer-Encoding of the request is not 'chunked'.")


def check_host(host: str | None, *, version: str | None, has_peer: bool) -> None:
    """Refuse a Host header that is none, or, where one has to be, missing.

    :param version: of HTTP, without its name.
    :param has_peer: whether the request came over a connection. Without, it is no request from a network, but a
        program's own, which may leave the header out.
    :raises BadRequest: it is refused.
    """
    # NOTE: Granian makes an empty header where there is none, as in HTTP/1.0, by which load balancers ask how one is.
    if host or (host == "" and version not in _WITHOUT_HOST):
        if host not in VALID_HOSTS:
            parse_host(host)
    elif version == "1.1" and has_peer:
        raise BadRequest("The request has no Host header.")  # RFC 9112 section 3.2


def with_one_slash(path: str) -> str:
    """The path with one slash at its beginning, where it had several: a second one would begin a host."""
    return "/" + path.lstrip("/") if path[1:2] == "/" else path


def checked(scope: Scope, index: dict[bytes, bytes]) -> str:
    """The path of a request whose head is not plain to see as good. It begins with exactly one slash.

    :raises BadRequest: host, path or ``Content-Length`` is malformed, or there are two of a header that must be alone.
    """
    headers = scope["headers"]
    if len(index) != len(headers):
        names = [name for name, _ in headers]
        for name in _SINGLETONS & index.keys():
            if names.count(name) > 1:
                raise BadRequest(f"The request has more than one {name.decode().title()} header.")
    parse_content_length(index.get(b"content-length"))
    if b"transfer-encoding" in index:
        check_framing(index[b"transfer-encoding"].decode("latin-1"), b"content-length" in index)
    method = scope.get("method", "GET")
    validate_target(scope["path"], method, scope.get("root_path") or "")
    path = decode_path_asgi(scope_path(scope), scope.get("raw_path"))
    path = validate_target(path, method, scope.get("root_path") or "")
    host = index.get(b"host")
    check_host(
        None if host is None else host.decode("latin-1"),
        version=scope.get("http_version"),
        has_peer=bool(scope.get("client")),
    )
    if not host:
        return with_one_slash(path)
    if len(KNOWN_HOSTS) >= MAX_VALID_HOSTS:
        KNOWN_HOSTS.clear()
    KNOWN_HOSTS[host] = None
    return with_one_slash(path)
