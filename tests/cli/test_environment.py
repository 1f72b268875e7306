"""``KOLBEN_*`` variables are read first, ``FLASK_*`` ones as well."""

from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner

from kolben.cli import environment
from kolben.cli.environment import EnvOption, get_debug_flag, get_load_dotenv, read_env, write_env


def test_kolben_wins_over_flask() -> None:
    os.environ["FLASK_APP"] = "flask"
    assert read_env("APP") == "flask"
    os.environ["KOLBEN_APP"] = "kolben"
    assert read_env("APP") == "kolben"
    os.environ["KOLBEN_APP"] = ""
    assert read_env("APP") == "flask"


@pytest.mark.parametrize("prefix", environment.PREFIXES)
@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("yes", True), ("0", False), ("False", False), ("", False)]
)
def test_the_debug_flag(prefix: str, value: str, expected: bool) -> None:
    os.environ[f"{prefix}_DEBUG"] = value

    assert get_debug_flag() is expected


@pytest.mark.parametrize(("value", "expected"), [("1", False), ("true", False), ("0", True), ("no", True)])
def test_reading_dotenv_files_can_be_switched_off(value: str, expected: bool) -> None:
    os.environ["FLASK_SKIP_DOTENV"] = value

    assert get_load_dotenv() is expected
    assert get_load_dotenv(default=False) is expected


@pytest.mark.parametrize("default", [True, False])
def test_dotenv_files_are_read_by_default_or_not(default: bool) -> None:
    assert get_load_dotenv(default) is default


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
