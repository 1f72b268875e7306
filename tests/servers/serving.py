"""``kolben serve`` as tests see it: what it says, its workers, and loads of requests that are counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import typing as t
from collections import Counter
from tempfile import TemporaryFile

from tests.servers.live import PROGRAMS, ROOT, Live
from tests.servers.process import STARTS_WITHIN, free_port, has_ended, started, wait_until

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

_READY = re.compile(r"Worker (\d+) is ready")


class Served(Live):
    """A running ``kolben serve``."""

    @property
    def ready(self) -> list[int]:
        """The workers that have said that they are ready, in order, whatever became of them."""
        return [int(number) for number in _READY.findall(self.log)]

    def signal(self, number: signal.Signals) -> None:
        """Send the server's own process a signal."""
        os.kill(self.process.pid, number)

    def end(self) -> int:
        """Tell it to stop, and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(40)


@contextlib.contextmanager
def serving(
    *options: str,
    app: str = "waiting:app",
    workers: int = 1,
    folder: pathlib.Path = PROGRAMS,
    env: Mapping[str, str] | None = None,
    bind: str | None = None,
) -> Iterator[Served]:
    """Run ``kolben serve`` until the end of the block, which begins when all workers are ready."""
    port = free_port()
    command = [sys.executable, "-m", "kolben", "--app", app, "serve", "--bind", bind or f"127.0.0.1:{port}"]
    command += ["--workers", str(workers), *options]
    with (
        TemporaryFile() as output,
        started(command, cwd=folder, env=environment(env), stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        served = Served("kolben", port, process, output)
        wait_until(lambda: has_ended(process) or len(served.ready) >= workers, STARTS_WITHIN)
        assert not has_ended(process), f"It ended with code {process.returncode}:\n{served.log}"
        yield served


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of a server: this process's, in which the tests can be imported."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}


class Load:
    """Requests over raw connections, and a count of what became of each.

    ``counts`` has status codes, and ``"lost"`` for requests that were sent and not answered, or not in full. A
    connection that could not be made is ``"refused"``: nothing was sent.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.counts: Counter[int | str] = Counter()
        self.pids: Counter[int] = Counter()
        self.in_flight = 0

    async def once(self, target: str) -> None:
        """One request on a connection of its own."""
        connection = await self._connect()
        if connection is not None:
            await self._exchange(connection, target)
            connection[1].close()

    async def keep_on(self, target: str, is_over: Callable[[], bool]) -> None:
        """One request after the other, each on the connection of the one before, as long as that lasts."""
        connection = None
        while not is_over():
            connection = connection or await self._connect()
            if connection is None:
                await asyncio.sleep(0.05)
            elif not await self._exchange(connection, target):
                connection[1].close()
                connection = None
        if connection is not None:
            connection[1].close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            self.counts["refused"] += 1
            return None

    async def _exchange(self, connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], target: str) -> bool:
        """Send a request and receive its answer. Returns whether the connection may be used again."""
        reader, writer = connection
        self.in_flight += 1
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None, head
            body = await reader.readexactly(int(length[1]))
        except (OSError, asyncio.IncompleteReadError):
            self.counts["lost"] += 1
            return False
        finally:
            self.in_flight -= 1
        self.counts[int(head.split()[1])] += 1
        if pid := re.search(rb'"pid": ?(\d+)', body):
            self.pids[int(pid[1])] += 1
        return b"\r\nconnection: close" not in head


def run_load(port: int, work: Callable[[Load], Awaitable[None]]) -> Load:
    """Have a load do something, and return it."""

    async def main() -> Load:
        load = Load(port)
        await work(load)
        return load

    return asyncio.run(main())
