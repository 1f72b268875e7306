"""Plays a fixed conversation through the validator: what the server says, what the application does."""

from __future__ import annotations

import asyncio
import typing as t

from kolben.testing.validator import asgi_validator

if t.TYPE_CHECKING:
    from kolben.testing.scope import Message, Receive, Scope, Send

RECEIVE: t.Any = object()
"""In a script: the application asks for the next message."""

HTTP: dict[str, t.Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "path": "/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
}
WEBSOCKET: dict[str, t.Any] = {
    "type": "websocket",
    "asgi": {"version": "3.0"},
    "path": "/",
    "headers": [],
    "subprotocols": ["a"],
    "extensions": {"websocket.http.response": {}},
}
LIFESPAN: dict[str, t.Any] = {"type": "lifespan", "asgi": {"version": "3.0"}}


def talk(scope: Scope, script: list[t.Any], server: t.Sequence[Message] = (), returns: t.Any = None) -> list[Message]:
    """Run an application that follows ``script`` and return what it sent."""
    sent: list[Message] = []
    to_come = iter(server)

    async def app(scope: Scope, receive: Receive, send: Send) -> t.Any:
        for step in script:
            if step is RECEIVE:
                await receive()
            elif isinstance(step, Exception):
                raise step
            else:
                await send(step)
        return returns

    async def receive() -> Message:
        return next(to_come)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(t.cast(t.Any, asgi_validator(app)(scope, receive, send)))
    return sent
