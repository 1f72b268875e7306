"""``kolben check``: what would be unsafe or broken in production."""

from __future__ import annotations

import json
import typing as t

import click

from kolben.places import short_path

from .checks import CHECKS
from .environment import EnvOption
from .script import ScriptInfo, pass_script_info

if t.TYPE_CHECKING:
    from .checks.finding import Finding

_COLORS = {"error": "red", "warning": "yellow"}


@click.command("check", short_help="Report what would be unsafe or broken in production.")
@click.option("--strict", cls=EnvOption, is_flag=True, help="Fail on warnings too.")
@click.option(
    "--ignore",
    cls=EnvOption,
    type=click.Choice(list(CHECKS)),
    multiple=True,
    help="Leave a check out. Can be given several times.",
)
@click.option("--json", "as_json", cls=EnvOption, is_flag=True, help="Print the findings as JSON, for other programs.")
@pass_script_info
def check_command(info: ScriptInfo, strict: bool, ignore: tuple[str, ...], as_json: bool) -> None:
    """Report what would be unsafe or broken in production.

    Looks at the configuration, the templates and the endpoints of the application, in the environment that this command
    runs in: give it that of the server. Exits with 1 if there is an error, and with '--strict' if there is a warning.
    """
    app = info.load_app()
    # NOTE: the flag that was set for this command; a server does not set it.
    app.debug = info.own_debug
    with app.app_context():
        findings = [(name, found) for name, check in CHECKS.items() if name not in ignore for found in check(app)]
    counts = {level: sum(found.level == level for _, found in findings) for level in ("error", "warning")}
    if as_json:
        click.echo(json.dumps([_as_dict(name, found) for name, found in findings], indent=2))
    else:
        for name, found in findings:
            label = click.style(f"{found.level}: ", fg=_COLORS[found.level], bold=True)
            click.echo(f"{_show_place(found)}{label}{found.problem} [{name}]\n    {found.fix}")
        click.echo(_summary(counts))
    if counts["error"] or (strict and counts["warning"]):
        raise click.exceptions.Exit(1)


def _show_place(found: Finding) -> str:
    """``file:line: ``, as compilers say it and editors read it."""
    return "" if found.place is None else f"{short_path(found.place[0])}:{found.place[1]}: "


def _as_dict(name: str, found: Finding) -> dict[str, t.Any]:
    file, line = found.place or (None, None)
    return {
        "check": name,
        "level": found.level,
        "problem": found.problem,
        "fix": found.fix,
        "file": file and short_path(file),
        "line": line,
    }


def _summary(counts: dict[str, int]) -> str:
    if not any(counts.values()):
        return "Nothing found that would be unsafe or broken in production."
    return "Found " + ", ".join(f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items()) + "."
