"""What one request costs inside the process: Kolben and its peers, kind by kind, in microseconds.

Each framework has a process that imports it once; each measurement is made in a fresh fork of that. The frameworks take
turns within every kind, so that what the machine does meanwhile falls on all of them.

    python benchmarks/inprocess.py --quick
    python benchmarks/inprocess.py --protocol asgi --kind json --kind query --rounds 9
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import typing as t

from drivers import time_asgi, time_wsgi
from kinds import KINDS, static_folder

FRAMEWORKS = {
    "wsgi": ("kolben", "bare", "flask", "falcon", "bottle"),
    "asgi": ("kolben", "bare", "quart", "starlette", "fastapi", "litestar", "blacksheep", "falcon"),
}
NOT_THEIRS = {
    ("apps.on_bare", "404"),
    ("apps.on_bare", "405"),
    ("apps.on_blacksheep", "405"),  # it answers 404
}
LONGEST = 20
"""Seconds after which a measurement is given up."""
MODELS = {"wsgi": "flask", "asgi": "quart"}
"""The framework whose application source Kolben runs."""


def serve(protocol: str, framework: str, seconds: float) -> None:
    """Answer each line of the standard input, the name of a kind, with a line of JSON, from a fork."""
    module = importlib.import_module(f"apps.on_{framework}")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST)
            print(json.dumps(measure(module, protocol, line.strip(), seconds)), flush=True)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(json.dumps(f"{line.strip()}: ended without an answer"), flush=True)


def measure(module: t.Any, protocol: str, name: str, seconds: float) -> dict[str, float] | str | None:
    """The times of a kind; ``None`` if the framework has no answer of its own, text if it fails."""
    kind = KINDS[name]
    if (module.__name__, name) in NOT_THEIRS:
        return None
    try:
        app = getattr(module, protocol)(kind.app or kind.name)
        if app is None:
            return None
        if protocol == "wsgi":
            return time_wsgi(app, kind, seconds)
        return asyncio.run(time_asgi(app, kind, seconds))
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"


class Worker:
    """The process of one framework under one protocol."""

    def __init__(self, protocol: str, framework: str, seconds: float) -> None:
        command = [sys.executable, __file__, "--serve", protocol, framework, "--seconds", str(seconds)]
        # NOTE: Bottle's uploads are files with names, which a fork that is not torn down leaves behind.
        self._temporary = tempfile.TemporaryDirectory(prefix="bench-")
        environment = {**os.environ, "TMPDIR": self._temporary.name}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, kind: str) -> t.Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(kind + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline() or '"no answer"')

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self._temporary.cleanup()


class Row:
    """One kind under one protocol: the times of each framework."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.minima: dict[str, list[float]] = {}
        self.medians: dict[str, list[float]] = {}

    def add(self, framework: str, result: t.Any) -> None:
        if isinstance(result, dict):
            self.minima.setdefault(framework, []).append(result["min"])
            self.medians.setdefault(framework, []).append(result["median"])
        elif isinstance(result, str):
            print(f"{framework}: {result}", file=sys.stderr)

    def least(self) -> dict[str, float]:
        return {framework: min(values) for framework, values in self.minima.items()}

    def median(self) -> dict[str, float]:
        return {framework: statistics.median(values) for framework, values in self.medians.items()}

    def ratio(self, protocol: str, against: str | None = None) -> float | None:
        """How many times Kolben's minimum the fastest peer's is, or that of the one named."""
        times = self.least()
        own = times.pop("kolben", None)
        times.pop("bare", None)
        if own is None or not times or (against is not None and against not in times):
            return None
        return (times[against] if against else min(times.values())) / own


def run(protocol: str, kinds: list[str], frameworks: tuple[str, ...], rounds: int, seconds: float) -> list[Row]:
    """Measure; one row a kind."""
    workers = {framework: Worker(protocol, framework, seconds) for framework in frameworks}
    rows = [Row(kind) for kind in kinds]
    for _ in range(rounds):
        for row in rows:
            for framework, worker in workers.items():
                row.add(framework, worker.ask(row.kind))
    for worker in workers.values():
        worker.end()
    return rows


def report(protocol: str, frameworks: tuple[str, ...], rows: list[Row]) -> str:
    """The table in Markdown: minimum and, behind a slash, median."""
    model = MODELS[protocol]
    lines = [
        f"| {protocol.upper()} | {' | '.join(frameworks)} | fastest peer ÷ Kolben | {model} ÷ Kolben |",
        "|---" * (len(frameworks) + 3) + "|",
    ]
    for row in rows:
        least, median = row.least(), row.median()
        cells = [f"{least[name]:.1f} / {median[name]:.1f}" if name in least else "–" for name in frameworks]
        ratios = [row.ratio(protocol), row.ratio(protocol, model)]
        cells += ["–" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
        lines.append(f"| {row.kind} | {' | '.join(cells)} |")
    for label, against in (("the fastest peer", None), (model, model)):
        ratios = [ratio for row in rows if (ratio := row.ratio(protocol, against)) is not None]
        if ratios:
            lines.append(
                f"\nMedian of the ratios to {label}: {statistics.median(ratios):.2f}; least: {min(ratios):.2f}."
            )
    return "\n".join(lines)


def versions() -> str:
    """What was measured, on what."""
    names = ["Flask", "Quart", "Starlette", "FastAPI", "Litestar", "BlackSheep", "Falcon", "Bottle"]
    names += ["Werkzeug", "Jinja2", "msgspec", "pydantic", "python-multipart"]
    pinned = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; {pinned}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=("wsgi", "asgi"), action="append")
    parser.add_argument("--kind", choices=tuple(KINDS), action="append", metavar="KIND")
    parser.add_argument("--framework", action="append", help="these only, and kolben")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve, options.seconds)
        return
    if options.quick:
        options.rounds, options.seconds = 1, 0.08
    static_folder()
    print(versions(), flush=True)
    for protocol in options.protocol or ("wsgi", "asgi"):
        chosen = options.framework
        frameworks = tuple(n for n in FRAMEWORKS[protocol] if chosen is None or n in {"kolben", *chosen})
        kinds = options.kind or list(KINDS)
        rows = run(protocol, kinds, frameworks, options.rounds, options.seconds)
        print(f"\n{report(protocol, frameworks, rows)}", flush=True)


if __name__ == "__main__":
    main()
