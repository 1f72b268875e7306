"""Bodies from 1 KiB to 1 GiB, in and out of a real server: mebibytes a second, and what its memory grows to.

    python -m benchmarks transfers
    python -m benchmarks transfers --quick --server granian-asgi

The peak is the worker's ``VmHWM`` (Linux) when all of that size are through, sizes ascending: it is flat if a row's
peak is that of the row above.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
import typing as t
from pathlib import Path

from benchmarks.memory import peak
from tests.servers.live import ASGI, WSGI, Live, run

SIZES = (1 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30)
QUICK = SIZES[:4]
PIECE = memoryview(bytes(1 << 20))
BOUNDARY = "----boundary"
OPENING = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="file.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
CLOSING = f"\r\n--{BOUNDARY}--\r\n".encode()
UP = {"form": f"multipart/form-data; boundary={BOUNDARY}", "stream": "application/octet-stream"}


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", choices=[*WSGI, *ASGI])
    parser.add_argument("--quick", action="store_true", help="up to 16 MiB")
    options = parser.parse_args()
    print("| server | what | size | MiB/s, best of 3 | peak MiB |\n|---|---|--:|--:|--:|")
    for name in options.server or [*WSGI, *ASGI]:
        with run(name, "traffic:app", folder=Path(__file__).parent / "apps") as live:
            for what in (*UP, "download"):
                for size in QUICK if options.quick else SIZES:
                    rate = max(transferred(live, what, size) for _ in range(3))
                    most = peak(live, "/")
                    print(f"| {name} | {what} | {size >> 10:,} KiB | {rate:,.0f} | {most:.1f} |", flush=True)


def transferred(live: Live, what: str, size: int) -> float:
    """Send or fetch a body, and return mebibytes a second, from connecting to the end of the answer."""
    began = time.perf_counter()
    with live.connect(timeout=120) as connection:
        if what == "download":
            connection.sendall(head("GET", f"/bytes/{size}"))
            got = received(connection)
        else:
            opening, closing = (OPENING, CLOSING) if what == "form" else (b"", b"")
            length = len(opening) + size + len(closing)
            connection.sendall(head("POST", f"/{what}", f"Content-Type: {UP[what]}", f"Content-Length: {length}"))
            connection.sendall(opening)
            for start in range(0, size, len(PIECE)):
                connection.sendall(PIECE[: min(len(PIECE), size - start)])
            connection.sendall(closing)
            got = answered(connection)
    assert got == size, f"{what}: {got} bytes instead of {size}"
    return size / (time.perf_counter() - began) / (1 << 20)


def head(method: str, target: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "\r\n"]).encode()


def received(connection: socket.socket) -> int:
    """The bytes of the body of an answer, which ends with its connection."""
    buffer = bytearray(1 << 20)
    got = connection.recv_into(buffer)
    total = got - bytes(buffer[:got]).index(b"\r\n\r\n") - 4
    while got := connection.recv_into(buffer):
        total += got
    return total


def answered(connection: socket.socket) -> int:
    """The size that the application counted."""
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    document: t.Any = json.loads(answer.partition(b"\r\n\r\n")[2])
    return int(document["size"])


if __name__ == "__main__":
    main()
