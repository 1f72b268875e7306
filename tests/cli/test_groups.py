"""Groups give their commands the application's context; ``KolbenGroup`` has those of plug-ins and application too."""

from __future__ import annotations

import os
import sys
import typing as t
from importlib.metadata import EntryPoint
from types import ModuleType

import click
import pytest

from kolben import Blueprint, Kolben, current_app
from kolben.cli import AppGroup, KolbenGroup, ScriptInfo, cli

if t.TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.cli.conftest import Project


@click.command("greet")
def greet_command() -> None:
    click.echo("greetings from a plug-in")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[EntryPoint]]:
    """Entry points by group, which take the place of the installed ones."""
    points: dict[str, list[EntryPoint]] = {}
    monkeypatch.setattr("kolben.cli.groups.metadata.entry_points", lambda group: points.get(group, []))
    return points


def test_commands_and_groups_have_the_context(runner: CliRunner) -> None:
    group = AppGroup("site")

    @group.command("direct")
    def direct() -> None:
        click.echo(current_app.name)

    @group.command
    def bare() -> None:
        click.echo(current_app.name)

    @group.group("inner")
    def inner() -> None:
        pass

    @inner.command("nested")
    def nested() -> None:
        click.echo(current_app.name)

    for args in (["direct"], ["bare"], ["inner", "nested"]):
        result = runner.invoke(group, args, obj=ScriptInfo(create_app=lambda: Kolben("site")))
        assert result.output == "site\n"


def test_a_command_may_do_without_the_context(runner: CliRunner) -> None:
    group = AppGroup("site")

    @group.command("show", with_appcontext=False)
    def show() -> None:
        click.echo(bool(current_app))

    assert runner.invoke(group, ["show"]).output == "False\n"


def test_the_application_brings_commands(app: Kolben, runner: CliRunner) -> None:
    @app.cli.command("create-user")
    @click.argument("name", callback=lambda ctx, param, value: f"{value} of {current_app.name}")
    def create_user(name: str) -> None:
        click.echo(name)

    group = KolbenGroup(create_app=lambda: app)

    assert runner.invoke(group, ["create-user", "ada"]).output == "ada of tests.app\n"
    assert "create-user" in runner.invoke(group, ["--help"]).output


def test_blueprints_bring_commands(app: Kolben, runner: CliRunner) -> None:
    named, merged, renamed = (
        Blueprint("named", "site"),
        Blueprint("merged", "site", cli_group=None),
        Blueprint("a", "site"),
    )
    for blueprint in (named, merged, renamed):
        blueprint.cli.command(f"{blueprint.name}-show")(lambda: click.echo(current_app.name))
    app.register_blueprint(named)
    app.register_blueprint(merged)
    app.register_blueprint(renamed, cli_group="other")
    group = KolbenGroup(create_app=lambda: app)

    for args in (["named", "named-show"], ["merged-show"], ["other", "a-show"]):
        assert runner.invoke(group, args).output == "tests.app\n"


def test_a_built_in_command_needs_no_application(runner: CliRunner, project: Project) -> None:
    project({"app.py": "1 / 0"})

    result = runner.invoke(KolbenGroup(), ["run", "--help"])

    assert result.exit_code == 0
    assert "ZeroDivisionError" not in result.output


def test_commands_that_flask_has_not_yield_to_those_of_the_application(app: Kolben, runner: CliRunner) -> None:
    for name in ("check", "run"):
        app.cli.command(name)(lambda: click.echo("the application's"))
    group = KolbenGroup(create_app=lambda: app)

    assert runner.invoke(group, ["check"]).output == "the application's\n"
    assert "Run a local development server." in runner.invoke(group, ["run", "--help"]).output


def test_help_survives_an_application_that_cannot_be_loaded(runner: CliRunner) -> None:
    def create_app() -> Kolben:
        raise RuntimeError("oh no")

    result = runner.invoke(KolbenGroup(create_app=create_app), ["--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert "RuntimeError: oh no" in result.stderr


@pytest.mark.parametrize(("args", "code"), [(["--help"], 0), (["missing"], 2), ([], 2)])
def test_a_missing_application_is_said(args: list[str], code: int, runner: CliRunner, project: Project) -> None:
    project({})

    result = runner.invoke(cli, args)

    assert result.exit_code == code
    assert "Could not locate a Kolben application" in result.stderr


@pytest.mark.parametrize("name", ["KOLBEN_APP", "FLASK_APP"])
@pytest.mark.parametrize("args", [["--help"], []])
def test_help_lists_commands_of_the_application_in_the_environment(
    name: str, args: list[str], runner: CliRunner, project: Project
) -> None:
    project({"env_site.py": "from kolben import Kolben\nsite = Kolben('s')\nsite.cli.command('greet')(lambda: None)\n"})
    os.environ[name] = "env_site"

    assert "greet" in runner.invoke(cli, args).output


def test_debug_is_set_before_a_factory_runs(runner: CliRunner) -> None:
    def create_app() -> Kolben:
        app = Kolben("site")
        app.cli.command("show")(lambda: click.echo(f"{os.environ['KOLBEN_DEBUG']} {current_app.debug}"))
        return app

    assert runner.invoke(KolbenGroup(create_app=create_app), ["--debug", "show"]).output == "1 True\n"
    assert runner.invoke(KolbenGroup(create_app=create_app), ["--no-debug", "show"]).output == "0 False\n"


def test_the_environment_says_that_a_command_runs(runner: CliRunner, app: Kolben) -> None:
    app.cli.command("show")(lambda: click.echo(os.environ["KOLBEN_RUN_FROM_CLI"]))

    assert runner.invoke(KolbenGroup(create_app=lambda: app), ["show"]).output == "true\n"


def test_a_group_may_stand_in_another(app: Kolben, runner: CliRunner) -> None:
    outer = click.Group("outer", commands={"site": KolbenGroup(create_app=lambda: app)})
    app.cli.command("show")(lambda: click.echo(current_app.name))

    assert runner.invoke(outer, ["site", "show"]).output == "tests.app\n"


def test_the_function_of_a_group_and_its_settings_are_kept(app: Kolben, runner: CliRunner) -> None:
    settings = {"auto_envvar_prefix": "SITE"}

    @click.group(cls=KolbenGroup, create_app=lambda: app, context_settings=settings)
    @click.option("--tag", default="none")
    def group(tag: str) -> None:
        click.echo(tag)

    @group.command("show")
    def show() -> None:
        click.echo(current_app.name)

    os.environ["SITE_TAG"] = "from the environment"
    assert runner.invoke(group, ["show"]).output == "from the environment\ntests.app\n"
    assert settings == {"auto_envvar_prefix": "SITE"}


def test_plugins_bring_commands(runner: CliRunner, app: Kolben, plugins: dict[str, list[EntryPoint]]) -> None:
    plugins["kolben.commands"] = [EntryPoint("greet", f"{__name__}:greet_command", "kolben.commands")]
    plugins["flask.commands"] = [EntryPoint("other", f"{__name__}:greet_command", "flask.commands")]
    group = KolbenGroup(create_app=lambda: app)

    assert runner.invoke(group, ["greet"]).output == "greetings from a plug-in\n"
    assert runner.invoke(group, ["other"]).exit_code == 2


def test_the_groups_of_entry_points_are_an_attribute(
    runner: CliRunner, app: Kolben, plugins: dict[str, list[EntryPoint]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins["flask.commands"] = [EntryPoint("other", f"{__name__}:greet_command", "flask.commands")]
    monkeypatch.setattr(KolbenGroup, "entry_point_groups", ("kolben.commands", "flask.commands"))

    assert runner.invoke(KolbenGroup(create_app=lambda: app), ["other"]).output == "greetings from a plug-in\n"


def test_plugins_for_flask_count_under_the_alias(
    runner: CliRunner, app: Kolben, plugins: dict[str, list[EntryPoint]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins["flask.commands"] = [EntryPoint("other", f"{__name__}:greet_command", "flask.commands")]
    monkeypatch.setitem(sys.modules, "kolben.as_flask", ModuleType("kolben.as_flask"))

    result = runner.invoke(KolbenGroup(create_app=lambda: app), ["--as-flask", "other"])

    assert result.output == "greetings from a plug-in\n"


def test_a_broken_plugin_takes_no_other_command_away(
    runner: CliRunner, app: Kolben, plugins: dict[str, list[EntryPoint]]
) -> None:
    plugins["kolben.commands"] = [EntryPoint("broken", "no_such_plugin:command", "kolben.commands")]

    result = runner.invoke(KolbenGroup(create_app=lambda: app), ["routes"])

    assert result.exit_code == 0
    assert "'broken' (no_such_plugin:command) could not be loaded" in result.stderr
    assert "No module named 'no_such_plugin'" in result.stderr
