"""What ``connections`` asks, as a bare ASGI callable: sockets, and events that never come."""

from __future__ import annotations

import asyncio
import json
import os
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, t.Any]
    Send = Callable[[Message], Awaitable[None]]

sockets: set[Send] = set()


async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    """Answer as the views of ``traffic`` do."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await (hall if scope["path"] == "/hall" else echo)(receive, send)
    elif scope["type"] == "http" and scope["path"] == "/events":
        await start(send, b"text/event-stream")
        await send({"type": "http.response.body", "body": b"data: hello\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
    elif scope["type"] == "http":
        await start(send, b"application/json")
        body = json.dumps({"pid": os.getpid(), "sockets": len(sockets)}).encode()
        await send({"type": "http.response.body", "body": body})


async def start(send: Send, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})


async def echo(receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def hall(receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    sockets.add(send)
    try:
        while (message := await receive())["type"] == "websocket.receive":
            answer = {"type": "websocket.send", "text": message["text"]}
            await asyncio.gather(*[other(answer) for other in sockets])
    finally:
        sockets.discard(send)
