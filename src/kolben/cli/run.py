"""``kolben run``: the development server."""

from __future__ import annotations

import os
import typing as t

import click

from kolben.helpers import get_debug_flag

from .environment import EnvOption
from .options import debug_option
from .params import CertParamType, SeparatedPathType, validate_key
from .script import ScriptInfo, pass_script_info

if t.TYPE_CHECKING:
    from .params import Certificate


@click.command("run", short_help="Run a development server.")
@click.option("--host", "-h", cls=EnvOption, default="127.0.0.1", help="The interface to bind to.")
@click.option("--port", "-p", cls=EnvOption, default=5000, help="The port to bind to.")
@click.option(
    "--cert",
    cls=EnvOption,
    type=CertParamType(),
    help="Specify a certificate file to use HTTPS.",
    # NOTE: eager, so that it is there when '--key' is checked.
    is_eager=True,
)
@click.option(
    "--key",
    cls=EnvOption,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=validate_key,
    expose_value=False,
    help="The key file to use when specifying a certificate.",
)
@click.option(
    "--reload/--no-reload",
    cls=EnvOption,
    default=None,
    help="Enable or disable the reloader. By default the reloader is active if debug is enabled.",
)
@click.option(
    "--debugger/--no-debugger",
    cls=EnvOption,
    default=None,
    help="Enable or disable the debugger. By default the debugger is active if debug is enabled.",
)
@click.option("--with-threads/--without-threads", cls=EnvOption, default=True, help="Enable or disable multithreading.")
@click.option(
    "--extra-files",
    cls=EnvOption,
    default=None,
    type=SeparatedPathType(),
    help=f"Extra files that trigger a reload on change. Multiple paths are separated by {os.pathsep!r}.",
)
@click.option(
    "--exclude-patterns",
    cls=EnvOption,
    default=None,
    type=SeparatedPathType(),
    help="Files matching these fnmatch patterns will not trigger a reload on change. Multiple patterns are separated by"
    f" {os.pathsep!r}.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Certificate | None,
    extra_files: list[str] | None,
    exclude_patterns: list[str] | None,
) -> None:
    """Run a local development server.

    This server is for development purposes only. It does not provide the stability, security, or performance of
    production servers.

    The reloader and debugger are enabled by default with the '--debug' option.
    """
    from kolben.server.development.serve import serve

    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    options = {
        "use_reloader": debug if reload is None else reload,
        "use_debugger": debug if debugger is None else debugger,
        "threaded": with_threads,
        "ssl_context": cert,
        "extra_files": extra_files,
        "exclude_patterns": exclude_patterns,
    }
    serve(info.load_app, host, port, options)


run_command.params.insert(0, debug_option)


def show_server_banner(debug: bool | None, app_import_path: str | None) -> None:
    """Print what is served and in which mode, unless this is a process that the reloader started."""
    from werkzeug.serving import is_running_from_reloader

    if is_running_from_reloader():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Kolben app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")
