"""What a worker's memory grows to while it receives and sends large bodies, beside everything else at once.

    python -m benchmarks.memory [--mebibytes 200] [--server granian-asgi]

The worker's peak (``VmHWM`` of Linux) is taken idle, after a run with small bodies, and, in a worker of its own, after
one with large bodies. Both runs load the same code and start the same threads: the growth is due to the size.
"""

from __future__ import annotations

import argparse
import time

from tests.servers.live import ASGI, WSGI, Live, run
from tests.servers.mix import Mix

SMALL = 2 << 20


def main() -> None:
    """Print a table in Markdown: a line for each server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=200)
    parser.add_argument("--server", action="append", choices=[*WSGI, *ASGI])
    options = parser.parse_args()
    print("| server | idle MiB | peak with 2 MiB | peak with the large bodies | growth | s | meanwhile |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for name in options.server or [*WSGI, *ASGI]:
        print(measured(name, options.mebibytes << 20), flush=True)


def measured(name: str, size: int) -> str:
    """One line of the table."""
    with run(name, "everything:app", env={"SIZE": str(SMALL)}) as live:
        idle = peak(live)
        Mix(live, SMALL).run()
        small = peak(live)
    with run(name, "everything:app", env={"SIZE": str(size)}) as live:
        mix = Mix(live, size)
        began = time.monotonic()
        mix.run()
        seconds = time.monotonic() - began
        large = peak(live)
    large_ones = ("/form", "/stream", "/file")
    meanwhile = ", ".join(f"{what} {number}" for what, number in sorted(mix.counts.items()) if what not in large_ones)
    return f"| {name} | {idle:.1f} | {small:.1f} | {large:.1f} | {large - small:+.1f} | {seconds:.1f} | {meanwhile} |"


def peak(live: Live, process: str = "/process") -> float:
    """The most mebibytes that the worker has occupied so far; ``process`` is the view that tells its number."""
    with open(f"/proc/{live.get(process)['pid']}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main()
