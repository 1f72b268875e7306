"""What it costs to verify and to write a signed session, beside Flask, whose cookies are the same.

Both read each other's cookies first, or nothing is measured. The two take turns; the least of all rounds counts.

    python benchmarks/sessions.py
"""

from __future__ import annotations

import argparse
import timeit
import typing as t

import flask
from kinds import SECRET

import kolben

SESSIONS: dict[str, dict[str, t.Any]] = {
    "one number": {"count": 7},
    "a login": {
        "_fresh": True,
        "_id": "0f9a" * 32,
        "_user_id": "17",
        "csrf_token": "41b7e2c0d9" * 4,
        "_flashes": [("message", "Saved.")],
    },
    "a cart of 50": {"cart": [{"id": n * 37, "name": f"Object {n}", "amount": n % 3} for n in range(50)]},
}


def application(module: t.Any, cls: t.Any, content: dict[str, t.Any]) -> t.Any:
    app = cls(__name__)
    app.secret_key = SECRET

    @app.route("/")
    def touch() -> str:
        module.session["count"] = module.session.get("count", 0) + 1
        return ""

    return app


class Side:
    """One of the two frameworks, with a session."""

    def __init__(self, module: t.Any, cls: t.Any, content: dict[str, t.Any]) -> None:
        self.app = application(module, cls, content)
        with self.app.app_context():
            self.serializer = self.app.session_interface.get_signing_serializer(self.app)
        self.cookie = self.serializer.dumps(content)
        self.environ = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "example.com",
            "HTTP_COOKIE": f"session={self.cookie}",
            "wsgi.url_scheme": "http",
        }

    def verify(self) -> None:
        self.serializer.loads(self.cookie, max_age=2678400)

    def sign(self, content: dict[str, t.Any]) -> None:
        self.serializer.dumps(content)

    def answer(self) -> None:
        for _ in self.app(self.environ.copy(), _ignore):
            pass


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: t.Any = None) -> None:
    pass


def best(jobs: dict[str, t.Callable[[], None]], rounds: int, number: int) -> dict[str, float]:
    """Microseconds of each job."""
    least: dict[str, float] = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            once = timeit.timeit(job, number=number) / number * 1e6
            least[name] = min(once, least.get(name, once))
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--number", type=int, default=1000, help="of calls in a round")
    options = parser.parse_args()
    print("| session | cookie, bytes | work | kolben, µs | flask, µs | flask ÷ kolben |\n|---|--:|---|--:|--:|--:|")
    for name, content in SESSIONS.items():
        mine, theirs = Side(kolben, kolben.Kolben, content), Side(flask, flask.Flask, content)
        with mine.app.app_context(), theirs.app.app_context():
            assert mine.serializer.loads(theirs.cookie, max_age=60) == theirs.serializer.loads(mine.cookie, max_age=60)
            jobs: dict[str, tuple[t.Callable[[], None], t.Callable[[], None]]] = {
                "verified": (mine.verify, theirs.verify),
                "signed": (lambda m=mine, c=content: m.sign(c), lambda s=theirs, c=content: s.sign(c)),
            }
            times = {work: best({"k": k, "f": f}, options.rounds, options.number) for work, (k, f) in jobs.items()}
        times["a request that does both"] = best({"k": mine.answer, "f": theirs.answer}, options.rounds, options.number)
        for work, least in times.items():
            size = f"{len(mine.cookie)} / {len(theirs.cookie)}"
            print(f"| {name} | {size} | {work} | {least['k']:.1f} | {least['f']:.1f} | {least['f'] / least['k']:.1f} |")


if __name__ == "__main__":
    main()
