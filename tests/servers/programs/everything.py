"""All that an application may do, in one: views of both kinds, a WebSocket, events, large uploads and downloads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import time
import typing as t

from kolben import EventStream, Kolben, request, send_file
from kolben.http.websocket import WebSocket
from tests.servers.programs.blocks import block

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

app = Kolben(__name__)
SIZE = int(os.environ["SIZE"])
LIMIT = SIZE + 10_000
file = tempfile.NamedTemporaryFile()  # noqa: SIM115  # lasts as long as the process
for number in range(SIZE >> 20):
    file.write(block(number))
file.flush()


@app.get("/sync")
def sync() -> dict[str, str]:
    return {"kind": "sync"}


@app.get("/async")
async def async_() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"kind": "async"}


@app.websocket("/socket")
async def socket(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@app.get("/events")
def events() -> EventStream:
    def beats() -> Iterator[str]:
        while True:
            yield "beat"
            time.sleep(0.05)

    return EventStream(beats())


@app.get("/events-async")
async def events_async() -> EventStream:
    async def beats() -> AsyncIterator[str]:
        while True:
            yield "beat"
            await asyncio.sleep(0.05)

    return EventStream(beats())


@app.post("/form", max_content_length=LIMIT)
def form() -> dict[str, t.Any]:
    uploaded = request.files["file"]
    return described(iter(lambda: uploaded.stream.read(65536), b""))


@app.post("/body", max_content_length=LIMIT)
async def body() -> dict[str, t.Any]:
    return await digested()


@app.post("/stream", max_content_length=LIMIT, stream_body=True)
async def stream() -> dict[str, t.Any]:
    return await digested()


async def digested() -> dict[str, t.Any]:
    digest, size = hashlib.sha256(), 0
    async for chunk in request.body_chunks():
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


def described(chunks: t.Iterable[bytes]) -> dict[str, t.Any]:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


@app.get("/file")
def download() -> t.Any:
    return send_file(file.name, mimetype="application/octet-stream")


@app.get("/process")
def process() -> dict[str, int]:
    return {"pid": os.getpid()}
