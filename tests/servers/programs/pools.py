"""A pool of connections that belongs to the event loop it was made on, as those of asyncpg or Redis clients do."""

from __future__ import annotations

import asyncio
import typing as t

from kolben import Kolben, g

app = Kolben(__name__)
pool: Pool | None = None


class Pool:
    """A few connections to a server that answers each line; both live on the loop that :meth:`make` ran on."""

    server: asyncio.Server

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.used = 0

    @classmethod
    async def make(cls, size: int) -> Pool:
        pool = cls()
        pool.server = await asyncio.start_server(answer_lines, "127.0.0.1", 0)
        host, port = pool.server.sockets[0].getsockname()
        for _ in range(size):
            pool.free.put_nowait(await asyncio.open_connection(host, port))
        return pool

    async def ask(self, line: str) -> str:
        """Send a line by one of the connections and return the answer.

        :raises RuntimeError: on another loop.
        """
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError("This pool is attached to a different loop.")
        reader, writer = await self.free.get()
        try:
            self.used += 1
            writer.write(f"{line}\n".encode())
            await writer.drain()
            return (await reader.readline()).decode().strip()
        finally:
            self.free.put_nowait((reader, writer))


async def answer_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        await asyncio.sleep(0.001)
        writer.write(b"answer to " + line)
        await writer.drain()


async def the_pool() -> Pool:
    """The pool, made by the first request that asks."""
    global pool
    if pool is None:
        pool = await Pool.make(2)
    return pool


@app.get("/ask/<line>")
async def ask(line: str) -> dict[str, t.Any]:
    pool = await the_pool()
    return {"answer": await pool.ask(line), "used": pool.used}


@app.get("/ask-in-hooks/<line>")
def ask_in_hooks(line: str) -> dict[str, t.Any]:
    """A sync view between an async hook and an async teardown."""
    return {"answer": g.answer}


@app.get("/ask-in-a-stream/<line>")
def ask_in_a_stream(line: str) -> t.Any:
    async def answers() -> t.AsyncIterator[str]:
        yield '"'  # NOTE: what is sent is JSON.
        for word in line.split("-"):
            yield await (await the_pool()).ask(word) + " "
        yield '"'

    return answers()


@app.before_request
async def ask_before() -> None:
    pool = await the_pool()
    g.answer = await pool.ask("the hook")


@app.teardown_request
async def ask_after(exc: BaseException | None) -> None:
    pool = await the_pool()
    g.answer = await pool.ask("the teardown")
