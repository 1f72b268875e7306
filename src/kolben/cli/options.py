"""The options of the ``kolben`` command itself: ``--env-file``, ``--as-flask``, ``--app``, ``--debug``, …"""

from __future__ import annotations

import platform
import typing as t
from importlib import metadata

import click
from click.core import ParameterSource

from .dotenv import is_dotenv_installed, load_dotenv
from .environment import EnvOption, write_env
from .script import ScriptInfo

_DISTRIBUTIONS = ("Kolben", "Werkzeug", "Granian")


def _load_env_file(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_dotenv_installed():
        raise click.BadParameter("python-dotenv must be installed to load an env file.", ctx, param)
    if value is not None or ctx.obj.load_dotenv_defaults:
        load_dotenv(value, load_defaults=ctx.obj.load_dotenv_defaults)
    return value


env_file_option = EnvOption(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help="Load environment variables from this file, taking precedence over those set by '.env' and '.flaskenv'."
    " Variables set directly in the environment take highest precedence. python-dotenv must be installed.",
    is_eager=True,
    expose_value=False,
    callback=_load_env_file,
)


def _set_alias(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    if value:
        # By the environment, so that processes started from this one do the same.
        write_env("AS_FLASK", "1")
        # The application's own commands take their options from the variables that they have under Flask.
        ctx.auto_envvar_prefix = "FLASK"
    return value


as_flask_option = EnvOption(
    ["--as-flask"],
    is_flag=True,
    help="Let 'import flask' mean Kolben, to run an application that was written for Flask.",
    is_eager=True,
    expose_value=False,
    callback=_set_alias,
)


def _set_app(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


app_option = EnvOption(
    ["-A", "--app"],
    metavar="IMPORT",
    help="The application or factory function to load, in the form 'module:name'. Module can be a dotted import or file"
    " path. Name is not required if it is 'app', 'application', 'create_app', or 'make_app', and can be 'name(args)' to"
    " pass arguments.",
    # NOTE: eager, as '--help' is, which lists the application's commands.
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> bool | None:
    source = ctx.get_parameter_source(param.name or "")
    if source in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        # Not given: the value, False, means nothing.
        return None
    # By the environment, so that an application factory finds it set.
    write_env("DEBUG", "1" if value else "0")
    return value


debug_option = EnvOption(["--debug/--no-debug"], help="Set debug mode.", expose_value=False, callback=_set_debug)


def get_version(ctx: click.Context, param: click.Parameter, value: t.Any) -> None:
    """Print the versions of Python, Kolben and what it stands on, and leave."""
    if not value or ctx.resilient_parsing:
        return
    versions = [f"{name} {metadata.version(name)}" for name in _DISTRIBUTIONS]
    click.echo("\n".join([f"Python {platform.python_version()}", *versions]), color=ctx.color)
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the Kolben version.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)
