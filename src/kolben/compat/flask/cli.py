"""``flask.cli``: the ``flask`` command, and what programs build commands of their own with."""

from __future__ import annotations

import ast as ast
import collections.abc as cabc  # noqa: F401
import importlib as importlib
import inspect as inspect
import os as os
import platform
import re as re
import sys as sys
import traceback as traceback
import typing as t
from functools import update_wrapper as update_wrapper
from importlib import metadata
from operator import itemgetter as itemgetter
from types import ModuleType as ModuleType

import click
from click.core import ParameterSource as ParameterSource
from werkzeug import run_simple as run_simple
from werkzeug.serving import is_running_from_reloader as is_running_from_reloader
from werkzeug.utils import import_string as import_string

from kolben.cli import AppGroup as AppGroup
from kolben.cli import CertParamType as CertParamType
from kolben.cli import KolbenGroup, environment
from kolben.cli import NoAppException as NoAppException
from kolben.cli import ScriptInfo as ScriptInfo
from kolben.cli import SeparatedPathType as SeparatedPathType
from kolben.cli import find_app_by_string as find_app_by_string
from kolben.cli import find_best_app as find_best_app
from kolben.cli import load_dotenv as load_dotenv
from kolben.cli import locate_app as locate_app
from kolben.cli import pass_script_info as pass_script_info
from kolben.cli import prepare_import as prepare_import
from kolben.cli import routes_command as routes_command
from kolben.cli import run_command as run_command
from kolben.cli import shell_command as shell_command
from kolben.cli import show_server_banner as show_server_banner
from kolben.cli import with_appcontext as with_appcontext
from kolben.cli.discovery import _called_with_wrong_args as _called_with_wrong_args
from kolben.cli.options import _set_app as _set_app
from kolben.cli.options import _set_debug as _set_debug
from kolben.cli.options import app_option as _app_option  # noqa: F401
from kolben.cli.options import debug_option as _debug_option  # noqa: F401
from kolben.cli.options import env_file_option as _env_file_option  # noqa: F401
from kolben.cli.params import validate_key as _validate_key  # noqa: F401
from kolben.cli.script import F as F

from .globals import current_app as current_app
from .helpers import get_debug_flag as get_debug_flag
from .helpers import get_load_dotenv as get_load_dotenv

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from .app import Flask

# What a command tells the processes that it starts is written in Flask's variables.
environment.written_prefix = "FLASK"


def get_version(ctx: click.Context, param: click.Parameter, value: t.Any) -> None:
    """Print the versions of Python, Flask and Werkzeug, as Flask does, and of Kolben; and leave."""
    if not value or ctx.resilient_parsing:
        return
    versions = [f"{name} {metadata.version(name)}" for name in ("Flask", "Werkzeug", "Kolben")]
    click.echo("\n".join([f"Python {platform.python_version()}", *versions]), color=ctx.color)
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Show the Flask version.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)


class FlaskGroup(KolbenGroup):
    """The group of the ``flask`` command: :class:`.KolbenGroup` with Flask's plug-ins and environment variables."""

    entry_point_groups: t.ClassVar[tuple[str, ...]] = ("flask.commands", "kolben.commands")
    env_prefix: t.ClassVar[str] = "FLASK"

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Flask] | None = None,
        add_version_option: bool = True,
        **extra: t.Any,
    ) -> None:
        if add_version_option:
            extra["params"] = [*(extra.pop("params", None) or ()), version_option]
        super().__init__(add_default_commands, create_app, add_version_option=False, **extra)


cli = FlaskGroup(
    name="flask",
    help="""\
A general utility script for Flask applications.

An application to load must be given with the '--app' option, 'FLASK_APP' environment variable, or with a 'wsgi.py' or
'app.py' file in the current directory.
""",
)


def main() -> None:
    """Run the ``flask`` command with the arguments of this process."""
    cli.main()
