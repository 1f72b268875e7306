"""docs/command-line.md says of each command what it has: no option is missing, none is made up."""

from __future__ import annotations

import pathlib
import re

import click
import pytest

from kolben.cli import cli
from kolben.cli.checks import CHECKS

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## kolben (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def options_of(command: click.Command) -> set[str]:
    options = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return {name for name in options if name.startswith("--")}


def options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def test_every_command_has_a_section() -> None:
    assert set(SECTIONS) == set(cli.commands)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_option_of_a_command_is_told(name: str) -> None:
    assert options_of(cli.commands[name]) - options_in(SECTIONS[name]) == set()


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_no_other_option_is_told(name: str) -> None:
    own = options_of(cli.commands[name]) | options_of(cli)

    assert options_in(SECTIONS[name]) - own == set()


def test_the_options_of_all_commands_are_told() -> None:
    assert options_of(cli) | {"--help"} <= options_in(PAGE.partition("\n## kolben ")[0])


def test_every_check_is_told() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", SECTIONS["check"], re.MULTILINE) == list(CHECKS)
