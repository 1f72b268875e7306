"""The development server is started with what the options say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
import urllib.request

import pytest

from kolben import Kolben
from kolben.cli import KolbenGroup, show_server_banner

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import CliRunner

    from tests.cli.conftest import Project


SITE = """
from kolben import Kolben
app = Kolben(__name__)

@app.route("/")
def hello():
    return "Hello, World!"

app.run()
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, t.Any]]:
    """The calls of the server, which is not started."""
    calls: list[dict[str, t.Any]] = []
    monkeypatch.setattr(
        "werkzeug.serving.run_simple",
        lambda host, port, app, **options: calls.append({"host": host, "port": port, "app": app, **options}),
    )
    return calls


def test_the_defaults_are_for_this_machine_only(server: list[dict[str, t.Any]], app: Kolben, runner: CliRunner) -> None:
    result = runner.invoke(KolbenGroup(create_app=lambda: app), ["run"])

    assert result.exit_code == 0
    assert server == [
        {
            "host": "127.0.0.1",
            "port": 5000,
            "app": app,
            "use_reloader": False,
            "use_debugger": False,
            "threaded": True,
            "ssl_context": None,
            "extra_files": None,
            "exclude_patterns": None,
        }
    ]


@pytest.mark.parametrize("args", [["--debug", "run"], ["run", "--debug"]])
def test_debug_mode_reloads_and_debugs(
    args: list[str], server: list[dict[str, t.Any]], app: Kolben, runner: CliRunner
) -> None:
    result = runner.invoke(KolbenGroup(create_app=lambda: app), args)

    assert (server[0]["use_reloader"], server[0]["use_debugger"]) == (True, True)
    assert "Debug mode: on" in result.output


def test_options_win_over_debug_mode(server: list[dict[str, t.Any]], app: Kolben, runner: CliRunner) -> None:
    runner.invoke(KolbenGroup(create_app=lambda: app), ["run", "--debug", "--no-reload", "--no-debugger"])

    assert (server[0]["use_reloader"], server[0]["use_debugger"]) == (False, False)


def test_options_come_from_the_environment(server: list[dict[str, t.Any]], app: Kolben, runner: CliRunner) -> None:
    os.environ.update(FLASK_RUN_PORT="8001", KOLBEN_RUN_HOST="0.0.0.0", KOLBEN_RUN_RELOAD="1")

    runner.invoke(KolbenGroup(create_app=lambda: app), ["run"])

    assert (server[0]["host"], server[0]["port"], server[0]["use_reloader"]) == ("0.0.0.0", 8001, True)


def test_an_application_that_cannot_be_loaded_ends_the_command(
    server: list[dict[str, t.Any]], runner: CliRunner
) -> None:
    def create_app() -> Kolben:
        raise RuntimeError("oh no")

    result = runner.invoke(KolbenGroup(create_app=create_app), ["run"])

    assert str(result.exception) == "oh no"
    assert server == []


def test_the_banner_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    show_server_banner(False, "site:app")
    assert capsys.readouterr().out == " * Serving Kolben app 'site:app'\n * Debug mode: off\n"
    show_server_banner(True, None)
    assert capsys.readouterr().out == " * Debug mode: on\n"

    os.environ["WERKZEUG_RUN_MAIN"] = "true"
    show_server_banner(True, "site:app")
    assert capsys.readouterr().out == ""


@pytest.fixture
def served(project: Project) -> Iterator[str]:
    """The address of an application that ``kolben run`` serves; its file calls ``app.run()`` too."""
    project({"app.py": SITE})
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "kolben", "run", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                yield match[1]
                break
        else:
            pytest.fail("the server did not start")
    finally:
        # NOTE: not SIGINT, which a process that a shell started in the background ignores, and hands down.
        process.terminate()
        process.wait(10)
        process.stderr.close()


def test_a_real_server_answers(served: str) -> None:
    with urllib.request.urlopen(served, timeout=10) as response:
        assert response.read() == b"Hello, World!"
