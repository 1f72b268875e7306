"""The rules of one WebSocket."""

from __future__ import annotations

import enum
import typing as t

from .conversation import Conversation

if t.TYPE_CHECKING:
    from ..scope import Message

RESERVED_CODES = frozenset({1004, 1005, 1006, 1015})
REASON_LENGTH = 123
REFUSAL = "websocket.http.response"


class Stage(enum.Enum):
    """How far a WebSocket has come."""

    HANDSHAKE = "the handshake was not answered"
    REFUSING = "it was answering the handshake with a response"
    OPEN = "the WebSocket was open"
    CLOSED = "it had closed the WebSocket"


class WebSocketConversation(Conversation):
    """``websocket.connect``, messages, ``websocket.disconnect``; an answer to the handshake, messages, one close."""

    KIND = "websocket"
    RECEIVED = frozenset({"websocket.connect", "websocket.receive", "websocket.disconnect"})

    def check_scope(self) -> None:
        super().check_scope()
        self.check_request_line()
        self.server_has(self.scope, "scope", "subprotocols", list, optional=True)
        self.stage = Stage.HANDSHAKE
        self.connected = False
        self.disconnected = False

    # -- from the server ---------------------------------------------------------------------------------------------

    def before_receive(self) -> None:
        if self.disconnected:
            self.fail("application", "asked for a message after 'websocket.disconnect'")

    def received(self, message: Message) -> None:
        super().received(message)
        kind = message["type"]
        if (kind == "websocket.connect") is self.connected:
            self.fail("server", f"sent {kind!r} {'a second time' if self.connected else 'before connecting'}")
        self.connected = True
        match kind:
            case "websocket.receive":
                if self.stage is Stage.HANDSHAKE:
                    self.fail("server", "sent 'websocket.receive' before the handshake was answered")
                self._check_payload("server", message)
            case "websocket.disconnect":
                self.disconnected = True
                self.server_has(message, "message", "code", int, optional=True)

    # -- from the application ----------------------------------------------------------------------------------------

    def sent(self, message: Message) -> None:
        super().sent(message)
        kind = message["type"]
        match kind:
            case "websocket.accept":
                self._accept(message)
            case "websocket.send":
                self._check_stage(kind, Stage.OPEN)
                self._check_payload("application", message)
            case "websocket.close":
                self._check_stage(kind, Stage.HANDSHAKE, Stage.OPEN)
                self._check_close(message)
                self.stage = Stage.CLOSED
            case "websocket.http.response.start" | "websocket.http.response.body":
                self._refuse(message)
            case _:
                self.fail("application", f"sent {kind!r}, which no websocket conversation has")

    def _accept(self, message: Message) -> None:
        self._check_stage("websocket.accept", Stage.HANDSHAKE)
        if not self.connected:
            self.fail("application", "sent 'websocket.accept' before it received 'websocket.connect'")
        subprotocol = message.get("subprotocol")
        if subprotocol is not None and subprotocol not in self.scope.get("subprotocols", ()):
            self.fail("application", f"accepted with the subprotocol {subprotocol!r}, which the client did not offer")
        for name, _ in self.check_headers("application", message, "message"):
            if name == b"sec-websocket-protocol":
                self.fail("application", "set the header 'sec-websocket-protocol'; 'subprotocol' is for that")
        self.stage = Stage.OPEN

    def _refuse(self, message: Message) -> None:
        kind = message["type"]
        if REFUSAL not in self.extensions:
            self.fail("application", f"sent {kind!r}, an extension that this server did not announce")
        if kind == "websocket.http.response.start":
            self._check_stage(kind, Stage.HANDSHAKE)
            self.app_has(message, "message", "status", int)
            self.check_headers("application", message, "message")
            self.stage = Stage.REFUSING
            return
        self._check_stage(kind, Stage.REFUSING)
        self.app_has(message, "message", "body", bytes, optional=True)
        self.app_has(message, "message", "more_body", bool, optional=True)
        if not message.get("more_body", False):
            self.stage = Stage.CLOSED

    def _check_stage(self, kind: str, *stages: Stage) -> None:
        if self.stage not in stages:
            self.fail("application", f"sent {kind!r} when {self.stage.value}")

    def _check_payload(self, who: t.Literal["application", "server"], message: Message) -> None:
        data, text = message.get("bytes"), message.get("text")
        if (data is None) is (text is None):
            self.fail(who, "sent a message that has not exactly one of 'bytes' and 'text'")
        if not isinstance(data, bytes | None) or not isinstance(text, str | None):
            self.fail(who, f"sent the message {data if text is None else text!r}, of the wrong type")

    def _check_close(self, message: Message) -> None:
        self.app_has(message, "message", "code", int, optional=True)
        code = message.get("code", 1000)
        # RFC 6455, 7.4: the reserved ones say what happened where no code was sent.
        if not 1000 <= code <= 4999 or code in RESERVED_CODES:
            self.fail("application", f"closed with the code {code}, which must not be sent")
        reason = message.get("reason") or ""
        if not isinstance(reason, str) or len(reason.encode()) > REASON_LENGTH:
            self.fail("application", f"closed with the reason {reason!r}, which is not text of at most 123 bytes")

    def returned(self, value: object) -> None:
        super().returned(value)
        if self.stage in (Stage.HANDSHAKE, Stage.REFUSING) and not self.disconnected:
            self.fail("application", f"returned when {self.stage.value}")
