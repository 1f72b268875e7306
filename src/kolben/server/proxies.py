"""Proxies in front of an application: whose word is believed about the client, and what they say.

Nothing is believed unless it is told here who the proxies are: by ``kolben serve --proxies``, or under any server by::

    from kolben.server.proxies import ProxyHeaders

    app.asgi_app = ProxyHeaders(app.asgi_app, "10.0.0.0/8")
"""

from __future__ import annotations

import typing as t
from ipaddress import IPv4Network, IPv6Network, ip_network

from ..http.host import InvalidHost, parse_host, split_port, without_default_port
from .forwarded import (
    Malformed,
    Node,
    parse_address,
    parse_forwarded,
    parse_list,
    parse_node,
    parse_port,
    parse_prefix,
    parse_scheme,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Scope: t.TypeAlias = dict[str, t.Any]
    ASGIApp: t.TypeAlias = Callable[[Scope, t.Any, t.Any], Coroutine[t.Any, t.Any, None]]

Family: t.TypeAlias = t.Literal["forwarded", "x-forwarded"]

_KNOWN_PEERS = 1024
"""How many peers' addresses a :class:`Proxies` remembers its opinion of."""

_ENCRYPTED = {"http": "https", "ws": "wss"}
_PLAIN = {"https": "http", "wss": "ws"}
_DEFAULT_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class Proxies:
    """Which peers are proxies whose headers are believed.

    :param spec: either how many proxies every request passes, or, separated by commas, their addresses and networks,
        and ``unix`` for whoever comes through a socket file. It may also name the one kind of headers that they write,
        ``forwarded`` or ``x-forwarded``; without, whichever is there counts, and both in one request are refused.
    :raises ValueError: it is none of this.
    """

    def __init__(self, spec: str | int) -> None:
        self.hops = 0
        self.networks: list[IPv4Network | IPv6Network] = []
        self.unix = False
        self.family: Family | None = None
        for word in str(spec).split(","):
            self._add(word.strip())
        if self.hops and (self.networks or self.unix):
            raise ValueError(
                f"The proxies {str(spec)!r} are a number and addresses. Give one: how many proxies every request"
                " passes, or the addresses that they have."
            )
        self._known: dict[str, bool] = {}

    def _add(self, word: str) -> None:
        if word.isascii() and word.isdigit():
            self.hops += int(word)
        elif word.lower() == "unix":
            self.unix = True
        elif word.lower() in {"forwarded", "x-forwarded"}:
            self.family = t.cast(Family, word.lower())
        elif word == "*":
            raise ValueError(
                "The proxies '*' would be everybody: then each client chooses its own address, scheme and host. Give"
                " the networks of the proxies ('10.0.0.0/8'), or, where nobody else can reach this server, how many"
                " there are ('1')."
            )
        else:
            try:
                self.networks.append(ip_network(word))
            except ValueError as exc:
                raise ValueError(
                    f"The proxy {word!r} is not an address or a network: {exc}. Write how many proxies there are ('1'),"
                    " or addresses and networks ('127.0.0.1,10.0.0.0/8,fd00::/8'), or 'unix'."
                ) from None

    def __bool__(self) -> bool:
        return bool(self.hops or self.networks or self.unix)

    def trust_peer(self, scope: Scope) -> bool:
        """Whether the other end of a request's connection is a proxy."""
        if self.hops:
            return True
        client = scope.get("client")
        name: str = client[0] if client and client[0] else ""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _KNOWN_PEERS:
                self._known.clear()
            address = parse_address(name)
            known = self._known[name] = self.trusts(Node(name or "unix:", 0, address))
        return known

    def trusts(self, node: Node) -> bool:
        """Whether it is a proxy, by its address."""
        address = node.address
        if address is None:
            return self.unix and node.name == "unix:"
        return any(address in network for network in self.networks)

    def client(self, chain: list[str]) -> tuple[Node, int]:
        """Whom a request comes from, and over how many proxies, the peer included, which is one.

        What stands further left than the client is the client's own word, and is not even read.

        :param chain: who sent the request to each proxy, the peer's word last.
        :raises Malformed: one of those that had to be read is no address.
        """
        if self.hops:
            hops = min(self.hops, len(chain))
            return parse_node(chain[-hops]), hops
        node, hops = parse_node(chain[-1]), 1
        while hops < len(chain) and self.trusts(node):
            hops += 1
            node = parse_node(chain[-hops])
        return node, hops


class ProxyHeaders:
    """An ASGI application whose requests say of the client what the proxies before it say.

    It sets, in a copy of the scope, ``client``, ``scheme``, the ``Host`` header and ``server``, and ``root_path``. The
    headers themselves stay for views to read. A proxy's word that is malformed is a 400 (a WebSocket's handshake: 403).

    :param asgi: the application.
    :param spec: as for :class:`Proxies`, or one.
    """

    def __init__(self, asgi: ASGIApp, spec: str | int | Proxies) -> None:
        self.asgi = asgi
        self.proxies = spec if isinstance(spec, Proxies) else Proxies(spec)

    def __call__(self, scope: Scope, receive: t.Any, send: t.Any) -> Coroutine[t.Any, t.Any, None]:
        """Answer a request. No coroutine of its own: to peers that are no proxies this costs a look into a dict."""
        if scope["type"] == "lifespan" or not self.proxies.trust_peer(scope):
            return self.asgi(scope, receive, send)
        said = _said(scope)
        if not said:
            return self.asgi(scope, receive, send)
        try:
            scope = _believing(scope, said, self.proxies)
        except (Malformed, InvalidHost) as exc:
            return _refuse(str(getattr(exc, "description", exc)), scope, send)
        return self.asgi(scope, receive, send)


def wrap(asgi: ASGIApp, spec: str | int | Proxies | None) -> ASGIApp:
    """:class:`ProxyHeaders` around an application, or, if there are no proxies (``None``, 0), the application."""
    if spec is None or spec == "":
        return asgi
    proxies = spec if isinstance(spec, Proxies) else Proxies(spec)
    return ProxyHeaders(asgi, proxies) if proxies else asgi


_NAMES = {
    b"forwarded": "forwarded",
    b"x-forwarded-for": "for",
    b"x-forwarded-proto": "proto",
    b"x-forwarded-host": "host",
    b"x-forwarded-port": "port",
    b"x-forwarded-prefix": "prefix",
}


def _said(scope: Scope) -> dict[str, list[str]]:
    """The headers of proxies, each with all its lines. A name with ``_`` for ``-`` is not theirs, but a client's."""
    said: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in _NAMES:
            said.setdefault(_NAMES[name], []).append(value.decode("latin-1"))
    return said


class _Facts(t.NamedTuple):
    """What is believed of a request."""

    client: Node | None = None
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    prefix: str | None = None


def _believing(scope: Scope, said: dict[str, list[str]], proxies: Proxies) -> Scope:
    """The scope as the proxies tell it.

    :raises Malformed: they tell it in both kinds of headers, or what they tell is nothing that can be.
    :raises InvalidHost: likewise.
    """
    family = proxies.family or ("forwarded" if "forwarded" in said else "x-forwarded")
    if proxies.family is None and "forwarded" in said and len(said) > 1:
        # NOTE: a proxy writes the one and hands on what the client wrote into the other: which is which, only whoever
        # set up the proxy knows.
        raise Malformed("The request has both Forwarded and X-Forwarded headers.")
    facts = _from_forwarded(said, proxies) if family == "forwarded" else _from_x_forwarded(said, proxies)
    return _with(scope, facts)


def _from_forwarded(said: dict[str, list[str]], proxies: Proxies) -> _Facts:
    elements = parse_forwarded(said.get("forwarded", ()))
    if not elements:
        return _Facts()
    client, hops = proxies.client([element.get("for", "unknown") for element in elements])
    # NOTE: what the outermost of the proxies says: it saw what the client asked for.
    told: dict[str, str] = {}
    for element in reversed(elements[-hops:]):
        told.update(element)
    scheme, host = told.get("proto"), told.get("host")
    return _Facts(client, None if scheme is None else parse_scheme(scheme), None if host is None else parse_host(host))


def _from_x_forwarded(said: dict[str, list[str]], proxies: Proxies) -> _Facts:
    client, hops = None, 1
    if "for" in said:
        client, hops = proxies.client(parse_list(said["for"]))

    def outermost(name: str) -> str | None:
        values = parse_list(said.get(name, ()))
        # NOTE: many proxies overwrite what they are sent instead of adding to it: then there are fewer than hops.
        return values[-min(hops, len(values))] if values else None

    scheme, host, port, prefix = (outermost(name) for name in ("proto", "host", "port", "prefix"))
    return _Facts(
        client,
        None if scheme is None else parse_scheme(scheme),
        None if host is None else parse_host(host),
        None if port is None else parse_port(port),
        None if prefix is None else parse_prefix(prefix),
    )


def _with(scope: Scope, facts: _Facts) -> Scope:
    """A copy of a scope, changed as far as there are facts."""
    scope = dict(scope)
    if facts.client is not None:
        scope["client"] = (facts.client.name, facts.client.port)
    if facts.scheme is not None:
        change = _ENCRYPTED if facts.scheme == "https" else _PLAIN
        scope["scheme"] = change.get(scope["scheme"], scope["scheme"])
    if facts.host is not None or facts.port is not None:
        _set_host(scope, facts.host, facts.port)
    if facts.prefix:
        scope["root_path"] = facts.prefix + scope.get("root_path", "")
        # NOTE: in ASGI the path has the prefix in it. The proxy took it away, so that what is there is all behind it,
        # even where that begins with the same name.
        scope["path"] = facts.prefix + scope["path"]
        if scope.get("raw_path") is not None:
            scope["raw_path"] = facts.prefix.encode() + scope["raw_path"]
    return scope


def _set_host(scope: Scope, host: str | None, port: int | None) -> None:
    """Make it the host and port that a request was sent to, as its ``Host`` header says it and as ``server`` does."""
    told = [value for name, value in scope["headers"] if name == b"host"]
    if len(told) > 1 or (host is None and not told):
        return  # NOTE: the application refuses it.
    if host is None:
        host = parse_host(told[0].decode("latin-1"))
    name, own_port = split_port(host)
    scheme = scope["scheme"]
    number = port or int(own_port or _DEFAULT_PORTS.get(scheme, 0))
    if port is not None:
        host = without_default_port(f"{name}:{port}", scheme)
    headers = [header for header in scope["headers"] if header[0] != b"host"]
    scope["headers"] = [(b"host", host.encode()), *headers]
    scope["server"] = (name.strip("[]"), number)


async def _refuse(reason: str, scope: Scope, send: t.Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    from werkzeug.exceptions import BadRequest

    from ..protocols.refusal import refuse_scope

    await refuse_scope(BadRequest(f"A proxy's header cannot be believed: {reason}"), scope, send)
