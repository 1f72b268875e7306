"""Many connections at once: WebSocket echo, one message to a thousand WebSockets, ten thousand silent event streams.

    python -m benchmarks connections
    python -m benchmarks connections --sockets 100 --streams 1000 --server uvicorn

The limit of open files must allow one for each connection, here and in the server (``ulimit -n``).
"""

from __future__ import annotations

import argparse
import base64
import os
import resource
import socket
import time
import typing as t
from pathlib import Path

from tests.servers.live import ASGI, Live, run

MESSAGE = b"m" * 100
OPTIONS = {"granian-asgi": ("--backpressure", "20000")}
"""What a server needs to hold so many connections: Granian has at most 1,024 by default."""


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", choices=ASGI)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=10_000)
    options = parser.parse_args()
    allow_files(max(options.sockets, options.streams) + 200)
    print("| server | echoes/s, 1 socket | echoes/s, 50 sockets | deliveries/s | KiB a WebSocket | KiB a stream |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in options.server or ASGI:
        with run(name, "traffic:app", *OPTIONS.get(name, ()), folder=Path(__file__).parent / "apps") as live:
            cells = [echo(live, 1), echo(live, 50), *fan_out(live, options.sockets)]
        with run(name, "traffic:app", *OPTIONS.get(name, ()), folder=Path(__file__).parent / "apps") as live:
            cells.append(idle_streams(live, options.streams))
        print(f"| {name} | {' | '.join(f'{cell:,.1f}' for cell in cells)} |", flush=True)


def allow_files(number: int) -> None:
    """Raise this process's soft limit of open files, which the server inherits, as far as needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


def echo(live: Live, sockets: int, seconds: float = 3.0) -> float:
    """Messages a second that come back, with one under way on each socket."""
    connections = [opened(live, "/echo") for _ in range(sockets)]
    answer = frame_from_server(MESSAGE)
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        for connection in connections:
            connection.sendall(FRAME)
        for connection in connections:
            assert exactly(connection, len(answer)) == answer
        count += sockets
    close(connections)
    return count / seconds


def fan_out(live: Live, sockets: int, rounds: int = 20) -> tuple[float, float]:
    """Deliveries a second where one says something and all hear it; and the KiB of memory that each socket costs."""
    before = resident(live)
    connections = [opened(live, "/hall") for _ in range(sockets)]
    while live.get("/")["sockets"] < sockets:
        time.sleep(0.05)
    cost = (resident(live) - before) / sockets
    size = len(frame_from_server(MESSAGE))
    began = time.perf_counter()
    for _ in range(rounds):
        connections[0].sendall(FRAME)
        for connection in connections:
            exactly(connection, size)
    rate = rounds * sockets / (time.perf_counter() - began)
    close(connections)
    return rate, cost


def idle_streams(live: Live, streams: int) -> float:
    """The KiB of the worker's memory that an event stream costs in which nothing happens."""
    connections = [listening(live) for _ in range(50)]
    before = resident(live)
    connections += [listening(live) for _ in range(streams)]
    cost = (resident(live) - before) / streams
    assert live.get("/")["pid"]
    close(connections)
    return cost


def listening(live: Live) -> socket.socket:
    """A connection on which the first event came."""
    connection = live.send("/events")
    got = b""
    while b"hello" not in got:
        got += connection.recv(4096)
    return connection


def resident(live: Live) -> float:
    """KiB of the worker's memory that are occupied now."""
    with open(f"/proc/{live.get('/')['pid']}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return float(fields["VmRSS"].split()[0])


def opened(live: Live, target: str) -> socket.socket:
    """A WebSocket after its handshake (RFC 6455, 4.1)."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    connection = live.send(target, head=lines)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(1)
    assert got.startswith(b"HTTP/1.1 101"), got
    return connection


def frame_from_server(payload: bytes) -> bytes:
    """A text message (RFC 6455, 5.2), unmasked as servers send it; of at most 125 bytes."""
    return bytes([0x81, len(payload)]) + payload


FRAME = bytes([0x81, 0x80 | len(MESSAGE)]) + bytes(4) + MESSAGE
"""The same as a client sends it: masked, here with zeros."""


def exactly(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        assert piece, "The server closed the connection."
        got += piece
    return got


def close(connections: t.Iterable[socket.socket]) -> None:
    for connection in connections:
        connection.close()


if __name__ == "__main__":
    main()
