"""What routing costs, from 10 to 10,000 routes: matching and building must stay flat, set-up linear. And import time.

python benchmarks/routing.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

from kolben.routing import Map, Rule

SIZES = (10, 100, 1_000, 10_000)
FRAMEWORKS = (
    *("kolben", "flask", "quart", "starlette.applications", "fastapi", "litestar", "blacksheep", "falcon", "bottle"),
    # What Kolben and Flask import of Werkzeug in any case.
    "werkzeug",
)


def timed(func: t.Callable[[], t.Any], calls: int = 200, batches: int = 15) -> float:
    """The least time of a call, in microseconds."""
    func()
    best = float("inf")
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(calls):
            func()
        best = min(best, (time.perf_counter() - start) / calls)
    return best * 1e6


def make_map(size: int) -> Map:
    """Routes of the usual shapes: half of them fixed, half with a variable in the middle."""
    rules = []
    for n in range(size // 2):
        rules += [Rule(f"/fixed{n}", endpoint=f"fixed{n}"), Rule(f"/area{n}/<int:number>/edit", endpoint=f"edit{n}")]
    return Map(rules)


def time_to_set_up(size: int) -> float:
    """Seconds of processor time until the first of so many routes was matched."""
    start = time.process_time()
    make_map(size).bind("example.com").match("/fixed0")
    return time.process_time() - start


def measure(size: int) -> dict[str, float]:
    """Microseconds of each operation in a map of so many routes."""
    set_up = min(time_to_set_up(size) for _ in range(3)) / size * 1e6
    url_map = make_map(size)
    adapter = url_map.bind("example.com")
    adapter.match("/fixed0")
    last, middle = size // 2 - 1, size // 4
    match = url_map.matcher.match
    return {
        "set-up a route": set_up,
        "match fixed": timed(lambda: match("", f"/fixed{last}", "GET")),
        "match middle": timed(lambda: match("", f"/area{middle}/7/edit", "GET")),
        "match last": timed(lambda: match("", f"/area{last}/7/edit", "GET")),
        "build": timed(lambda: adapter.build(f"edit{last}", {"number": 7})),
        "build with query": timed(lambda: adapter.build(f"edit{last}", {"number": 7, "page": 2, "sort": "name"})),
    }


def import_times(rounds: int = 9) -> dict[str, list[float]]:
    """Milliseconds of processor time for each import by a fresh interpreter, in turns. All are compiled beforehand."""
    program = "import time; s = time.process_time(); import {}; print((time.process_time() - s) * 1e3)"
    times: dict[str, list[float]] = {module: [] for module in FRAMEWORKS}
    with tempfile.TemporaryDirectory(prefix="bench-") as compiled:
        # NOTE: compiling takes as long as importing, and some environments forbid to keep what it results in.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for number in range(1 + rounds):
            for module in FRAMEWORKS:
                command = [sys.executable, "-c", program.format(module)]
                taken = float(subprocess.check_output(command, env=environment))
                if number > 0:
                    times[module].append(taken)
    return times


def main() -> None:
    results = {size: measure(size) for size in SIZES}
    print(f"| µs | {' | '.join(f'{size:,} routes' for size in SIZES)} |")
    print("|---" * (len(SIZES) + 1) + "|")
    for name in results[SIZES[0]]:
        print(f"| {name} | {' | '.join(f'{results[size][name]:.2f}' for size in SIZES)} |")
    print("\n| import | ms of processor time, least | median |\n|---|--:|--:|")
    for module, times in import_times().items():
        print(f"| {module} | {min(times):.0f} | {statistics.median(times):.0f} |")


if __name__ == "__main__":
    main()
