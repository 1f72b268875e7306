"""A room to chat in, by WebSocket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from kolben import Blueprint, WebSocket, WebSocketClosed, render_template, request, session
from kolben.typing import ResponseReturnValue

from .broadcast import Broadcast, Listener

bp = Blueprint("chat", __name__, url_prefix="/chat")

LONGEST_TEXT = 500

room: Broadcast[dict[str, Any]] = Broadcast()
present: list[str] = []
"""The names of those who are here; a name is there once for each of its pages."""
said: deque[dict[str, Any]] = deque(maxlen=50)
"""What newcomers are shown."""


@bp.get("/")
def index() -> ResponseReturnValue:
    # Only ASGI has WebSockets.
    return render_template("chat.html", has_websockets=request.scope is not None, longest_text=LONGEST_TEXT)


@bp.websocket("/socket")
async def socket(ws: WebSocket) -> None:
    name = session.get("name")
    if name is None:
        await ws.close()  # It was not accepted yet, so the handshake is answered with 403.
        return
    with room.listen() as messages:
        for message in said:
            await ws.send_json(message)
        sending = asyncio.create_task(send_all(messages, ws))
        enter(name)
        try:
            async for text in ws:
                say(name, text)
        finally:
            sending.cancel()
            leave(name)


async def send_all(messages: Listener[dict[str, Any]], ws: WebSocket) -> None:
    """Send what is said to one page; close the socket of one that cannot keep up."""
    try:
        async for message in messages:
            await ws.send_json(message)
        await ws.close(1013, "You are too far behind.")
    except WebSocketClosed:
        pass  # Whoever receives notices as well, and ends.


def say(name: str, text: str | bytes) -> None:
    if isinstance(text, str) and (text := text.strip()):
        message = {"type": "said", "name": name, "text": text[:LONGEST_TEXT]}
        said.append(message)
        room.publish(message)


def enter(name: str) -> None:
    present.append(name)
    tell_who_is_here()


def leave(name: str) -> None:
    present.remove(name)
    tell_who_is_here()


def tell_who_is_here() -> None:
    room.publish({"type": "present", "names": sorted(set(present), key=str.casefold)})
