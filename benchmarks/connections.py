"""Many connections at once: WebSocket echo, one message to a thousand WebSockets, ten thousand silent event streams.

    python -m benchmarks connections
    python -m benchmarks connections --sockets 100 --streams 1000 --server uvicorn

Where there are two cores, the server has the first, and the clients the second. Rates are the best of three. Beside
Kolben stands a bare ASGI callable that does the same: its costs are those of the server. The limit of open files must
allow one for each connection, here and in the server (``ulimit -n``).
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import resource
import socket
import time
import typing as t
from pathlib import Path

from tests.servers.live import ASGI, Live, run

FOLDER = Path(__file__).parent / "apps"
APPS = {"kolben": "traffic", "bare": "traffic_bare"}
TITLES = """\
| server | application | echoes/s, 1 socket | echoes/s, 50 sockets | deliveries/s | KiB a WebSocket | KiB a stream |
|---|---|--:|--:|--:|--:|--:|"""
REPEATS = 3
MESSAGE = b"m" * 100
OPTIONS = {"granian-asgi": ("--backpressure", "20000")}
ENVIRONMENT = {"KOLBEN_SERVE_BACKPRESSURE": "20000"}
"""What a server needs to hold so many connections: by default Granian has at most 1,024, ``kolben serve`` 8,192."""


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", choices=ASGI)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=10_000)
    options = parser.parse_args()
    allow_files(max(options.sockets, options.streams) + 200)
    print(TITLES)
    for name in options.server or ASGI:
        for app in ("kolben",) if name.startswith("kolben") else ("kolben", "bare"):
            with holding_many(name, app) as live:
                echoes = [echo(live, 1), echo(live, 50)]
                deliveries, of_socket = fan_out(live, options.sockets)
            with holding_many(name, app) as live:
                of_stream = idle_streams(live, options.streams)
            rates = " | ".join(f"{rate:,.0f}" for rate in (*echoes, deliveries))
            print(f"| {name} | {app} | {rates} | {of_socket:.1f} | {of_stream:.1f} |", flush=True)


@contextlib.contextmanager
def holding_many(name: str, app: str) -> t.Iterator[Live]:
    """Run a server that holds all connections of a row at once."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        with run(name, f"{APPS[app]}:app", *OPTIONS.get(name, ()), folder=FOLDER, env=ENVIRONMENT) as live:
            os.sched_setaffinity(0, cores[1:] or cores)
            yield live
    finally:
        os.sched_setaffinity(0, cores)


def allow_files(number: int) -> None:
    """Raise this process's soft limit of open files, which the server inherits, as far as needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


def echo(live: Live, sockets: int, seconds: float = 1.0) -> float:
    """Messages a second that come back, with one under way on each socket."""
    connections = [opened(live, "/echo") for _ in range(sockets)]
    answer = frame_from_server(MESSAGE)

    def rate() -> float:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for connection in connections:
                connection.sendall(FRAME)
            for connection in connections:
                assert exactly(connection, len(answer)) == answer
            count += sockets
        return count / (time.perf_counter() - began)

    best = max(rate() for _ in range(REPEATS))
    close(connections)
    return best


def fan_out(live: Live, sockets: int, messages: int = 20) -> tuple[float, float]:
    """Deliveries a second where one says something and all hear it; and the KiB of memory that each socket costs."""
    before = resident(live)
    connections = [opened(live, "/hall") for _ in range(sockets)]
    while live.get("/")["sockets"] < sockets:
        time.sleep(0.05)
    cost = (resident(live) - before) / sockets
    size = len(frame_from_server(MESSAGE))

    def rate() -> float:
        began = time.perf_counter()
        for _ in range(messages):
            connections[0].sendall(FRAME)
            for connection in connections:
                exactly(connection, size)
        return messages * sockets / (time.perf_counter() - began)

    best = max(rate() for _ in range(REPEATS))
    close(connections)
    return best, cost


def idle_streams(live: Live, streams: int) -> float:
    """The KiB of the worker's memory that an event stream costs in which nothing happens."""
    connections = [listening(live, number) for number in range(50)]
    before = resident(live)
    connections += [listening(live, number) for number in range(50, 50 + streams)]
    cost = (resident(live) - before) / streams
    assert live.get("/")["pid"]
    close(connections)
    return cost


def listening(live: Live, others: int) -> socket.socket:
    """A connection on which the first event came.

    :raises AssertionError: it did not come, beside so many other streams.
    """
    connection = live.send("/events")
    got = b""
    while b"hello" not in got:
        try:
            piece = connection.recv(4096)
        except TimeoutError:
            raise AssertionError(f"{live.name} holds {others} streams, and leaves a further one waiting.") from None
        assert piece, f"{live.name} closed a stream beside {others} others:\n{live.log}"
        got += piece
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
