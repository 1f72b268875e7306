"""Views that take their time, of both kinds, and what a worker says of itself."""

from __future__ import annotations

import asyncio
import os
import time
import typing as t

from kolben import EventStream, Kolben, WebSocket

app = Kolben(__name__)
hoard: list[bytes] = []


@app.route("/")
@app.route("/pid")
def pid() -> dict[str, t.Any]:
    return {"pid": os.getpid(), "draining": app.draining, "version": os.environ.get("VERSION")}


@app.route("/sync/<float:seconds>")
def wait(seconds: float) -> dict[str, t.Any]:
    time.sleep(seconds)
    return {"pid": os.getpid(), "draining": app.draining}


@app.route("/async/<float:seconds>")
async def wait_async(seconds: float) -> dict[str, t.Any]:
    await asyncio.sleep(seconds)
    return {"pid": os.getpid(), "draining": app.draining}


@app.route("/later")
def later() -> dict[str, t.Any]:
    app.add_background_task(write_later)
    return {"pid": os.getpid()}


async def write_later() -> None:
    await asyncio.sleep(1)
    note("background task")


@app.route("/hoard/<int:megabytes>")
def grow(megabytes: int) -> dict[str, t.Any]:
    hoard.append(b"x" * megabytes * 1024 * 1024)
    return {"pid": os.getpid()}


@app.route("/busy")
def spin() -> t.NoReturn:
    while True:
        pass


@app.route("/events")
async def events() -> EventStream:
    async def numbers() -> t.AsyncIterator[int]:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0.05)

    return EventStream(numbers(), farewell="bye")


@app.websocket("/socket")
async def echo(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@app.websocket("/socket/sync")
def echo_sync(ws: t.Any) -> None:
    for message in ws:
        ws.send(message)


@app.websocket("/socket/deaf")
async def deaf(ws: WebSocket) -> None:
    await ws.receive()
    await ws.send("heard")
    await asyncio.sleep(300)


@app.after_serving
def end() -> None:
    note("after_serving")


def note(what: str) -> None:
    if path := os.environ.get("NOTES"):
        with open(path, "a") as notes:
            notes.write(f"{what}\n")
