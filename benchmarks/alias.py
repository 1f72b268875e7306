"""What the alias costs: the two programs of the README as Kolben's own, and as Flask's under ``kolben.as_flask``.

``python -m benchmarks.alias``. Each number comes from a process of its own; the two take turns, and the least of the
rounds counts. WSGI, in-process, without a socket.
"""

from __future__ import annotations

import subprocess
import sys

ROUNDS = 7
PROGRAM = """
import io, sys, timeit
if sys.argv[1] == "alias":
    import kolben.as_flask
    from flask import Flask, request, render_template
else:
    from kolben import Flask, request, render_template
from wsgiref.util import setup_testing_defaults

hello = Flask("hello")
@hello.route("/")
def hello_world():
    return "Hello, World!"

form = Flask("form")
@form.route("/", methods=["GET", "POST"])
def index():
    if request.method == "POST":
        name = request.form.get("name")
        return f"Hello, {name}!"
    return render_template("index.html")

environ = {"PATH_INFO": "/"}
setup_testing_defaults(environ)
posted = {**environ, "REQUEST_METHOD": "POST", "CONTENT_LENGTH": "8"}
posted["CONTENT_TYPE"] = "application/x-www-form-urlencoded"

def start_response(status, headers, exc_info=None):
    assert status == "200 OK", status

def greet():
    hello(dict(environ), start_response)

def answer():
    form({**posted, "wsgi.input": io.BytesIO(b"name=Bob")}, start_response)

for function in (greet, answer):
    function()
    print(min(timeit.repeat(function, number=2000, repeat=5)) / 2000 * 1e6)
"""


def measure(mode: str) -> list[float]:
    """Microseconds a request of the two programs."""
    command = [sys.executable, "-c", PROGRAM, mode]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line) for line in output.split()]


def main() -> None:
    """Print a table."""
    least = {"native": [float("inf")] * 2, "alias": [float("inf")] * 2}
    for _ in range(ROUNDS):
        for mode, numbers in least.items():
            least[mode] = [min(pair) for pair in zip(numbers, measure(mode), strict=True)]
    print("| program | native, µs | alias, µs | alias ÷ native |\n|---|--:|--:|--:|")
    for name, native, alias in zip(("hello", "form"), least["native"], least["alias"], strict=True):
        print(f"| {name} | {native:.1f} | {alias:.1f} | {alias / native:.2f} |")


if __name__ == "__main__":
    main()
