"""A script knows its application, and commands run in its context."""

from __future__ import annotations

import asyncio
import os
import sys
import typing as t
from types import ModuleType

import click
import pytest

from kolben import Kolben, current_app
from kolben.cli import NoAppException, ScriptInfo, pass_script_info, with_appcontext

if t.TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.cli.conftest import Project


def test_the_application_is_loaded_once() -> None:
    made: list[Kolben] = []

    def create_app() -> Kolben:
        made.append(Kolben("site"))
        return made[-1]

    info = ScriptInfo(create_app=create_app)

    assert info.load_app() is info.load_app()
    assert len(made) == 1


def test_the_application_is_loaded_by_its_path(project: Project) -> None:
    project({"script_site.py": "from kolben import Kolben\nsite = Kolben('found')\n"})

    assert ScriptInfo("script_site:site").load_app().import_name == "found"


def test_no_application_names_the_ways_to_give_one(project: Project) -> None:
    project({})

    with pytest.raises(NoAppException, match=r"'kolben --app'.*'KOLBEN_APP'.*'FLASK_APP'.*'wsgi.py' or 'app.py'"):
        ScriptInfo().load_app()


@pytest.mark.parametrize("set_debug_flag", [True, False])
def test_debug_is_set_from_the_environment(set_debug_flag: bool) -> None:
    os.environ["KOLBEN_DEBUG"] = "1"

    def create_app() -> Kolben:
        app = Kolben("site")
        app.debug = False
        return app

    info = ScriptInfo(create_app=create_app, set_debug_flag=set_debug_flag)

    assert info.load_app().debug is set_debug_flag
    assert info.own_debug is False


def test_the_alias_is_entered_before_the_application_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ["KOLBEN_AS_FLASK"] = "1"
    # A module that is None cannot be imported: the error shows that it was asked for.
    monkeypatch.setitem(sys.modules, "kolben.as_flask", None)

    with pytest.raises(ModuleNotFoundError, match=r"kolben\.as_flask"):
        ScriptInfo(create_app=lambda: pytest.fail("loaded too early")).load_app()
    monkeypatch.setitem(sys.modules, "kolben.as_flask", ModuleType("kolben.as_flask"))
    assert ScriptInfo(create_app=lambda: Kolben("site")).load_app().name == "site"


def test_a_command_runs_in_the_application_context(runner: CliRunner) -> None:
    @click.command()
    @click.option("--times", type=int)
    @with_appcontext
    def show(times: int) -> None:
        click.echo(current_app.name * times)

    result = runner.invoke(show, ["--times", "2"], obj=ScriptInfo(create_app=lambda: Kolben("site")))

    assert (result.exit_code, result.output) == (0, "sitesite\n")
    assert not current_app


def test_a_command_may_be_async(runner: CliRunner) -> None:
    @click.command()
    @click.argument("word")
    @with_appcontext
    async def show(word: str) -> None:
        await asyncio.sleep(0)
        click.echo(f"{word} {current_app.name}")

    result = runner.invoke(show, ["hello"], obj=ScriptInfo(create_app=lambda: Kolben("site")))

    assert result.output == "hello site\n"


def test_the_context_outlives_the_function_of_a_group(runner: CliRunner) -> None:
    @click.group()
    @with_appcontext
    def parent() -> None:
        pass

    @parent.command()
    def child() -> None:
        click.echo(current_app.name)

    result = runner.invoke(parent, ["child"], obj=ScriptInfo(create_app=lambda: Kolben("site")))

    assert result.output == "site\n"


def test_teardown_runs_when_the_command_ends(runner: CliRunner) -> None:
    app = Kolben("site")
    app.teardown_appcontext(lambda exc: click.echo("torn down"))

    @click.command()
    @with_appcontext
    def show() -> None:
        click.echo("run")

    assert runner.invoke(show, obj=ScriptInfo(create_app=lambda: app)).output == "run\ntorn down\n"


def test_a_command_may_ask_for_the_script(runner: CliRunner) -> None:
    @click.command()
    @pass_script_info
    def show(info: ScriptInfo) -> None:
        click.echo(info.data["key"])

    info = ScriptInfo()
    info.data["key"] = "value"

    assert runner.invoke(show, obj=info).output == "value\n"
