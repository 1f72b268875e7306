"""``app.run()``: the development server."""

from __future__ import annotations

import os
import typing as t

from ..helpers import get_debug_flag, get_load_dotenv

if t.TYPE_CHECKING:
    from ..app import Kolben


def run(
    app: Kolben,
    host: str | None,
    port: int | None,
    debug: bool | None,
    load_dotenv: bool,
    options: dict[str, t.Any],
) -> None:
    """Serve ``app`` until interrupted; the contract is :meth:`.Kolben.run`'s.

    Does nothing when the command line runs the application already.
    """
    import click

    from ..cli import load_dotenv as load_environment
    from ..cli import show_server_banner

    if os.environ.get("KOLBEN_RUN_FROM_CLI") == "true" or os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        if os.environ.get("WERKZEUG_RUN_MAIN") != "true":
            click.secho(
                " * Ignoring a call to 'app.run()' that would block the current 'kolben' CLI command.\n"
                "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
                fg="red",
            )
        return
    if get_load_dotenv(load_dotenv):
        load_environment()
        if "KOLBEN_DEBUG" in os.environ or "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    host, port = _address(app, host, port)
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    show_server_banner(app.debug, app.name)

    from werkzeug.serving import run_simple

    try:
        run_simple(host, port, app, **options)
    finally:
        # NOTE: an application that a REPL ran can be changed and run again.
        app._got_first_request = False


def _address(app: Kolben, host: str | None, port: int | None) -> tuple[str, int]:
    """Where to listen: as told, else as ``SERVER_NAME`` says, else 127.0.0.1:5000."""
    server_name: str = app.config.get("SERVER_NAME") or ""
    named_host, _, named_port = server_name.partition(":")
    if not host:
        host = named_host or "127.0.0.1"
    if port or port == 0:
        return host, int(port)
    return host, int(named_port or 5000)
