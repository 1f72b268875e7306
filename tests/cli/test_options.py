"""The options of the command itself: which application, which environment, which mode."""

from __future__ import annotations

import os
import platform
import sys
import typing as t
from importlib import metadata

import click
import pytest

from kolben import Kolben, current_app
from kolben.cli import KolbenGroup, cli

if t.TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.cli.conftest import Project


SITE = "from kolben import Kolben\nsite = Kolben('site')\n"


def group_that_shows(*names: str) -> KolbenGroup:
    group = KolbenGroup(create_app=lambda: Kolben("site"))
    group.command("show")(lambda: click.echo(" ".join(os.environ.get(name, "-") for name in names)))
    return group


def test_versions(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["--version"])

    assert result.output.splitlines() == [
        f"Python {platform.python_version()}",
        f"Kolben {metadata.version('kolben')}",
        f"Werkzeug {metadata.version('werkzeug')}",
        f"Granian {metadata.version('granian')}",
    ]


def test_the_application_may_be_named(runner: CliRunner, project: Project) -> None:
    project({"named_site.py": SITE + "site.cli.command('show')(lambda: print(site.import_name))\n"})

    for args in (["--app", "named_site", "show"], ["-A", "named_site:site", "show"]):
        assert runner.invoke(cli, args).output == "site\n"


@pytest.mark.parametrize("name", ["KOLBEN_APP", "FLASK_APP"])
def test_the_option_wins_over_the_environment(name: str, runner: CliRunner, project: Project) -> None:
    project({"named_site.py": SITE + "site.cli.command('show')(lambda: print(site.import_name))\n"})
    os.environ[name] = "no_such_site"

    assert runner.invoke(cli, ["--app", "named_site", "show"]).output == "site\n"


def test_an_env_file_wins_over_the_default_files(runner: CliRunner, project: Project) -> None:
    project({".env": "SITE_A=env\nSITE_B=env\n", "own.env": "SITE_B=own\n"})

    assert runner.invoke(group_that_shows("SITE_A", "SITE_B"), ["-e", "own.env", "show"]).output == "env own\n"


def test_an_env_file_may_name_the_application(runner: CliRunner, project: Project) -> None:
    project(
        {
            "named_site.py": SITE + "site.cli.command('show')(lambda: print(site.import_name))\n",
            "own.env": "KOLBEN_APP=named_site",
        }
    )

    assert runner.invoke(cli, ["-e", "own.env", "show"]).output == "site\n"


@pytest.mark.parametrize("name", ["KOLBEN_SKIP_DOTENV", "FLASK_SKIP_DOTENV"])
def test_the_default_files_can_be_skipped(name: str, runner: CliRunner, project: Project) -> None:
    project({".env": "SITE_A=env\n"})
    os.environ[name] = "1"

    assert runner.invoke(group_that_shows("SITE_A"), ["show"]).output == "-\n"


def test_an_env_file_needs_python_dotenv(runner: CliRunner, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project({"own.env": ""})
    monkeypatch.setitem(sys.modules, "dotenv", None)

    result = runner.invoke(cli, ["-e", "own.env", "routes"])

    assert result.exit_code == 2
    assert "python-dotenv must be installed" in result.stderr


@pytest.mark.parametrize("name", ["KOLBEN_DEBUG", "FLASK_DEBUG"])
def test_debug_mode_comes_from_the_environment(name: str, runner: CliRunner) -> None:
    group = KolbenGroup(create_app=lambda: Kolben("site"))
    group.command("show")(lambda: click.echo(current_app.debug))

    os.environ[name] = "1"
    assert runner.invoke(group, ["show"]).output == "True\n"
    assert runner.invoke(group, ["--no-debug", "show"]).output == "False\n"


def test_the_alias_is_passed_on_by_the_environment(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    monkeypatch.setattr("kolben.cli.script.import_module", entered.append)

    result = runner.invoke(group_that_shows("KOLBEN_AS_FLASK"), ["--as-flask", "show"])

    assert result.output == "1\n"
    assert set(entered) == {"kolben.as_flask"}


def test_under_the_alias_commands_have_the_variables_of_flask(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kolben.cli.script.import_module", lambda name: None)
    group = KolbenGroup(create_app=lambda: Kolben("site"))
    group.command("show")(click.option("--word")(lambda word: click.echo(word)))
    os.environ.update(FLASK_SHOW_WORD="hello", KOLBEN_AS_FLASK="1")

    assert runner.invoke(group, ["show"]).output == "hello\n"


def test_without_the_option_there_is_no_alias(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolben.cli.script.import_module", lambda name: pytest.fail(name))

    assert runner.invoke(group_that_shows("KOLBEN_AS_FLASK"), ["show"]).output == "-\n"
