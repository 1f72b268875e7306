"""The ``kolben`` command, and what applications and extensions build commands of their own with."""

from __future__ import annotations

from .check import check_command
from .discovery import NoAppException, find_app_by_string, find_best_app, locate_app, prepare_import
from .dotenv import load_dotenv
from .groups import AppGroup, KolbenGroup
from .new import new_command
from .options import get_version, version_option
from .params import CertParamType, SeparatedPathType
from .routes import routes_command
from .run import run_command, show_server_banner
from .script import ScriptInfo, pass_script_info, with_appcontext
from .serve import serve_command
from .shell import shell_command

__all__ = [
    "AppGroup",
    "CertParamType",
    "KolbenGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "check_command",
    "cli",
    "find_app_by_string",
    "find_best_app",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "new_command",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "serve_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]

cli = KolbenGroup(
    name="kolben",
    help="""\
A general utility script for Kolben applications.

An application to load must be given with the '--app' option, the 'KOLBEN_APP' (or 'FLASK_APP') environment variable, or
with a 'wsgi.py' or 'app.py' file in the current directory.
""",
)


def main() -> None:
    """Run the ``kolben`` command with the arguments of this process."""
    try:
        cli.main()
    except Exception as exc:
        from .crash import print_crash

        print_crash(exc)
        raise SystemExit(1) from None
