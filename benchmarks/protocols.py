"""What `kolben serve --protocol auto` is chosen by: one application by its two protocols, under wrk.

    python -m benchmarks protocols --rounds 5 --seconds 3

One worker on the first core, wrk on the second, the ways taking turns. Beside them, Granian's own WSGI side, which
loses parts of requests and is no choice. Needs wrk, and Linux to bind processes to cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import typing as t
from pathlib import Path

from servers import free_port, listens, on_core

from kolben import Kolben, request

if t.TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
_KOLBEN = ("kolben", "--app", "protocols:app", "serve", "--workers", "1", "--bind", "127.0.0.1:{port}", "--protocol")
_GRANIAN = ("granian", "--interface", "wsgi", "--no-log", "--workers", "1", "--port", "{port}")
WAYS = {
    "ASGI": (*_KOLBEN, "asgi"),
    "WSGI, the gateway": (*_KOLBEN, "wsgi"),
    "Granian's WSGI, 1 thread": (*_GRANIAN, "--blocking-threads", "1", "protocols:app"),
    "Granian's WSGI, 64 threads": (*_GRANIAN, "--blocking-threads", "64", "protocols:app"),
}
TARGETS = {
    "sync view": "/",
    "async view": "/async",
    "sync view, blocking=False": "/loop",
    "sync view, 1 kB posted": "/",
}
CONNECTIONS = 32

app = Kolben(__name__)


@app.route("/", methods=["GET", "POST"])
def sync() -> str:
    return f"Hello, {len(request.get_data())}!" if request.method == "POST" else "Hello, World!"


@app.route("/async")
async def asynchronous() -> str:
    return "Hello, World!"


@app.route("/loop", blocking=False)
def on_the_loop() -> str:
    return "Hello, World!"


@contextlib.contextmanager
def served(way: str) -> Iterator[int]:
    """The port of a server in a process group of its own."""
    port = free_port()
    program, *arguments = (part.format(port=port) for part in WAYS[way])
    command = [*on_core(0), str(Path(sys.executable).with_name(program)), *arguments]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=env, cwd=HERE, start_new_session=True, **quiet) as process:
        try:
            if not listens(port, process):
                sys.exit(f"{' '.join(command)} does not start.")
            yield port
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def load(port: int, what: str, seconds: int, script: Path) -> float:
    """Requests a second that wrk has answered."""
    script.write_text('wrk.method = "POST"\nwrk.body = string.rep("x", 1024)\n' if "posted" in what else "")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    command.append(f"http://127.0.0.1:{port}{TARGETS[what]}")
    output = subprocess.run([*on_core(1), *command], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert rate is not None, output
    assert "Non-2xx" not in output, output
    return float(rate[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: on Debian, 'apt-get install wrk'.")
    import tempfile

    rates: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "wrk.lua")
        for _ in range(options.rounds):
            for way in WAYS:
                with served(way) as port:
                    load(port, "sync view", 1, script)
                    for what in TARGETS:
                        rates.setdefault((what, way), []).append(load(port, what, options.seconds, script))
    print(f"| requests/s, best (median) | {' | '.join(WAYS)} |\n|---|{'--:|' * len(WAYS)}")
    for what in TARGETS:
        cells = [f"{max(rates[what, way]):,.0f} ({statistics.median(rates[what, way]):,.0f})" for way in WAYS]
        print(f"| {what} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
