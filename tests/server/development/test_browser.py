"""From `kolben new` to the console of an error page, in a browser."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest

from tests.examples.browser import Browser, browser
from tests.server.development.developing import Server, developing

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ENTER = "\ue007"
OWN = "details.frame.own"

FAILING = """

@bp.get("/sync/<name>")
def fail_sync(name):
    letters = list(name)
    return letters[99]


@bp.get("/async/<name>")
async def fail_async(name):
    letters = list(name)
    return letters[99]
"""


@pytest.fixture
def demo(tmp_path: pathlib.Path) -> Iterator[Server]:
    new = [sys.executable, "-m", "kolben", "new", "demo"]
    subprocess.run(new, cwd=tmp_path, check=True, capture_output=True)
    with developing(tmp_path / "demo", {}, ["-m", "kolben", "run", "--debug", "--port", "0"]) as site:
        yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


def test_a_new_project_is_changed_broken_debugged_and_mended(demo: Server, chromium: Browser) -> None:
    url = f"http://127.0.0.1:{demo.port}"
    pages = (demo.folder / "demo/pages.py").read_text()
    template = (demo.folder / "demo/templates/pages/about.html").read_text()

    chromium.open(f"{url}/")
    chromium.fill("[name=name]", "Ada" + ENTER)
    chromium.wait_for_text("Nice to meet you, Ada!")

    demo.write("demo/templates/pages/about.html", template.replace("{% endblock %}", "Written anew.{% endblock %}"))
    chromium.open(f"{url}/about")
    chromium.wait_for_text("Written anew.")

    demo.write("demo/pages.py", pages + "\ndef broken(:\n")
    demo.get_until("SyntaxError")
    chromium.open(f"{url}/")
    chromium.wait_for_text("SyntaxError", "h1")
    assert "pages.py" in chromium.text()

    demo.write("demo/pages.py", pages + FAILING)
    demo.get_until("IndexError", "/sync/apple")
    chromium.open(demo.wait_for(r"\* Debugger: (\S+)")[1])
    for kind in ("sync", "async"):
        chromium.open(f"{url}/{kind}/apple")
        chromium.wait_for_text("IndexError", "h1")
        chromium.click(f"{OWN} .open-console")
        chromium.fill(f"{OWN} textarea", "name + str(len(letters))" + ENTER)
        chromium.wait_for_text("'apple5'", f"{OWN} .log")

    demo.write("demo/pages.py", pages + FAILING.replace("letters[99]", "name.title()"))
    demo.get_until("Apple", "/sync/apple")
    chromium.open(f"{url}/async/apple")
    assert chromium.text() == "Apple"
