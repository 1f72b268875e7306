"""Importing this makes ``flask`` mean Kolben: Flask's applications and extensions run unchanged.

Four ways in, besides ``import kolben.as_flask`` as a program's first line:

- ``python -m kolben.as_flask app.py`` runs a script, ``python -m kolben.as_flask -m package`` a module.
- ``KOLBEN_APP=project:app`` with ``gunicorn kolben.as_flask:app``, or any other server: :data:`app` is the application
  that the variable (or ``FLASK_APP``) names.
- ``pytest -p kolben.as_flask`` runs a test suite.
- ``kolben --as-flask`` and ``KOLBEN_AS_FLASK=1`` do it for the ``kolben`` command.
"""

from __future__ import annotations

import sys
import typing as t

from kolben.compat.alias import follow_spawned_processes, install

install()

if t.TYPE_CHECKING:
    from kolben.app import Kolben

    app: Kolben


def __getattr__(name: str) -> t.Any:
    # NOTE: a server asks for the application by this name; nobody else needs one to be found.
    if name in {"app", "application"}:
        return _load_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load_app() -> Kolben:
    from kolben.cli import ScriptInfo
    from kolben.cli.environment import read_env

    return ScriptInfo(app_import_path=read_env("APP"), set_debug_flag=False).load_app()


def _is_imported_by(package: str) -> bool:
    """Whether a module of this package asked for this one."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith((__name__, "importlib")):
        frame = frame.f_back
    return t.cast(str, frame.f_globals.get("__name__", "")).partition(".")[0] == package


if _is_imported_by("hypercorn"):
    # NOTE: it reads the module's dict, past __getattr__.
    app = application = _load_app()


_USAGE = """\
usage: python -m kolben.as_flask script.py [arguments]
       python -m kolben.as_flask -m module [arguments]"""


def main(arguments: list[str]) -> None:
    """Run a script, or after ``-m`` a module, as ``__main__`` with what follows as its arguments."""
    import os
    import runpy

    is_module = arguments[:1] == ["-m"]
    arguments = arguments[1:] if is_module else arguments
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit(_USAGE)
    if problem := _missing(arguments[0], is_module):
        # As Python says it, and with its exit code.
        sys.stderr.write(f"{sys.executable}: {problem}\n")
        raise SystemExit(1 if is_module else 2)
    follow_spawned_processes()
    sys.argv = arguments
    if is_module:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        return
    # As Python does for a script: its folder, not the current one, is where it imports from.
    sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))
    runpy.run_path(arguments[0], run_name="__main__")


def _missing(program: str, is_module: bool) -> str | None:
    """What to say of a script or module that is not there."""
    import importlib.util
    import os

    if not is_module:
        return None if os.path.exists(program) else f"can't open file {os.path.abspath(program)!r}: no such file"
    try:
        found = importlib.util.find_spec(program)
    except ModuleNotFoundError as exc:
        if not f"{program}.".startswith(f"{exc.name}."):
            raise
        found = None
    return None if found else f"No module named {program}"


if __name__ == "__main__":
    main(sys.argv[1:])
