"""``kolben shell``: Python's prompt, inside the application."""

from __future__ import annotations

import os
import sys
import typing as t

import click

from kolben.globals import current_app

from .script import with_appcontext


@click.command("shell", short_help="Run a shell in the app context.")
@with_appcontext
def shell_command() -> None:
    """Run an interactive Python shell in the context of the application.

    It starts with the names that the application's shell context processors give, and needs no set-up to run small
    pieces of management code.
    """
    import code

    banner = (
        f"Python {sys.version} on {sys.platform}\nApp: {current_app.import_name}\nInstance: {current_app.instance_path}"
    )
    names: dict[str, t.Any] = {}
    _run_startup_file(names)
    names.update(current_app.make_shell_context())
    _enter_interactive_mode(names)
    code.interact(banner=banner, local=names)


def _run_startup_file(names: dict[str, t.Any]) -> None:
    """Run what ``PYTHONSTARTUP`` names, as Python's own prompt does."""
    startup = os.environ.get("PYTHONSTARTUP")
    if startup and os.path.isfile(startup):
        with open(startup, encoding="utf-8") as file:
            exec(compile(file.read(), startup, "exec"), names)


def _enter_interactive_mode(names: dict[str, t.Any]) -> None:
    """Call Python's hook, which by default sets up readline's history and completion, and complete ``names``."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    try:
        import readline
        from rlcompleter import Completer
    except ImportError:
        pass
    else:
        # NOTE: by itself the completer looks at '__main__', which is this command.
        readline.set_completer(Completer(names).complete)
    hook()
