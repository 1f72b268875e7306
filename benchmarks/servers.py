"""Whole servers under wrk: requests a second, each framework on the server that suits it best.

    python -m benchmarks servers --quick
    python -m benchmarks servers --kind "plain text" --framework kolben --framework bare

One process serves, on a core of its own where there are two; wrk has another. The contestants take turns: in each round
every server is started anew, asked a second to warm up, then measured. Needs wrk, and Linux to bind processes to cores.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from drivers import prepared_headers
from kinds import KINDS, Kind, static_folder

if t.TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SERVED_KINDS = ("plain text", "int among 200", "json", "query", "form", "template", "session untouched", "404")
CONNECTIONS = 32
STARTS_WITHIN = 20.0

COMMANDS = {
    "granian-wsgi": "granian --interface wsgi --no-log --workers 1 --blocking-threads 1 --host 127.0.0.1 --port {port}",
    "granian-asgi": "granian --interface asgi --no-log --workers 1 --host 127.0.0.1 --port {port}",
    "gunicorn": "gunicorn --worker-class gthread --threads 4 --keep-alive 60 --log-level error --bind 127.0.0.1:{port}",
    "uvicorn": "uvicorn --no-access-log --log-level error --loop uvloop --http httptools --port {port}",
    "kolben-serve": "kolben --app served:app serve --workers 1 --bind 127.0.0.1:{port}",
}
"""The servers. The application is named at the end, except to Kolben's."""

CONTESTANTS = {
    "wsgi": {
        "bare": ("granian-wsgi",),
        "kolben": ("granian-wsgi", "kolben-serve"),
        "falcon": ("granian-wsgi", "gunicorn"),
        "bottle": ("granian-wsgi",),
        "flask": ("granian-wsgi", "gunicorn"),
    },
    "asgi": {
        "bare": ("granian-asgi", "uvicorn"),
        "kolben": ("granian-asgi", "uvicorn", "kolben-serve"),
        "blacksheep": ("granian-asgi", "uvicorn"),
        "falcon": ("granian-asgi", "uvicorn"),
        "starlette": ("granian-asgi", "uvicorn"),
        "litestar": ("granian-asgi", "uvicorn"),
        "fastapi": ("granian-asgi", "uvicorn"),
        "quart": ("granian-asgi",),
    },
}


class Contestant(t.NamedTuple):
    """A framework on a server."""

    protocol: str
    framework: str
    server: str


def measured(contestant: Contestant, kind: Kind, seconds: float, script: Path) -> float | None:
    """Requests a second; ``None`` where the framework has no answer of its own, or fails."""
    with served(contestant, kind) as port:
        if port is None or not answers_well(port, kind):
            return None
        load(port, kind, min(1.0, seconds), script)
        return load(port, kind, seconds, script)


@contextlib.contextmanager
def served(contestant: Contestant, kind: Kind) -> Iterator[int | None]:
    """The port of a server in a process group of its own, on the first core; ``None`` if it did not start."""
    port = free_port()
    program, *arguments = COMMANDS[contestant.server].format(port=port).split()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    if program != "kolben":
        command.append("served:app")
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "BENCH_FRAMEWORK": contestant.framework,
        "BENCH_PROTOCOL": contestant.protocol,
        "BENCH_KIND": kind.name,
    }
    with subprocess.Popen(
        [*on_core(0), *command],
        env=environment,
        cwd=HERE,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield port if listens(port, process) else None
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def on_core(number: int) -> list[str]:
    """What a command is prefixed with to be bound to a core, if there are two."""
    return ["taskset", "--cpu-list", str(number)] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else []


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        time.sleep(0.05)
    return False


def headers_of(port: int, kind: Kind) -> list[tuple[str, str]]:
    """The headers of the request; a session's cookie is fetched first."""
    headers = [(name, value) for name, value in prepared_headers(kind, None) if name not in {"Host", "Content-Length"}]
    if kind.prepare == "session":
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", KINDS["session"].path)
        cookie = connection.getresponse().getheader("set-cookie", "")
        headers.append(("Cookie", cookie.partition(";")[0]))
        connection.close()
    return headers


def answers_well(port: int, kind: Kind) -> bool:
    """Whether what is measured is what was asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    target = kind.path + (f"?{kind.query}" if kind.query else "")
    connection.request(kind.method, target, kind.body or None, dict(headers_of(port, kind)))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status == kind.status and kind.contains in body


def load(port: int, kind: Kind, seconds: float, script: Path) -> float:
    """Let wrk ask for so many seconds, and return the requests a second that were answered."""
    lines = [f"wrk.method = {lua(kind.method)}"]
    lines += [f"wrk.headers[{lua(name)}] = {lua(value)}" for name, value in headers_of(port, kind)]
    if kind.body:
        lines.append(f"wrk.body = {lua(kind.body.decode())}")
    script.write_text("\n".join(lines))
    target = kind.path + (f"?{kind.query}" if kind.query else "")
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds:g}s",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}{target}",
    ]
    output = subprocess.run([*on_core(1), *command], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert rate is not None, output
    return float(rate[1])


def lua(text: str) -> str:
    return '"' + "".join(c if c.isalnum() else f"\\{ord(c):03d}" for c in text) + '"'


class Table:
    """The rates of each contestant for each kind."""

    def __init__(self) -> None:
        self._rates: dict[str, dict[Contestant, list[float]]] = {}

    def add(self, kind: str, contestant: Contestant, rate: float | None) -> None:
        if rate is not None:
            self._rates.setdefault(kind, {}).setdefault(contestant, []).append(rate)

    def markdown(self, protocol: str) -> str:
        """Best and median rate; each framework's best server, and Kolben beside the bare callable on the same one."""
        lines = ["| request | framework | server | requests/s, best (median) | Kolben ÷ it |", "|---|---|---|--:|--:|"]
        for kind, rates in self._rates.items():
            best = {c: max(values) for c, values in rates.items() if c.protocol == protocol}
            own = {c.server: rate for c, rate in best.items() if c.framework == "kolben"}
            for contestant, rate in sorted(best.items(), key=lambda item: -item[1]):
                against = own.get(contestant.server) or max(own.values(), default=0)
                median = statistics.median(rates[contestant])
                lines.append(
                    f"| {kind} | {contestant.framework} | {contestant.server} | {rate:,.0f} ({median:,.0f}) |"
                    f" {against / rate:.2f} |"
                )
        return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=("wsgi", "asgi"), action="append")
    parser.add_argument("--kind", choices=tuple(KINDS), action="append", metavar="KIND")
    parser.add_argument("--framework", action="append", help="these only")
    parser.add_argument("--server", action="append", choices=tuple(COMMANDS), help="these only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one round, a second each, plain text")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: on Debian, 'apt-get install wrk'.")
    if options.quick:
        options.rounds, options.seconds, options.kind = 1, 1.0, options.kind or ["plain text"]
    static_folder()
    contestants = [
        Contestant(protocol, framework, server)
        for protocol in options.protocol or CONTESTANTS
        for framework, servers in CONTESTANTS[protocol].items()
        for server in servers
        if framework in (options.framework or [framework]) and server in (options.server or [server])
    ]
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            for kind in options.kind or SERVED_KINDS:
                for contestant in contestants:
                    table.add(
                        kind, contestant, measured(contestant, KINDS[kind], options.seconds, Path(folder, "wrk.lua"))
                    )
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    for protocol in options.protocol or CONTESTANTS:
        print(f"\n### {protocol.upper()}\n\n{table.markdown(protocol)}")


if __name__ == "__main__":
    main()
