"""What ``transfers`` and ``connections`` ask: bodies of any size both ways, sockets, and events that never come."""

from __future__ import annotations

import asyncio
import os
import typing as t

from kolben import EventStream, Kolben, Response, request
from kolben.http.websocket import WebSocket

app = Kolben(__name__)
app.config["MAX_CONTENT_LENGTH"] = 2 << 30
PIECE = bytes(65536)
sockets: set[WebSocket] = set()


@app.get("/")
def process() -> dict[str, int]:
    return {"pid": os.getpid(), "sockets": len(sockets)}


@app.post("/form")
def form() -> dict[str, int]:
    return {"size": request.files["file"].stream.seek(0, os.SEEK_END)}


@app.post("/stream", stream_body=True)
async def stream() -> dict[str, int]:
    return {"size": sum([len(chunk) async for chunk in request.body_chunks()])}


@app.get("/bytes/<int:size>")
async def pieces(size: int) -> Response:
    async def body() -> t.AsyncIterator[bytes]:
        for _ in range(size // len(PIECE)):
            yield PIECE
        yield PIECE[: size % len(PIECE)]

    return Response(body(), headers={"Content-Length": str(size)})


@app.websocket("/echo")
async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@app.websocket("/hall")
async def hall(ws: WebSocket) -> None:
    """Who says something is heard by everybody."""
    sockets.add(ws)
    try:
        async for message in ws:
            await asyncio.gather(*[other.send(message) for other in sockets])
    finally:
        sockets.discard(ws)


@app.get("/events")
async def events() -> EventStream:
    async def silence() -> t.AsyncIterator[str]:
        yield "hello"
        await asyncio.get_running_loop().create_future()

    return EventStream(silence(), heartbeat=None)
