"""``kolben check``: what would be unsafe or broken in production."""

from __future__ import annotations

import click

from .checks import CHECKS
from .environment import EnvOption
from .script import ScriptInfo, pass_script_info

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
@pass_script_info
def check_command(info: ScriptInfo, strict: bool, ignore: tuple[str, ...]) -> None:
    """Report what would be unsafe or broken in production.

    Looks at the configuration, the templates and the endpoints of the application, in the environment that this command
    runs in: give it that of the server. Exits with 1 if there is an error, and with '--strict' if there is a warning.
    """
    app = info.load_app()
    # NOTE: the flag that was set for this command; a server does not set it.
    app.debug = info.own_debug
    counts = {"error": 0, "warning": 0}
    with app.app_context():
        for name, check in CHECKS.items():
            for finding in () if name in ignore else check(app):
                counts[finding.level] += 1
                label = click.style(f"{finding.level}: ", fg=_COLORS[finding.level], bold=True)
                click.echo(f"{label}{finding.problem} [{name}]\n    {finding.fix}")
    click.echo(_summary(counts))
    if counts["error"] or (strict and counts["warning"]):
        raise click.exceptions.Exit(1)


def _summary(counts: dict[str, int]) -> str:
    if not any(counts.values()):
        return "Nothing found that would be unsafe or broken in production."
    return "Found " + ", ".join(f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items()) + "."
