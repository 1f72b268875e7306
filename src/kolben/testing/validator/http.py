"""The rules of one HTTP request and its response."""

from __future__ import annotations

import enum
import os
import typing as t

from .conversation import Conversation

if t.TYPE_CHECKING:
    from ..scope import Message

EXTENSIONS = {
    "http.response.push": "http.response.push",
    "http.response.zerocopysend": "http.response.zerocopysend",
    "http.response.pathsend": "http.response.pathsend",
    "http.response.early_hint": "http.response.early_hint",
    "http.response.debug": "http.response.debug",
    "http.response.trailers": "http.response.trailers",
}


class Stage(enum.Enum):
    """How far a response has come."""

    HEAD = "it has not started its response"
    BODY = "the response has started"
    TRAILERS = "the body was complete"
    DONE = "the response was complete"


class HTTPConversation(Conversation):
    """``http.request`` messages to the last one, then ``http.disconnect``; a start, a body, and nothing after it."""

    KIND = "http"
    RECEIVED = frozenset({"http.request", "http.disconnect"})

    def check_scope(self) -> None:
        super().check_scope()
        self.check_request_line()
        self.server_has(self.scope, "scope", "method", str)
        if self.scope["method"] != self.scope["method"].upper():
            self.fail("server", f"set 'method' of a scope to {self.scope['method']!r}, which is not in upper case")
        self.stage = Stage.HEAD
        self.request_complete = False
        self.disconnected = False
        self.trailers = False
        self.may_have_body = self.scope["method"] != "HEAD"
        self.length: int | None = None
        self.sent_length = 0

    # -- from the server ---------------------------------------------------------------------------------------------

    def received(self, message: Message) -> None:
        super().received(message)
        if message["type"] == "http.disconnect":
            self.disconnected = True
            return
        if self.disconnected:
            self.fail("server", "sent 'http.request' after 'http.disconnect'")
        if self.request_complete:
            self.fail("server", "sent 'http.request' after one that said that it was the last")
        self.server_has(message, "message", "body", bytes, optional=True)
        self.server_has(message, "message", "more_body", bool, optional=True)
        self.request_complete = not message.get("more_body", False)

    # -- from the application ----------------------------------------------------------------------------------------

    def sent(self, message: Message) -> None:
        super().sent(message)
        kind = message["type"]
        if self.stage is Stage.DONE:
            self.fail("application", f"sent {kind!r} after {self.stage.value}")
        match kind:
            case "http.response.start":
                self._start(message)
            case "http.response.body":
                self._body(message)
            case _ if kind not in EXTENSIONS:
                self.fail("application", f"sent {kind!r}, which no http conversation has")
            case _ if kind not in self.extensions:
                self.fail("application", f"sent {kind!r}, an extension that this server did not announce")
            case "http.response.trailers":
                self._trailers(message)
            case "http.response.pathsend":
                self._file(message)
            case "http.response.zerocopysend":
                self._check_stage(kind, Stage.BODY)
                self.length = None
                self._complete_unless(message.get("more_body", False))
            case _:
                self._check_stage(kind, Stage.HEAD)

    def _start(self, message: Message) -> None:
        self._check_stage("http.response.start", Stage.HEAD)
        self.app_has(message, "message", "status", int)
        status = message["status"]
        if not 100 <= status <= 999:
            self.fail("application", f"sent the status {status}, which has not three digits")
        self.app_has(message, "message", "trailers", bool, optional=True)
        self.trailers = message.get("trailers", False)
        headers = self.check_headers("application", message, "message")
        # RFC 9110, 8.6: no Content-Length in 1xx and 204; in 304 and to HEAD, it is that of the body left out.
        no_content = status < 200 or status == 204
        self.may_have_body &= not no_content and status != 304
        lengths = [value for name, value in headers if name == b"content-length"]
        if no_content and lengths:
            self.fail("application", f"sent a 'content-length' with status {status}, which has no content")
        if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
            self.fail("application", f"sent the 'content-length' {b', '.join(lengths)!r}")
        if lengths and self.may_have_body:
            self.length = int(lengths[0])
        self.stage = Stage.BODY

    def _body(self, message: Message) -> None:
        self._check_stage("http.response.body", Stage.BODY)
        self.app_has(message, "message", "body", bytes, optional=True)
        self.app_has(message, "message", "more_body", bool, optional=True)
        self._count(len(message.get("body", b"")))
        self._complete_unless(message.get("more_body", False))

    def _file(self, message: Message) -> None:
        self._check_stage("http.response.pathsend", Stage.BODY)
        self.app_has(message, "message", "path", str)
        if not os.path.isabs(message["path"]):
            self.fail("application", f"sent the path {message['path']!r}, which is not absolute")
        self._count(os.path.getsize(message["path"]))
        self._complete_unless(False)

    def _trailers(self, message: Message) -> None:
        self._check_stage("http.response.trailers", Stage.TRAILERS)
        self.check_headers("application", message, "message")
        if not message.get("more_trailers", False):
            self.stage = Stage.DONE

    def _check_stage(self, kind: str, stage: Stage) -> None:
        if self.stage is not stage:
            self.fail("application", f"sent {kind!r} when {self.stage.value}")

    def _count(self, size: int) -> None:
        self.sent_length += size
        if size and not self.may_have_body:
            self.fail("application", f"sent {size} bytes of a body where there must be none")
        if self.length is not None and self.sent_length > self.length:
            self.fail("application", f"sent {self.sent_length} bytes of a body, and 'content-length: {self.length}'")

    def _complete_unless(self, more: bool) -> None:
        if more:
            return
        if self.length is not None and self.sent_length != self.length:
            self.fail("application", f"sent {self.sent_length} bytes of a body, and 'content-length: {self.length}'")
        self.stage = Stage.TRAILERS if self.trailers else Stage.DONE

    def returned(self, value: object) -> None:
        super().returned(value)
        if self.stage is not Stage.DONE and not self.disconnected:
            self.fail("application", f"returned when {self.stage.value}, and was not complete")
