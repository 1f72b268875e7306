"""``kolben check`` reports findings and tells by its exit code whether there are any."""

from __future__ import annotations

import json
import os
import typing as t

import pytest

from kolben import Kolben
from kolben.cli import KolbenGroup

if t.TYPE_CHECKING:
    from click.testing import CliRunner, Result

    from tests.cli.conftest import Command, Project

SOUND: dict[str, t.Any] = {"SECRET_KEY": "5f1d0c9a7be24836", "TRUSTED_HOSTS": ["example.org"]}


def check(runner: CliRunner, args: list[str] | None = None, **settings: t.Any) -> Result:
    def create_app() -> Kolben:
        app = Kolben("site", static_folder=None)
        app.config.update(SOUND | settings)
        return app

    return runner.invoke(KolbenGroup(create_app=create_app), ["check", *(args or [])])


def test_nothing_to_report(runner: CliRunner) -> None:
    result = check(runner)

    assert (result.exit_code, result.output) == (0, "Nothing found that would be unsafe or broken in production.\n")


def test_an_error_fails(runner: CliRunner) -> None:
    result = check(runner, SECRET_KEY="short")

    assert result.exit_code == 1
    assert result.output.startswith("error: SECRET_KEY is short, 5 characters.")
    assert "[secret-key]\n    Make one with " in result.output
    assert result.output.endswith("Found 1 error, 0 warnings.\n")


@pytest.mark.parametrize(("args", "code"), [([], 0), (["--strict"], 1)])
def test_a_warning_fails_where_asked(args: list[str], code: int, runner: CliRunner) -> None:
    result = check(runner, args, TRUSTED_HOSTS=None)

    assert result.exit_code == code
    assert result.output.endswith("Found 0 errors, 1 warning.\n")


def test_a_check_can_be_left_out(runner: CliRunner) -> None:
    assert check(runner, ["--strict", "--ignore", "secret-key", "--ignore", "hosts"], SECRET_KEY=None).exit_code == 0
    assert check(runner, ["--ignore", "no-such-check"]).exit_code == 2


def test_findings_as_json(runner: CliRunner) -> None:
    result = check(runner, ["--json"], TRUSTED_HOSTS=["*"])

    assert result.exit_code == 1
    (found,) = json.loads(result.output)
    assert found["check"] == "hosts"
    assert found["level"] == "error"
    assert found["problem"].startswith("TRUSTED_HOSTS has '*'")
    assert found["fix"]
    assert (found["file"], found["line"]) == (None, None)


def test_debug_mode_of_the_application_itself_is_seen(runner: CliRunner) -> None:
    assert "error: Debug mode is on." in check(runner, DEBUG=True).output


def test_debug_mode_of_the_environment_is_seen(runner: CliRunner) -> None:
    os.environ["KOLBEN_DEBUG"] = "1"

    assert "error: Debug mode is on." in check(runner).output


def test_a_real_check(project: Project, kolben: Command) -> None:
    project(
        {
            "app.py": "from kolben import Kolben\napp = Kolben(__name__)\napp.secret_key = 'dev'\n",
            "templates/page.html": "{% block %}",
        }
    )

    done = kolben("check")

    assert done.returncode == 1
    assert "error: SECRET_KEY is short, 3 characters." in done.stdout
    assert "\ntemplates/page.html:1: error: In line 1 of the template 'page.html': TemplateSyntaxError" in done.stdout
    assert done.stdout.endswith("Found 2 errors, 1 warning.\n")
    assert done.stderr == ""
