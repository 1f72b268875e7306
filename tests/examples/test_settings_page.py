"""The page of settings describes each one, no other, and with its true default."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from datetime import timedelta

import click
import pytest

from kolben import Kolben
from kolben.cli.environment import EnvOption
from kolben.cli.run import run_command
from kolben.cli.serve import serve_command
from kolben.server.production.choices import DEFAULTS
from tests.examples.snippets import ROOT

_ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<cells>.*)\|$", re.MULTILINE)


def rows(start: str, end: str | None = None) -> dict[str, list[str]]:
    """The cells beside each name, in the tables from the heading `start` to the heading `end`."""
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    part = page[page.index(start) : page.index(end) if end else None]
    found = [(row["name"], [cell.strip() for cell in row["cells"].split("|")]) for row in _ROW.finditer(part)]
    assert len(found) == len(dict(found)), "a setting is described twice"
    return dict(found)


def value_of(cell: str) -> t.Any:
    return eval(cell.strip("`"), {"timedelta": timedelta})


def options_of(command: click.Command) -> dict[str, click.Option]:
    prefix = f"KOLBEN_{str(command.name).upper()}_"
    return {f"{prefix}{str(option.name).upper()}": option for option in command.params if isinstance(option, EnvOption)}


def test_every_setting_is_described_and_no_other() -> None:
    assert rows("## Modes", "## Under the alias").keys() == Kolben.default_config.keys()


@pytest.mark.parametrize("name", Kolben.default_config)
def test_default_is_the_one_of_the_code(name: str) -> None:
    type_, default, text, read = rows("## Modes", "## Under the alias")[name]

    assert value_of(default) == Kolben.default_config[name]
    assert type_
    assert text
    assert read


def test_defaults_under_the_alias() -> None:
    program = (
        "import kolben.as_flask, flask, json\n"
        "from kolben import Kolben\n"
        "ours, theirs = Kolben.default_config, flask.Flask.default_config\n"
        "print(json.dumps({name: theirs[name] for name in ours if ours[name] != theirs[name]}))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert {name: value_of(cell) for name, (cell,) in rows("## Under", "## The env").items()} == json.loads(printed)


@pytest.mark.parametrize(
    ("command", "start", "end"),
    [(run_command, "### kolben run", "### kolben serve"), (serve_command, "### kolben serve", None)],
)
def test_every_option_is_described_with_its_variable(command: click.Command, start: str, end: str | None) -> None:
    assert rows(start, end).keys() == options_of(command).keys()


def test_defaults_of_run() -> None:
    options = options_of(run_command)
    described = {name: cells[1] for name, cells in rows("### kolben run", "### kolben serve").items()}
    given = {name: cell.strip("`") for name, cell in described.items() if cell.startswith("`")}

    assert given == {name: str(options[name].default) for name in given}
    assert given.keys() == {f"KOLBEN_RUN_{name}" for name in ("HOST", "PORT", "WITH_THREADS")}


def test_defaults_of_serve() -> None:
    described = rows("### kolben serve")
    for name, (value, _) in DEFAULTS.items():
        cell = described[f"KOLBEN_SERVE_{name.upper()}"][1]
        shown = value[0] if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else value
        if value is not None:
            assert cell == f"`{shown}`"
        else:
            assert cell in {"", f"the setting `{name.upper()}`", "a tenth of `MAX_REQUESTS`"}
