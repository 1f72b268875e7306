"""What grows with the size of an application: hooks, templates, memory. (Routes: ``routing``; bodies: ``transfers``.)

python -m benchmarks scaling
python -m benchmarks scaling --quick
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import subprocess
import sys
import typing as t

from drivers import time_asgi, time_wsgi
from jinja2 import DictLoader
from kinds import KINDS, Kind

from kolben import Kolben, render_template

HOOKS = (0, 1, 2, 5, 10)
ITEMS = (0, 10, 100, 1000)
DEPTHS = (0, 1, 3, 5)
ROUTES = (10, 100, 1_000, 10_000)


def with_hooks(count: int, is_async: bool, hooks_async: bool) -> Kolben:
    """A view with so many functions before and after it, and for teardown, of one kind or the other."""
    app = Kolben(__name__)

    def before() -> None:
        pass

    async def before_async() -> None:
        pass

    def after(response: t.Any) -> t.Any:
        return response

    async def after_async(response: t.Any) -> t.Any:
        return response

    def teardown(exc: BaseException | None) -> None:
        pass

    async def teardown_async(exc: BaseException | None) -> None:
        pass

    for _ in range(count):
        app.before_request(before_async if hooks_async else before)
        app.after_request(after_async if hooks_async else after)
        app.teardown_request(teardown_async if hooks_async else teardown)

    if is_async:

        @app.get("/")
        async def hello_async() -> str:
            return "Hello, World!"

    else:

        @app.get("/")
        def hello() -> str:
            return "Hello, World!"

    return app


def with_template(depth: int, items: int) -> Kolben:
    """A page that inherits from so many others, with a list of so many items."""
    app = Kolben(__name__)
    pages = {"0.html": "<ul>{% block body %}{% for item in items %}<li>{{ item }}</li>{% endfor %}{% endblock %}</ul>"}
    for number in range(1, depth + 1):
        pages[f"{number}.html"] = f'{{% extends "{number - 1}.html" %}}' + "{% block body %}{{ super() }}{% endblock %}"
    app.jinja_env.loader = DictLoader(pages)
    values = [f"Item <{number}>" for number in range(items)]

    @app.get("/")
    def page() -> str:
        return render_template(f"{depth}.html", items=values)

    return app


MEMORY = """
import gc, sys
from kolben import Kolben
def resident():
    gc.collect()
    with open("/proc/self/status") as status:
        return int(dict(line.split(":", 1) for line in status)["VmRSS"].split()[0])
count = int(sys.argv[1])
app = Kolben("app")
app.test_client().get("/")
before = resident()
app = Kolben("app")
for n in range(count):
    app.add_url_rule(f"/area{n}/<int:number>/edit", f"edit{n}", lambda number: "")
app.test_client().get("/area0/7/edit")
print((resident() - before) / count)
"""


def memory(routes: int) -> float:
    """KiB that a route costs, its view and its plan included, in a process of its own (Linux)."""
    return float(subprocess.check_output([sys.executable, "-c", MEMORY, str(routes)]))


def least(app: Kolben, protocol: str, seconds: float) -> float:
    """Microseconds that a request costs."""
    kind: Kind = dataclasses.replace(KINDS["plain text"], contains=b"")
    if protocol == "wsgi":
        return time_wsgi(app, kind, seconds)["min"]
    return asyncio.run(time_asgi(app, kind, seconds))["min"]


def table(title: str, heads: t.Iterable[t.Any], rows: dict[str, list[float]]) -> str:
    heads = [str(head) for head in heads]
    lines = [f"| {title} | {' | '.join(heads)} |", "|---" + "|--:" * len(heads) + "|"]
    lines += [f"| {name} | {' | '.join(f'{cell:.1f}' for cell in cells)} |" for name, cells in rows.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="0.05 seconds each, and fewer routes")
    options = parser.parse_args()
    seconds = 0.05 if options.quick else options.seconds
    rows = {
        "WSGI, all sync": [least(with_hooks(n, is_async=False, hooks_async=False), "wsgi", seconds) for n in HOOKS],
        "ASGI, all async": [least(with_hooks(n, is_async=True, hooks_async=True), "asgi", seconds) for n in HOOKS],
        "ASGI, sync functions, async view": [
            least(with_hooks(n, is_async=True, hooks_async=False), "asgi", seconds) for n in HOOKS
        ],
    }
    print(table("µs; functions before, after, teardown", HOOKS, rows))
    rows = {f"{depth} parents": [least(with_template(depth, n), "wsgi", seconds) for n in ITEMS] for depth in DEPTHS}
    print(table("µs, template, WSGI; items", ITEMS, rows))
    sizes = ROUTES[:3] if options.quick else ROUTES
    print(table("KiB a route; routes", sizes, {"memory": [memory(size) for size in sizes]}))


if __name__ == "__main__":
    main()
