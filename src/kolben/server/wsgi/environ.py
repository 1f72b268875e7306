"""A WSGI environ (PEP 3333) from an ASGI scope: nothing lost, nothing folded, nothing of this process in it."""

from __future__ import annotations

import sys
import typing as t
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    Scope = dict[str, t.Any]

_SINGLETONS = frozenset({"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_ORIGIN"})
_VERSIONS = {"1": "HTTP/1.0", "1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2"}
_DEFAULT_PORTS = {"http": "80", "https": "443"}

_MOST_KEYS = 1024
_keys: dict[bytes, str] = {}
"""Names of headers that came, and what they are called in an environ; empty for those that are left out."""


def environ_of(scope: Scope, *, multiprocess: bool) -> WSGIEnvironment:
    """The environ of a request, all but its ``wsgi.input``.

    Headers with ``_`` in their names are left out: in an environ they could not be told from those with ``-``, which a
    proxy may have checked. Repeated headers are joined, with commas, those of cookies with semicolons.

    :raises BadRequest: a header that must be alone came twice.
    """
    scheme = scope["scheme"]
    server = scope.get("server") or ("", None)
    port = server[1]
    script_name, path = _split_path(scope)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0] or "localhost",
        "SERVER_PORT": _DEFAULT_PORTS[scheme] if port is None else str(port),
        "SERVER_PROTOCOL": _VERSIONS.get(scope["http_version"]) or f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
    }
    if scheme == "https":
        environ["HTTPS"] = "on"
    client = scope.get("client")
    if client:
        environ["REMOTE_ADDR"] = client[0]
        environ["REMOTE_PORT"] = str(client[1] or "")
    for name, value in scope["headers"]:
        key = _keys.get(name)
        if key is None:
            key = _key(name)
        if key in environ:
            _join(environ, key, value.decode("latin-1"))
        elif key:
            environ[key] = value.decode("latin-1")
    return environ


def _split_path(scope: Scope) -> tuple[str, str]:
    """The prefix that the application is mounted at, and the path behind it: bytes as Latin-1, as PEP 3333 has them."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape").replace(b"%", b"%25")
    path = (unquote_to_bytes(raw) if b"%" in raw else raw).decode("latin-1")
    prefix = (scope.get("root_path") or "").rstrip("/").encode("utf-8", "surrogateescape").decode("latin-1")
    if prefix and path.startswith(prefix) and path[len(prefix) :][:1] in {"", "/"}:
        path = path[len(prefix) :]
    return prefix, path


def _key(name: bytes) -> str:
    text = name.decode("latin-1").upper()
    key = "" if "_" in text else text.replace("-", "_")
    if key not in {"", "CONTENT_TYPE", "CONTENT_LENGTH"}:
        key = f"HTTP_{key}"
    if len(_keys) < _MOST_KEYS:
        _keys[name] = key
    return key


def _join(environ: WSGIEnvironment, key: str, value: str) -> None:
    if key in _SINGLETONS:
        raise BadRequest(f"The request has more than one {key.removeprefix('HTTP_').replace('_', '-').title()} header.")
    environ[key] += f"; {value}" if key == "HTTP_COOKIE" else f", {value}"
