"""A new project in a browser: made, started, clicked through, changed while it runs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

import pytest

from tests.examples.browser import Browser, browser
from tests.servers.process import answers, free_port, has_ended, started, wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterator

KOLBEN = [sys.executable, "-m", "kolben"]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("KOLBEN_", "FLASK_"))}


@contextlib.contextmanager
def running(folder: pathlib.Path, *command: str) -> Iterator[str]:
    """The URL of what a command of the project serves on the port that is put in for ``{port}``."""
    port = free_port()
    filled = [word.format(port=port) for word in command]
    with tempfile.TemporaryFile() as log, started(filled, cwd=folder, env=environment(), stdout=log, stderr=log) as run:
        wait_until(lambda: has_ended(run) or answers(port), 40)
        assert not has_ended(run), os.pread(log.fileno(), 10_000, 0).decode()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def project(tmp_path: pathlib.Path) -> pathlib.Path:
    subprocess.run([*KOLBEN, "new", "demo"], cwd=tmp_path, env=environment(), check=True, capture_output=True)
    return tmp_path / "demo"


SERVERS = {
    "run": [*KOLBEN, "run", "--port", "{port}"],
    "run --debug": [*KOLBEN, "run", "--debug", "--port", "{port}"],
    "serve": [*KOLBEN, "serve", "--workers", "1", "--bind", "127.0.0.1:{port}"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_every_page_of_a_new_project(server: str, page: Browser, project: pathlib.Path) -> None:
    with running(project, *SERVERS[server]) as url:
        page.open(url)
        page.do("DELETE", "cookie")
        page.do("POST", "se/log", type="browser")
        page.open(url)
        page.wait_for_text("Hello, World!")
        page.fill("#name", "Zoë <b>")
        page.click("form.ask button")
        page.wait_for_text("Nice to meet you, Zoë <b>!")
        page.wait_for_text("Hello, Zoë <b>!", "h1")
        page.click("a[href='/about']")
        page.wait_for_text("About")
        page.open(url)
        page.click("form button.quiet")
        page.wait_for_text("Forgotten.")
        assert page.run("return document.styleSheets[0].cssRules.length") > 10
        complaints = [entry["message"] for entry in page.do("POST", "se/log", type="browser")]
        assert complaints == []
        page.open(f"{url}/nowhere")
        page.wait_for_text("found")


def test_a_change_is_seen_at_the_next_look(page: Browser, project: pathlib.Path) -> None:
    views = project / "demo" / "pages.py"
    with running(project, *SERVERS["run --debug"]) as url:
        page.open(f"{url}/health")
        page.wait_for_text("ok")
        views.write_text(views.read_text().replace('"status": "ok"', '"status": "changed"'))

        def look() -> bool:
            page.open(f"{url}/health")
            return "changed" in page.text()

        page.wait(look, "The change does not show")


def test_a_single_file(page: Browser, tmp_path: pathlib.Path) -> None:
    subprocess.run(
        [*KOLBEN, "new", "--minimal", "one"], cwd=tmp_path, env=environment(), check=True, capture_output=True
    )
    with running(tmp_path / "one", *SERVERS["run"]) as url:
        page.open(url)
        page.wait_for_text("Hello, World!", "h1")
        page.open(f"{url}/hello/Ada")
        page.wait_for_text("Ada")
