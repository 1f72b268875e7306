"""The Host header and the request target: what is believed about where a request was sent.

Both are checked once, by the protocol, before anything reads them. What passes is canonical: router, ``request.url``,
host matching and origin checks all see the same text, so that none can be led to a different opinion than the others.
"""

from __future__ import annotations

import re
import typing as t
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import BadRequest

if t.TYPE_CHECKING:
    from collections.abc import Iterable

VALID_HOSTS: dict[str, str] = {}
"""Host header values that were found valid, each with its canonical form.

PERF: benchmarks/inprocess.py. A protocol asks here first (``VALID_HOSTS.get(value) or parse_host(value)``), so that
the ordinary request costs one dict lookup and no call.
"""

MAX_VALID_HOSTS = 256
"""How many values are remembered. A client may send as many valid hosts as it likes: a full table starts afresh."""

MAX_HOST_LENGTH = 255

# Narrower than RFC 3986's reg-name on purpose: sub-delims and percent escapes are legal there, but no browser sends
# them and each of them (',' of a merged list, '%2f', ';') has been somebody's bypass. '_' is what container networks
# use. IDN comes as A-labels (xn--), which are letters, digits and hyphens.
_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?)|\[(?P<ipv6>[0-9a-f:.]{2,45})\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)

_DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}


class InvalidHost(BadRequest, ValueError):
    """The Host header is not ``host[:port]``."""


class InvalidTarget(BadRequest, ValueError):
    """The request line does not name a path of this server."""


def parse_host(value: str) -> str:
    """Return the canonical form of a Host header: lower case, with its port if it has one, and remember it.

    Names (RFC 3986 without percent escapes and sub-delims, with ``_``), IPv4 and bracketed IPv6 addresses are accepted.

    :param value: the header's text, decoded as latin-1. Empty is invalid: whether the header may be missing
        (HTTP/1.0) is for the caller to decide.
    :raise InvalidHost: if the value is anything else, or longer than 255 characters.
    """
    if len(value) > MAX_HOST_LENGTH:
        raise InvalidHost(f"The Host header is longer than {MAX_HOST_LENGTH} characters.")
    # Only ASCII is folded: str.lower() turns U+212A KELVIN SIGN into 'k'.
    match = _HOST.fullmatch(value.lower()) if value.isascii() else None
    if match is None or not _is_port(match["port"]) or not _is_ipv6(match["ipv6"]):
        raise InvalidHost(f"The Host header {value[:64]!r} is not a host name or address with an optional port.")
    if len(VALID_HOSTS) >= MAX_VALID_HOSTS:
        VALID_HOSTS.clear()
    VALID_HOSTS[value] = host = match[0]
    return host


def _is_port(port: str | None) -> bool:
    return port is None or int(port) <= 65535


def _is_ipv6(address: str | None) -> bool:
    if address is None:
        return True
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return True


def without_default_port(host: str, scheme: str) -> str:
    """Return a canonical host without the port that its scheme implies (80 for http and ws, 443 for https and wss)."""
    return host.removesuffix(_DEFAULT_PORTS.get(scheme, ""))


def split_port(host: str) -> tuple[str, str]:
    """Split a canonical host into name (brackets kept) and port (empty if there is none).

    >>> split_port("[::1]:8000")
    ('[::1]', '8000')
    """
    if host.endswith("]") or ":" not in host:
        return host, ""
    name, _, port = host.rpartition(":")
    return name, port


def host_is_trusted(host: str, trusted: Iterable[str] | str | None) -> bool:
    """Return whether a canonical host is in a list as ``TRUSTED_HOSTS`` has it.

    Each entry is a name, or a name with a leading dot, which also stands for all names below it. Ports are ignored on
    both sides. No list, or an empty one, trusts every host; an empty host is in no list.

    :param host: the result of :func:`parse_host`, or ``""`` if there was no Host header.
    :param trusted: entries may be written in Unicode, they are compared as IDNA A-labels.
    :raise ValueError: if an entry can match nothing (``*.example.com``, ``http://example.com``).
    """
    if not trusted:
        return True
    name, _ = split_port(host)
    for entry in (trusted,) if isinstance(trusted, str) else trusted:
        wanted, suffix = _trusted_entry(entry)
        if name == wanted or (suffix and name.endswith(suffix)):
            return name != ""
    return False


def check_trusted(trusted: Iterable[str] | str | None) -> None:
    """Look through a list as ``TRUSTED_HOSTS`` has it.

    :raise ValueError: an entry can match nothing.
    """
    for entry in (trusted,) if isinstance(trusted, str) else trusted or ():
        _trusted_entry(entry)


@lru_cache(maxsize=256)
def _trusted_entry(entry: str) -> tuple[str, str]:
    """Return the name that an entry stands for, and the ending of the names below it (empty if they do not count)."""
    name = entry.removeprefix(".")
    try:
        name = name.lower() if name.isascii() else name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    match = _HOST.fullmatch(name)
    if match is None:
        raise ValueError(
            f"The trusted host {entry!r} of 'TRUSTED_HOSTS' can match no request: it is not a host name. Write"
            " 'example.com' for one host, or '.example.com' for it and all below it, without scheme, path or '*'."
        )
    name, _ = split_port(name)
    return name, "." + name if entry.startswith(".") else ""


def validate_target(path: str, method: str = "GET", root_path: str = "") -> str:
    """Return the path that a request is for, given what the server made of the request line.

    NOTE: a caller that has seen that the path starts with ``/`` need not call.

    :param path: ``PATH_INFO`` or the scope's ``path``.
    :param root_path: ``SCRIPT_NAME`` or the scope's ``root_path``: below a mount point the path may be empty.
    :return: the path, or ``*`` for ``OPTIONS *``.
    :raise InvalidTarget: if it is neither. Servers hand on ``GET @evil.com`` as an empty path, or as it is; in a
        ``scheme://host + path`` such a path would decide the host.
    """
    if path.startswith("/"):
        return path
    if path == "" and root_path.startswith("/"):
        return "/"
    if path == "*" and method == "OPTIONS":
        return path
    raise InvalidTarget("The request target does not start with '/'.")


def decode_path(latin1_path: str) -> str:
    """Return the text of a WSGI path (UTF-8 bytes that were decoded as latin-1, :pep:`3333`).

    :raise InvalidTarget: if the bytes are not UTF-8 (overlong forms and surrogates included) or contain NUL.
    """
    if "\0" in latin1_path:
        raise InvalidTarget("The path contains a NUL character.")
    if latin1_path.isascii():
        return latin1_path
    try:
        return latin1_path.encode("latin-1").decode()
    except UnicodeError:
        raise InvalidTarget("The path is not valid UTF-8.") from None


def decode_path_asgi(path: str, raw_path: bytes | None = None) -> str:
    """Return the path of an ASGI scope if the bytes behind it were UTF-8.

    Servers decode with replacement, so that a U+FFFD may be the client's own or stand for a broken byte:
    ``raw_path`` tells. The path itself is never taken from there, since middleware rewrites only ``path``.

    :param raw_path: the scope's ``raw_path``, percent-encoded.
    :raise InvalidTarget: if the path is not UTF-8 or contains NUL.
    """
    if "\0" in path:
        raise InvalidTarget("The path contains a NUL character.")
    if path.isascii():
        return path
    try:
        path.encode()
        if "\ufffd" in path:
            unquote_to_bytes(raw_path if raw_path is not None else b"\xff").decode()
    except UnicodeError:
        raise InvalidTarget("The path is not valid UTF-8.") from None
    return path
