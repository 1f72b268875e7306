"""The head of a request, request line and headers, read from a WSGI environ or an ASGI scope.

Two small classes with the same methods. :class:`.Request` asks the one it has, each thing once. Behind them: what is
read out of a header's text.
"""

from __future__ import annotations

import typing as t
from functools import lru_cache

from werkzeug.datastructures import EnvironHeaders as WerkzeugEnvironHeaders
from werkzeug.datastructures import Headers
from werkzeug.datastructures.mixins import ImmutableHeadersMixin
from werkzeug.exceptions import BadRequest, BadRequestKeyError
from werkzeug.http import parse_options_header

from .lazy import lazy

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

Scope = dict[str, t.Any]
S = t.TypeVar("S")


class EnvironHead:
    """The head of a request that came through WSGI (PEP 3333)."""

    __slots__ = ("_environ",)

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    def scheme(self) -> str:
        """``http``, ``https``, ``ws`` or ``wss``."""
        value: str = self._environ.get("wsgi.url_scheme", "http")
        return value

    def server(self) -> tuple[str, int | None] | None:
        """Host and port that the server listens on; a path and ``None`` for a socket file."""
        name = self._environ.get("SERVER_NAME")
        if not name:
            return None
        port = str(self._environ.get("SERVER_PORT", ""))
        return name, int(port) if port.isascii() and port.isdigit() else None

    def root_path(self) -> str:
        """The prefix the application is mounted at, without a slash at the end."""
        prefix: str = self._environ.get("SCRIPT_NAME") or ""
        return (prefix if prefix.isascii() else prefix.encode("latin-1").decode(errors="replace")).rstrip("/")

    def query_string(self) -> bytes:
        """What follows the question mark, still encoded."""
        value: bytes = self._environ.get("QUERY_STRING", "").encode("latin-1")
        return value

    def headers(self) -> Headers:
        """All headers, looked up in the environ."""
        return EnvironHeaders(self._environ)

    def header(self, name: str) -> str | None:
        """One header by its lower-case name, without building the others."""
        return self._environ.get(_VARIABLES[name])

    def cookies(self) -> str:
        """The ``Cookie`` header; empty if there is none."""
        return self._environ.get("HTTP_COOKIE") or ""

    def remote_addr(self) -> str | None:
        """The address of the peer."""
        return self._environ.get("REMOTE_ADDR")

    def environ(self) -> WSGIEnvironment:
        """The environ."""
        return self._environ


class Spellings(dict[str, S]):
    """How the names of headers are spelt elsewhere, found out once for each name that a program asks for.

    :raises KeyError: what is asked for is no text.
    """

    MOST = 256

    # PERF: benchmarks/inprocess.py, kind "request headers": what is known is found without a call.
    def __init__(self, spell: Callable[[str], S]) -> None:
        self._spell = spell

    def __missing__(self, name: str) -> S:
        if not isinstance(name, str):
            raise KeyError(name)
        if len(self) >= self.MOST:
            self.clear()
        spelt = self[name] = self._spell(name)
        return spelt


def _variable(name: str) -> str:
    """The variable of an environ that a header stands in."""
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def _raw_name(name: str) -> bytes:
    """A header's name as a scope has it. What is no header's name is one that no header has."""
    return name.lower().encode("latin-1", "replace") if "_" not in name else b""


_VARIABLES = Spellings(_variable)
_RAW_NAMES = Spellings(_raw_name)


class EnvironHeaders(WerkzeugEnvironHeaders):
    """Werkzeug's headers of an environ, which remember how the names that are asked for are spelt there.

    PERF: benchmarks/inprocess.py, kind "request headers".
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ

    @lazy
    def _list(self) -> list[tuple[str, str]]:
        return []

    def __getitem__(self, key: str) -> str:  # type: ignore[override]  # as in Werkzeug
        try:
            variable = _VARIABLES[key]
        except (KeyError, TypeError):
            raise BadRequestKeyError(key) from None
        # FLASK: a header that was not sent is a plain KeyError.
        return self.environ[variable]  # type: ignore[no-any-return]  # PERF: a cast is a call

    _get_key: t.Any = __getitem__

    def get(self, key: str, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloaded there
        """The header, or ``default`` if it was not sent, or if ``type(value)`` raises ``ValueError``."""
        if type is None:
            try:
                return self.environ.get(_VARIABLES[key], default)
            except (KeyError, TypeError):
                return default
        inherited: t.Any = super().get
        return inherited(key, default, type)


class ScopeHeaders(ImmutableHeadersMixin, Headers):  # type: ignore[misc]  # what is refused takes any arguments
    """The headers of an ASGI scope. Names with an underscore are left out: CGI folds them into those with a hyphen.

    :param index: the same as a dict, if no name stands there twice.
    """

    def __init__(self, pairs: t.Iterable[tuple[bytes, bytes]], index: dict[bytes, bytes] | None = None) -> None:
        self._pairs = pairs
        # NOTE: ASGI has names in lower case, middleware may not.
        self._index = index if index is not None and b"".join([*index]).islower() else _folded(pairs)

    @lazy
    def _list(self) -> list[tuple[str, str]]:
        return [
            (name.decode("latin-1").title(), value.decode("latin-1")) for name, value in self._pairs if b"_" not in name
        ]

    # PERF: benchmarks/inprocess.py, kind "request headers": one header is found without decoding the others.
    def __getitem__(self, key: t.Any) -> t.Any:
        try:
            return self._index[_RAW_NAMES[key]].decode("latin-1")
        except (KeyError, TypeError):
            if isinstance(key, str):
                raise BadRequestKeyError(key) from None
        return super().__getitem__(key)

    def _get_key(self, key: str) -> str:
        raw = self._index.get(_RAW_NAMES[key])
        if raw is None:
            raise BadRequestKeyError(key)
        return raw.decode("latin-1")

    def get(self, key: str, default: t.Any = None, type: t.Any = None) -> t.Any:  # type: ignore[override]  # overloaded there
        """The header, or ``default`` if it was not sent, or if ``type(value)`` raises ``ValueError``."""
        if type is None:
            try:
                raw = self._index.get(_RAW_NAMES[key])
            except (KeyError, TypeError):
                return default
            return default if raw is None else raw.decode("latin-1")
        inherited: t.Any = super().get
        return inherited(key, default, type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._list == other._list

    __hash__ = None

    def copy(self) -> t.NoReturn:
        """Refused: there is nothing a copy could be changed for."""
        raise TypeError(f"cannot create {type(self).__name__!r} copies")


def _folded(pairs: t.Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The first value of each name, in lower case."""
    index = dict(reversed(list(pairs)))
    if b"".join(index).islower():
        return index
    return {name.lower(): value for name, value in reversed(list(pairs))}


class ScopeHead:
    """The head of a request that came through ASGI.

    :param index: its headers as a dict, if no name stands there twice.
    """

    __slots__ = ("_index", "_scope")

    def __init__(self, scope: Scope, index: dict[bytes, bytes] | None = None) -> None:
        self._scope = scope
        self._index = index

    def scheme(self) -> str:
        """``http``, ``https``, ``ws`` or ``wss``."""
        value: str = self._scope.get("scheme") or "http"
        return value

    def server(self) -> tuple[str, int | None] | None:
        """Host and port that the server listens on; a path and ``None`` for a socket file."""
        server = self._scope.get("server")
        return tuple(server) if server else None

    def root_path(self) -> str:
        """The prefix the application is mounted at, without a slash at the end."""
        prefix: str = self._scope.get("root_path") or ""
        return prefix.rstrip("/")

    def query_string(self) -> bytes:
        """What follows the question mark, still encoded."""
        value: bytes = self._scope.get("query_string", b"")
        return value

    def headers(self) -> Headers:
        """All headers, decoded as Latin-1."""
        return ScopeHeaders(self._scope["headers"], self._index)

    def header(self, name: str) -> str | None:
        """One header by its lower-case name, without building the others."""
        if self._index is None:
            self._index = dict(reversed(self._scope["headers"]))
        value = self._index.get(_RAW_NAMES[name])
        return None if value is None else value.decode("latin-1")

    def cookies(self) -> str:
        """The ``Cookie`` header, put together where HTTP/2 sends it in parts; empty if there is none."""
        return b"; ".join([value for name, value in self._scope["headers"] if name == b"cookie"]).decode("latin-1")

    def remote_addr(self) -> str | None:
        """The address of the peer."""
        client = self._scope.get("client")
        return client[0] if client else None

    def environ(self) -> WSGIEnvironment:
        """An environ made from the scope, for code that asks for one. Its ``wsgi.input`` is filled by the request."""
        scope = self._scope
        server = self.server() or ("", None)
        version: str = scope.get("http_version", "1.1")
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": scope.get("method", "GET"),
            "SCRIPT_NAME": _to_latin1(self.root_path()),
            "PATH_INFO": _to_latin1(scope_path(scope)),
            "QUERY_STRING": self.query_string().decode("latin-1"),
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1] or ""),
            "SERVER_PROTOCOL": "HTTP/1.0" if version == "1" else f"HTTP/{version}",  # NOTE: Granian has "1" for 1.0.
            "REMOTE_ADDR": self.remote_addr() or "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "asgi.scope": scope,
        }
        environ.update(self._header_variables())
        return environ

    def _header_variables(self) -> Iterator[tuple[str, str]]:
        joined: dict[str, str] = {}
        for name, value in self._scope["headers"]:
            if b"_" in name:
                continue
            key = name.decode("latin-1").upper().replace("-", "_")
            if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                key = f"HTTP_{key}"
            text = value.decode("latin-1")
            joined[key] = f"{joined[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}" if key in joined else text
        yield from joined.items()


def scope_path(scope: Scope) -> str:
    """The path that routes are matched against: the scope's without the prefix the application is mounted at."""
    path: str = scope["path"]
    root_path: str = (scope.get("root_path") or "").rstrip("/")
    if root_path and path.startswith(root_path):
        rest = path[len(root_path) :]
        if rest[:1] == "/":
            return rest
        if not rest:
            return "/"
    return path


def _to_latin1(text: str) -> str:
    return text.encode(errors="surrogateescape").decode("latin-1")


@lru_cache(maxsize=64)
def parsed_options(value: str) -> tuple[str, dict[str, str]]:
    """The value of a header such as ``Content-Type``, and its parameters, in a dict that is not to be changed."""
    return parse_options_header(value)


LARGEST_LENGTH: t.Final = 2**63 - 1
"""The most bytes that a ``Content-Length`` may say."""


def parse_content_length(value: str | bytes | None) -> int | None:
    """The number in a ``Content-Length`` header, ``None`` where there is none (WSGI: an empty one).

    RFC 9110, 8.6: ASCII digits and nothing else. A sign, a blank inside, a list, digits of other scripts, or a number
    beyond 2⁶³-1 raise :exc:`BadRequest`: what two parsers read differently is how requests are smuggled.
    """
    if not value:
        return None
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    text = text.strip(" \t")
    if text.isascii() and text.isdigit() and len(text) <= 19 and (length := int(text)) <= LARGEST_LENGTH:
        return length
    raise BadRequest(f'The Content-Length header is not a length in bytes: "{text[:40]}".')


def declared_length(head: EnvironHead | ScopeHead) -> int | None:
    """The bytes that the client said its body has; ``None`` if it did not, or sends in chunks.

    :raises BadRequest: what it said is no number of bytes.
    """
    is_chunked = head.header("transfer-encoding") is not None
    return None if is_chunked else parse_content_length(head.header("content-length"))
