"""What routing costs, from 10 to 10,000 routes: matching and building must stay flat, set-up linear. And import time.

python benchmarks/routing.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import typing as t

from kolben.routing import Map, Rule

SIZES = (10, 100, 1_000, 10_000)


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


def measure(size: int) -> dict[str, float]:
    """Microseconds of each operation in a map of so many routes."""
    start = time.perf_counter()
    url_map = make_map(size)
    adapter = url_map.bind("example.com")
    adapter.match("/fixed0")
    set_up = (time.perf_counter() - start) / size * 1e6
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


def import_time(module: str) -> float:
    """Milliseconds that a fresh interpreter takes to import a module, the median of nine."""
    program = f"import time; s = time.perf_counter(); import {module}; print((time.perf_counter() - s) * 1e3)"
    times = [float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(9)]
    return statistics.median(times)


def main() -> None:
    results = {size: measure(size) for size in SIZES}
    print(f"| µs | {' | '.join(f'{size:,} routes' for size in SIZES)} |")
    print("|---" * (len(SIZES) + 1) + "|")
    for name in results[SIZES[0]]:
        print(f"| {name} | {' | '.join(f'{results[size][name]:.2f}' for size in SIZES)} |")
    print("\n| import | ms |\n|---|---|")
    for module in ("kolben", "flask", "quart", "starlette.applications", "fastapi", "litestar", "blacksheep", "falcon"):
        print(f"| {module} | {import_time(module):.0f} |")


if __name__ == "__main__":
    main()
