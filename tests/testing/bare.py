"""What hand-written ASGI applications are made of, for the clients and the validator to drive."""

from __future__ import annotations

import json
import typing as t

from werkzeug.wrappers import Response

if t.TYPE_CHECKING:
    from kolben.testing.scope import ASGIApp, Message, Receive, Scope, Send


class Bare:
    """As much of an application as a client asks for, around an ASGI callable."""

    config: t.ClassVar[dict[str, t.Any]] = {
        "SERVER_NAME": None,
        "APPLICATION_ROOT": "/",
        "PREFERRED_URL_SCHEME": "http",
    }
    json = json
    response_class = Response

    def __init__(self, asgi: ASGIApp) -> None:
        self.asgi = asgi
        self.log: list[t.Any] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
        else:
            await self.asgi(scope, receive, send)

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["pool"] = "a pool"
        for _ in range(2):
            message = await receive()
            self.log.append(message["type"])
            await send({"type": f"{message['type']}.complete"})


def start(status: int = 200, **headers: str) -> Message:
    """The message that begins a response."""
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


def body(chunk: bytes = b"", more: bool = False) -> Message:
    """A message with a piece of a response."""
    return {"type": "http.response.body", "body": chunk, "more_body": more}
