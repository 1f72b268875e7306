"""What proxies write into a request's headers: ``Forwarded`` (RFC 7239), and the ``X-Forwarded-`` family before it.

Pure functions of texts. Whom to believe is decided in :mod:`.proxies`.
"""

from __future__ import annotations

import re
import typing as t
from ipaddress import IPv4Address, IPv6Address, ip_address

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    Address: t.TypeAlias = IPv4Address | IPv6Address

# RFC 9110 section 5.6.2, 5.6.4. A parameter and its value, then what must follow: another, another element, or the end.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r"(?:[^\"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"
_PAIR = re.compile(
    rf'[ \t]*(?P<name>{_TOKEN})=(?:(?P<token>{_TOKEN})|"(?P<quoted>{_QUOTED})")[ \t]*(?P<end>[;,]|\Z)',
)
_NO_PAIR = re.compile(r"[ \t]*(?P<end>[;,]|\Z)")
_ESCAPE = re.compile(r"\\(.)")
# RFC 7239 section 6: a node's name, and a port that may be obfuscated too. 'unix:' is what nginx writes for a socket.
_NODE = re.compile(
    r"(?P<name>unknown|unix:|_[A-Za-z0-9._-]{1,64}|[0-9.]{7,15}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}|_[A-Za-z0-9._-]{1,64}))?"
)
_PREFIX = re.compile(r"(?:/(?!\.\.?(?:/|\Z))[A-Za-z0-9._~!$&'()*+;=:@-]+)+")


class Malformed(ValueError):
    """A header that does not say what it should; the text is for the client to read."""


class Node(t.NamedTuple):
    """Somebody on the way of a request.

    :ivar name: an address in its canonical form, or what stands for one: ``unknown``, ``_hidden``, ``unix:``.
    :ivar port: 0 where it is not told.
    :ivar address: the address, if it is one.
    """

    name: str
    port: int = 0
    address: Address | None = None


def parse_node(text: str) -> Node:
    """Read an address with or without a port, an obfuscated identifier, ``unknown``, or ``unix:``.

    :raises Malformed: it is none of them.
    """
    if ":" in text and text.count(":") > 1 and text[:1] != "[":
        text = f"[{text}]"  # NOTE: X-Forwarded-For has IPv6 addresses without brackets, and then without a port.
    match = _NODE.fullmatch(text)
    if match is None:
        raise Malformed(f"{text[:64]!r} is no address of a client.")
    name, port = match["name"], match["port"] or "0"
    number = int(port) if port.isdigit() else 0
    if number > 65535:
        raise Malformed(f"{text[:64]!r} has a port that is none.")
    if not (name[0] == "[" or name[0].isdigit()):
        return Node(name, number)
    address = parse_address(name.strip("[]"))
    if address is None:
        raise Malformed(f"{text[:64]!r} is no address of a client.")
    return Node(str(address), number, address)


def parse_address(text: str) -> Address | None:
    """The IP address that a text is, if it is one; an IPv4 address that came mapped into IPv6 is an IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_forwarded(lines: Iterable[str]) -> list[dict[str, str]]:
    """The elements of the ``Forwarded`` headers of a request, the nearest proxy's last; names in lower case.

    :param lines: the values, one per header.
    :raises Malformed: one of them does not follow RFC 7239. Each stands for itself: a quotation mark that a client left
        open must not swallow what a proxy writes into a header of its own.
    """
    elements: list[dict[str, str]] = []
    for line in lines:
        element: dict[str, str] = {}
        position, end = 0, ","
        while end:
            match = _PAIR.match(line, position) or _NO_PAIR.match(line, position)
            if match is None:
                raise Malformed("The Forwarded header does not follow RFC 7239.")
            found = match.groupdict()
            if "name" in found:
                name = found["name"].lower()
                if name in element:
                    raise Malformed(f"The Forwarded header has {name[:64]!r} twice in one element.")
                quoted = found["quoted"]
                element[name] = found["token"] if quoted is None else _ESCAPE.sub(r"\1", quoted)
            position, end = match.end(), found["end"]
            if end != ";":
                elements.append(element)
                element = {}
    return elements


def parse_list(lines: Iterable[str]) -> list[str]:
    """The values of an ``X-Forwarded-`` header, the nearest proxy's last. Empty ones stay: each stands for a proxy."""
    return [value.strip(" \t") for line in lines for value in line.split(",")]


def parse_scheme(text: str) -> str:
    """``http`` or ``https``.

    :raises Malformed: it is neither, nor one of a WebSocket.
    """
    scheme = _SCHEMES.get(text.lower())
    if scheme is None:
        raise Malformed(f"{text[:64]!r} is not 'http' or 'https'.")
    return scheme


_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def parse_port(text: str) -> int:
    """A port.

    :raises Malformed: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535:
        return int(text)
    raise Malformed(f"{text[:64]!r} is no port.")


def parse_prefix(text: str) -> str:
    """A prefix of paths, without a slash at its end: plain characters only, no ``//``, no ``..``; empty for ``/``.

    :raises Malformed: it is something else.
    """
    prefix = text.removesuffix("/")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise Malformed(f"{text[:64]!r} is no prefix of paths.")
    return prefix
