"""What all conversations of server and application have in common: types, header fields, who is to blame."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from ..scope import Message, Scope

Who: t.TypeAlias = t.Literal["application", "server"]

# RFC 9110, 5.1 and 5.6.2: a field name is a token. ASGI wants it in lower case.
FIELD_NAME = re.compile(rb"[a-z0-9!#$%&'*+\-.^_`|~]+")
# RFC 9110, 5.5: no control characters but the tab.
FIELD_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")


class ASGIViolation(AssertionError):
    """A message breaks the protocol: the text says whose it is, which one, and the rule."""


class Conversation:
    """One call of an application, from its scope to its return.

    Subclasses say which messages may come when. :attr:`violation` is the first breach.
    """

    KIND: t.ClassVar[str]
    RECEIVED: t.ClassVar[frozenset[str]]
    """The types of message that the server may send."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.violation: ASGIViolation | None = None
        self.extensions: t.Container[str] = scope.get("extensions") or ()
        self.check_scope()

    # -- what subclasses fill in -------------------------------------------------------------------------------------

    def check_scope(self) -> None:
        """Check what every scope has."""
        self.server_has(self.scope, "scope", "asgi", dict)
        self.server_has(self.scope["asgi"], "scope['asgi']", "version", str)
        self.server_has(self.scope, "scope", "state", dict, optional=True)

    def before_receive(self) -> None:
        """Check whether the application may ask for a message now."""

    def received(self, message: Message) -> None:
        """Check a message of the server."""
        self.server_has(message, "message", "type", str)
        if message["type"] not in self.RECEIVED:
            self.fail("server", f"sent {message['type']!r}, which no {self.KIND} conversation has")

    def sent(self, message: Message) -> None:
        """Check a message of the application."""
        self.app_has(message, "message", "type", str)

    def returned(self, value: object) -> None:
        """Check how the conversation ended."""
        if value is not None:
            self.fail("application", f"returned {value!r}; it must return nothing")

    # -- what they use -----------------------------------------------------------------------------------------------

    def fail(self, who: Who, what: str) -> t.NoReturn:
        """Report a breach."""
        where = f" ({self.KIND} {self.scope.get('path', '')!r})" if "path" in self.scope else f" ({self.KIND})"
        violation = ASGIViolation(f"The {who} {what}{where}.")
        if self.violation is None:
            self.violation = violation
        raise violation

    def server_has(self, holder: t.Any, name: str, key: str, kind: type, optional: bool = False) -> None:
        """Check the type of one item of what the server says."""
        self._has("server", holder, name, key, kind, optional)

    def app_has(self, holder: t.Any, name: str, key: str, kind: type, optional: bool = False) -> None:
        """Check the type of one item of what the application says."""
        self._has("application", holder, name, key, kind, optional)

    def _has(self, who: Who, holder: t.Any, name: str, key: str, kind: type, optional: bool) -> None:
        if key not in holder:
            if not optional:
                self.fail(who, f"left {key!r} out of a {name}")
        # NOTE: True is an int to Python, but no status.
        elif not isinstance(holder[key], kind) or (kind is int and isinstance(holder[key], bool)):
            self.fail(who, f"set {key!r} of a {name} to {holder[key]!r}, which is not {kind.__name__}")

    def check_headers(self, who: Who, message: Message, name: str) -> list[tuple[bytes, bytes]]:
        """The header fields of a message or scope, each of which is checked."""
        headers = []
        for item in message.get("headers") or ():
            try:
                field, value = item
            except (TypeError, ValueError):
                self.fail(who, f"put {item!r} among the headers of a {name}, which is not a pair")
            if not isinstance(field, bytes) or not isinstance(value, bytes):
                self.fail(who, f"put {item!r} among the headers of a {name}, which are not both bytes")
            self._check_field(who, field, value)
            headers.append((field, value))
        return headers

    def _check_field(self, who: Who, field: bytes, value: bytes) -> None:
        # The specification lets servers keep the case of what clients sent.
        if not FIELD_NAME.fullmatch(field.lower() if who == "server" else field):
            self.fail(who, f"sent the header name {field!r}, which is not a token in lower case")
        if not FIELD_VALUE.fullmatch(value):
            self.fail(who, f"sent a control character in the header {field!r}: {value!r}")

    def check_request_line(self) -> None:
        """Check the part of the scope that HTTP and WebSocket share."""
        scope = self.scope
        self.server_has(scope, "scope", "path", str)
        self.server_has(scope, "scope", "query_string", bytes, optional=self.KIND == "websocket")
        self.server_has(scope, "scope", "scheme", str, optional=True)
        self.server_has(scope, "scope", "root_path", str, optional=True)
        if scope.get("raw_path") is not None:
            self.server_has(scope, "scope", "raw_path", bytes)
        if scope.get("http_version", "1.1") not in ("1.0", "1.1", "2", "2.0", "3"):
            self.fail("server", f"set 'http_version' of a scope to {scope['http_version']!r}")
        for end in ("client", "server"):
            self._check_end(end)
        self.check_headers("server", scope, "scope")

    def _check_end(self, end: str) -> None:
        address = self.scope.get(end)
        if address is None:
            return
        # NOTE: Granian gives ports as text.
        if len(address) != 2 or not isinstance(address[0], str) or not re.fullmatch(r"\d+|None", str(address[1])):
            self.fail("server", f"set {end!r} of a scope to {address!r}, which is not a host and a port")
