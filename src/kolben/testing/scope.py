"""What an ASGI server would say of a request that was built as a WSGI environ."""

from __future__ import annotations

import typing as t
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from urllib.parse import quote, unquote_to_bytes

from werkzeug.urls import iri_to_uri

from .environ import RAW_HEADERS

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Scope = MutableMapping[str, t.Any]
Message = MutableMapping[str, t.Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

PRESERVE_CONTEXT = "kolben.preserve_context"
"""In a scope, what ``werkzeug.debug.preserve_context`` is in an environ: a callable for the request's context."""

# NOTE: what servers announce today. From 2.4 on, sending to a client that is gone raises; before that it does nothing.
ASGI_VERSION = {"version": "3.0", "spec_version": "2.3"}


def scope_from_environ(environ: WSGIEnvironment) -> Scope:
    """The ``http`` scope of the same request, its path and headers as unfolded as the environ knows them."""
    root = _bytes(environ.get("SCRIPT_NAME", ""))
    path = root + _bytes(environ.get("PATH_INFO", ""))
    scope: Scope = {
        "type": "http",
        "asgi": dict(ASGI_VERSION),
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path.decode(errors="replace"),
        "raw_path": _raw_path(environ, path),
        "query_string": _bytes(environ.get("QUERY_STRING", "")),
        "root_path": root.decode(errors="replace"),
        "headers": list(_headers(environ)),
        "client": _client(environ),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "extensions": {},
    }
    preserve = environ.get("werkzeug.debug.preserve_context")
    if preserve is not None:
        scope[PRESERVE_CONTEXT] = preserve
    return scope


def websocket_scope(scope: Scope, subprotocols: list[str]) -> Scope:
    """Turn an ``http`` scope into the ``websocket`` one of the same URL, with the headers of a handshake (RFC 6455)."""
    handshake = [
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    if subprotocols:
        handshake.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode("latin-1")))
    given = {name for name, _ in scope["headers"]}
    scope["type"] = "websocket"
    scope["scheme"] = {"http": "ws", "https": "wss"}.get(scope["scheme"], scope["scheme"])
    scope["headers"] += [header for header in handshake if header[0] not in given]
    scope["subprotocols"] = subprotocols
    scope["extensions"]["websocket.http.response"] = {}
    del scope["method"]
    return scope


def _bytes(text: str) -> bytes:
    """Undo the WSGI "encoding dance" (PEP 3333): bytes travel as latin-1 text."""
    return text.encode("latin-1")


def _raw_path(environ: WSGIEnvironment, path: bytes) -> bytes:
    """The path before it was unquoted, if the environ has it and nobody changed ``PATH_INFO`` since."""
    script = quote(_bytes(environ.get("SCRIPT_NAME", "")))
    raw = script + iri_to_uri(_bytes(environ.get("RAW_URI", "")).decode(errors="replace")).partition("?")[0]
    return raw.encode() if unquote_to_bytes(raw) == path else quote(path).encode()


def _headers(environ: WSGIEnvironment) -> Iterator[tuple[bytes, bytes]]:
    """Header lines of an environ. One that still says what its builder was given comes as it was given."""
    folded: dict[str, list[tuple[str, str]]] = {}
    for name, value in environ.get(RAW_HEADERS, ()):
        folded.setdefault(f"HTTP_{name.upper().replace('-', '_')}", []).append((name, value))

    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            yield key.replace("_", "-").lower().encode(), _bytes(environ[key])
    for key, value in environ.items():
        if not key.startswith("HTTP_") or key in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
            continue
        given = folded.get(key, [])
        if ", ".join(line for _, line in given) != value:
            given = [(key[5:].replace("_", "-"), value)]
        for name, line in given:
            yield name.lower().encode("latin-1"), _bytes(line)


def _client(environ: WSGIEnvironment) -> tuple[str, int] | None:
    address = environ.get("REMOTE_ADDR")
    return (address, int(environ.get("REMOTE_PORT", 0))) if address else None
