"""How fast one large file of a ``multipart/form-data`` body is read, fed in chunks of 64 KiB, and in how much memory.

The file goes to a sink that does nothing, and to a file on a memory disk. What is measured is the form reader that
requests use, without a server; the chunks are prepared, one mebibyte of them, over and over.

    python benchmarks/multipart_rate.py
    python benchmarks/multipart_rate.py --size 256 --rounds 9
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

CHUNK = 64 * 1024
BOUNDARY = "----FormBoundary7MA4YWxkTrZu0gW"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
CONTENTS: dict[str, t.Callable[[int], bytes]] = {
    "random": os.urandom,
    "text": lambda size: (b"The quick brown fox jumps over the lazy dog.\r\n" * (size // 46 + 1))[:size],
    "line breaks": lambda size: (b"\r\n" * (size // 2 + 1))[:size],
}


class NullSink(io.RawIOBase):
    """A file that forgets what is written."""

    def writable(self) -> bool:
        return True

    def write(self, data: t.Any) -> int:
        return len(data)

    def seek(self, position: int, whence: int = 0) -> int:
        return position


def chunks(content: bytes, mebibytes: int) -> Iterator[bytes]:
    """The body, in the pieces that a server hands over."""
    pieces = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    yield HEAD
    for _ in range(mebibytes):
        yield from pieces
    yield TAIL


def read(content: bytes, mebibytes: int, folder: str | None) -> float:
    """Seconds that reading the whole form takes."""
    from kolben.http.forms import MultipartReader

    def make_sink(**kwargs: t.Any) -> t.Any:
        return NullSink() if folder is None else open(Path(folder, f"bench-multipart-{os.getpid()}"), "wb+", 0)

    reader = MultipartReader(f"multipart/form-data; boundary={BOUNDARY}", stream_factory=make_sink)
    feed = reader.feed
    start = time.perf_counter()
    for chunk in chunks(content, mebibytes):
        feed(chunk)
    _, files = reader.finish()
    elapsed = time.perf_counter() - start
    files["file"].close()
    if folder is not None:
        path = Path(folder, f"bench-multipart-{os.getpid()}")
        assert path.stat().st_size == mebibytes << 20
        path.unlink()
    return elapsed


def measure(name: str, mebibytes: int, folder: str | None, rounds: int) -> str:
    """A line of the table, measured in this process: the best rate, and how much its memory grew meanwhile."""
    content = CONTENTS[name](1 << 20)
    read(content, 1, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = min(read(content, mebibytes, folder) for _ in range(rounds))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rate = (mebibytes << 20) / best / 1e9
    return f"| {name} | {'null' if folder is None else folder} | {rate:.2f} | +{grown:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default="/dev/shm", help="on a memory disk")
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        name, folder = options.only
        print(measure(name, options.size, folder or None, options.rounds), flush=True)
        return
    print("| content | sink | GB/s | memory, MiB |\n|---|---|--:|--:|", flush=True)
    for name in CONTENTS:
        for folder in ("", options.folder):
            # NOTE: a process each, for the peak of a process's memory never falls.
            arguments = ["--size", str(options.size), "--rounds", str(options.rounds), "--only", name, folder]
            subprocess.run([sys.executable, __file__, *arguments], check=True)


if __name__ == "__main__":
    main()
