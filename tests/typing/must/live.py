"""WebSockets and server-sent events."""

import typing as t
from collections.abc import AsyncIterator, Iterator

from kolben import Event, EventStream, Kolben, WebSocket, WebSocketClosed, request, websocket

app = Kolben(__name__)


@app.websocket("/echo")
async def echo(ws: WebSocket) -> None:
    async for message in ws:
        t.assert_type(message, str | bytes)
        await ws.send(message)
    await ws.close(1000, "bye")


@app.websocket("/global")
async def through_the_proxy() -> None:
    try:
        question = await websocket.receive_json()
        await websocket.send_json({"answer": question})
    except WebSocketClosed as closed:
        t.assert_type(closed.code, int)


@app.websocket("/refuse")
async def refuse() -> tuple[str, int] | None:
    return None if request.args.get("token") else ("Who are you?", 401)


@app.before_websocket
async def check() -> None:
    pass


@app.get("/news")
async def news() -> EventStream:
    async def events() -> AsyncIterator[Event | str | dict[str, int]]:
        yield "Hello"
        yield {"count": 1}
        yield Event("Hello", event="greeting", id="1", retry=1000)

    return EventStream(events())


@app.get("/news-sync")
def news_sync() -> EventStream:
    def events() -> Iterator[str]:
        yield "Hello"

    return EventStream(events())
