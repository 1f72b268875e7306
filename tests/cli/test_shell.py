"""The shell runs in the application's context, with the names that the application gives it."""

from __future__ import annotations

import sys
import typing as t

import pytest

from kolben.cli import shell_command

if t.TYPE_CHECKING:
    from tests.cli.conftest import Command, Project


SITE = """
from kolben import Kolben
site = Kolben(__name__)

@site.shell_context_processor
def names():
    return {"answer": 42}
"""


@pytest.fixture
def session(app: t.Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, t.Any]:
    """What the shell was entered with."""
    entered: dict[str, t.Any] = {}
    monkeypatch.setattr("code.interact", lambda banner, local: entered.update(banner=banner, names=local))
    monkeypatch.setattr(sys, "__interactivehook__", lambda: entered.update(hooked=True), raising=False)
    app.shell_context_processor(lambda: {"answer": 42})
    return entered


def enter(app: t.Any) -> None:
    with app.app_context():
        shell_command.main([], standalone_mode=False)


def test_the_shell_knows_the_application(app: t.Any, session: dict[str, t.Any]) -> None:
    enter(app)

    assert session["names"]["app"] is app
    assert session["names"]["answer"] == 42
    assert f"App: {app.import_name}" in session["banner"]
    assert f"Instance: {app.instance_path}" in session["banner"]


def test_history_and_completion_are_set_up(app: t.Any, session: dict[str, t.Any]) -> None:
    readline = pytest.importorskip("readline")
    before = readline.get_completer()
    try:
        enter(app)
        assert readline.get_completer()("answ", 0) == "answer"
    finally:
        readline.set_completer(before)
    assert session["hooked"]


def test_the_startup_file_is_run(
    app: t.Any, session: dict[str, t.Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({"startup.py": "started = True\nanswer = 'overwritten by the application'\n"})
    monkeypatch.setenv("PYTHONSTARTUP", str(root / "startup.py"))

    enter(app)

    assert session["names"]["started"] is True
    assert session["names"]["answer"] == 42


def test_a_real_session(project: Project, kolben: Command) -> None:
    project({"app.py": SITE})

    done = kolben("shell", stdin="from kolben import current_app\nprint(app.import_name, answer, current_app.name)\n")

    assert done.returncode == 0
    assert "app 42 app" in done.stdout
