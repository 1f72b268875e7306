"""``KOLBEN_*`` variables are read first, ``FLASK_*`` ones as well."""

from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner

from kolben.cli import environment
from kolben.cli.environment import EnvOption, read_env, read_flag, write_env


def test_kolben_wins_over_flask() -> None:
    os.environ["FLASK_APP"] = "flask"
    assert read_env("APP") == "flask"
    os.environ["KOLBEN_APP"] = "kolben"
    assert read_env("APP") == "kolben"
    os.environ["KOLBEN_APP"] = ""
    assert read_env("APP") == "flask"


@pytest.mark.parametrize("prefix", environment.PREFIXES)
@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("No", False), ("", False)])
def test_a_flag_is_anything_but_a_no(prefix: str, value: str, expected: bool) -> None:
    os.environ[f"{prefix}_AS_FLASK"] = value

    assert read_flag("AS_FLASK") is expected


def test_a_flag_has_a_default() -> None:
    assert read_flag("AS_FLASK", default=True)
    assert not read_flag("AS_FLASK")


def test_a_variable_is_written_under_one_name() -> None:
    write_env("DEBUG", "1")

    assert os.environ["KOLBEN_DEBUG"] == "1"
    assert "FLASK_DEBUG" not in os.environ


def test_a_variable_never_contradicts_its_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ["KOLBEN_DEBUG"] = "0"
    monkeypatch.setattr(environment, "written_prefix", "FLASK")

    write_env("DEBUG", "1")

    assert os.environ["FLASK_DEBUG"] == os.environ["KOLBEN_DEBUG"] == "1"


def port_of(prefix: str) -> str:
    @click.command("run")
    @click.option("--port", cls=EnvOption, default="default")
    def run(port: str) -> None:
        click.echo(port)

    group = click.Group("site", commands=[run], context_settings={"auto_envvar_prefix": prefix})
    return CliRunner().invoke(group, ["run"]).output.strip()


def test_an_option_takes_either_variable() -> None:
    assert port_of("KOLBEN") == "default"
    os.environ["FLASK_RUN_PORT"] = "1"
    assert port_of("KOLBEN") == port_of("FLASK") == "1"
    os.environ["KOLBEN_RUN_PORT"] = "2"
    assert port_of("KOLBEN") == port_of("FLASK") == "2"


def test_a_group_of_another_prefix_keeps_to_its_own() -> None:
    os.environ["KOLBEN_RUN_PORT"] = "1"
    assert port_of("SITE") == "default"
    os.environ["SITE_RUN_PORT"] = "2"
    assert port_of("SITE") == "2"
