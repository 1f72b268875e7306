"""Who may see the debugger's pages, and who may use its consoles.

Pages: a request from this computer, for this computer (peer and Host are of the loopback), that no proxy passed on.

Consoles: beside that, a browser that has opened the link printed in the terminal. A link works once. So a link that is
found later, in a history, a scrollback, a recording, is worth nothing; opened again by a browser that was not let in,
it makes a new one appear in the terminal, where only the developer sees it. The cookie that the link sets holds as long
as the server's secret, that is, across reloads. Requests to a console must come from a page of this very origin.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import typing as t
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from ..http.host import InvalidHost, parse_host, split_port

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

MAX_FAILURES = 10
"""Wrong links and cookies that are looked at, before none is any more until the server is restarted."""

_PASSED_ON = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
"""A proxy or a tunnel on this computer adds one of these: the client is somebody else than the peer."""


_NO_NAMES = frozenset({"", "0.0.0.0", "::"})
"""Where a server may listen, but what is no name of it. Browsers let pages of any site ask 0.0.0.0."""

MAX_OLD_LINKS = 100
"""How many links that were used are known again."""


class Access:
    """The decisions, and what they rest on: a secret, and how many links were used.

    The parameters are those of :class:`.Debugger`.
    """

    def __init__(
        self,
        secret: str | None,
        url: str,
        hosts: Collection[str],
        links_used: int = 0,
        on_link_used: Callable[[int], None] | None = None,
    ) -> None:
        self._secret = (secret or secrets.token_urlsafe(32)).encode()
        bound = urlsplit(url)
        self._hosts = {"localhost", *(host.lower() for host in hosts), (bound.hostname or "").lower()} - _NO_NAMES
        self._is_secure = bound.scheme == "https"
        self._on_link_used = on_link_used
        self.links_used = links_used
        self.failures = 0

    # -- pages ---------------------------------------------------------------------------------------------------------

    def trusts(self, scope: Mapping[str, t.Any]) -> bool:
        """Whether the client is on this computer and the request was sent to it under a name of this computer.

        The name is what rebinding of DNS cannot forge: a page of ``evil.example`` whose name was made to mean 127.0.0.1
        still sends ``Host: evil.example``.
        """
        client = scope.get("client")
        if not client or not _is_loopback(client[0]):
            return False
        if any(name in _PASSED_ON for name, _ in scope["headers"]):
            return False
        host = _header(scope, b"host")
        return host is not None and self._is_own(host)

    def _is_own(self, value: str) -> bool:
        try:
            name = split_port(parse_host(value))[0].strip("[]")
        except InvalidHost:
            return False
        return name in self._hosts or name.endswith(".localhost") or _is_loopback(name)

    # -- links and cookies ---------------------------------------------------------------------------------------------

    @property
    def is_locked(self) -> bool:
        """Whether there were too many failures."""
        return self.failures >= MAX_FAILURES

    def token(self) -> str:
        """What the link that works next has in it."""
        return self._derived(f"link {self.links_used}")

    def opens(self, token: str) -> t.Literal["opened", "used", "wrong"]:
        """Try a link's token, and use it up if it is right."""
        if self.is_locked:
            return "wrong"
        if hmac.compare_digest(token.encode(), self.token().encode()):
            self.links_used += 1
            if self._on_link_used is not None:
                self._on_link_used(self.links_used)
            return "opened"
        old = range(max(0, self.links_used - MAX_OLD_LINKS), self.links_used)
        if any(hmac.compare_digest(token.encode(), self._derived(f"link {n}").encode()) for n in old):
            return "used"
        self.failures += 1
        return "wrong"

    @property
    def cookie_name(self) -> str:
        """A name of its own for each server: cookies do not tell ports apart."""
        return "kolben-debugger-" + self._derived("name")[:8]

    def cookie(self, path: str) -> str:
        """The ``Set-Cookie`` value that lets a browser in. Below ``path``, the application never sees it."""
        secure = "; Secure" if self._is_secure else ""
        return f"{self.cookie_name}={self._derived('cookie')}; Path={path}; HttpOnly; SameSite=Strict{secure}"

    def lets_in(self, scope: Mapping[str, t.Any]) -> bool:
        """Whether the browser has the cookie. A wrong one, unlike none, counts as a failure."""
        sent = list(_cookies(scope, self.cookie_name))
        if not sent or self.is_locked:
            return False
        expected = self._derived("cookie")
        if len(sent) == 1 and hmac.compare_digest(sent[0].encode(), expected.encode()):
            return True
        self.failures += 1
        return False

    def objection(self, scope: Mapping[str, t.Any]) -> str | None:
        """Why a command to a console is refused; ``None`` if it is not. :meth:`trusts` was asked before."""
        if not _is_of_same_origin(scope):
            return "Commands come from the debugger's own pages only."
        if self.is_locked:
            return "There were too many wrong links or cookies. Restart the server to use the console again."
        if not self.lets_in(scope):
            return "To use the console, open the link printed in the terminal in this browser."
        return None

    def _derived(self, purpose: str) -> str:
        return hmac.new(self._secret, purpose.encode(), hashlib.sha256).hexdigest()


def is_of_another_site(scope: Mapping[str, t.Any]) -> bool:
    """Whether the browser says that a page of another origin leads here. Its tries are none: any site could make some,
    until nobody is let in any more."""
    return _header(scope, b"sec-fetch-site", "none") not in ("none", "same-origin")


def _is_of_same_origin(scope: Mapping[str, t.Any]) -> bool:
    """Whether the browser says that a page of this origin sent the request. One that says nothing is not believed."""
    host = _header(scope, b"host")
    origin = _header(scope, b"origin")
    site = _header(scope, b"sec-fetch-site", "same-origin")
    expected = f"{scope.get('scheme', 'http')}://{host}".lower()
    return origin is not None and origin.lower() == expected and site == "same-origin"


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def _header(scope: Mapping[str, t.Any], name: bytes, otherwise: str | None = None) -> str | None:
    """The header's value; ``otherwise`` if it is not there, and the empty string if it is there more than once."""
    found: list[bytes] = [value for key, value in scope["headers"] if key == name]
    if not found:
        return otherwise
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _cookies(scope: Mapping[str, t.Any], name: str) -> Iterable[str]:
    for key, value in scope["headers"]:
        if key == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                cookie, _, content = pair.strip().partition("=")
                if cookie == name:
                    yield content
