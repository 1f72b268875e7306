from __future__ import annotations

import typing as t

import click

from kolben.cli import ScriptInfo
from kolben.testing import KolbenCliRunner

if t.TYPE_CHECKING:
    from kolben import Kolben


def test_a_command_runs_by_name_or_by_itself(app: Kolben) -> None:
    @app.cli.command("hello")
    @click.argument("name", default="World")
    def hello(name: str) -> None:
        click.echo(f"Hello, {name}!")

    runner = app.test_cli_runner()

    assert isinstance(runner, KolbenCliRunner)
    assert runner.invoke(args=["hello", "Ada"]).output == "Hello, Ada!\n"
    assert runner.invoke(hello).output == "Hello, World!\n"


def test_a_command_runs_in_the_context_of_the_application(app: Kolben) -> None:
    from kolben import current_app

    @app.cli.command("name")
    def name() -> None:
        click.echo(current_app.name)

    assert app.test_cli_runner().invoke(args=["name"]).output == f"{app.name}\n"


def test_the_way_to_the_application_may_be_given(app: Kolben) -> None:
    made = []

    def create_app() -> Kolben:
        made.append(app)
        return app

    @app.cli.command("hello")
    def hello() -> None:
        pass

    app.test_cli_runner().invoke(hello, obj=ScriptInfo(create_app=create_app))

    assert made == [app]
