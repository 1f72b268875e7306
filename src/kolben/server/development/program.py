"""The program that this process runs: how it is started once more."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Program:
    """A command line and an environment, for processes that do what this one was started for."""

    command: list[str]
    environ: dict[str, str]
    main: list[str] | None = None
    """A script and its arguments, or ``-m``, a module and its arguments, where that is the user's own."""

    @classmethod
    def this(cls, environ: Mapping[str, str], is_script: bool) -> t.Self:
        """What this process runs, in that environment.

        :param is_script: whether it is a program of the user's, and not the ``kolben`` command.
        """
        command = own_command()
        assert command is not None
        return cls(command, dict(environ), _main() if is_script else None)

    def explained(self) -> Program:
        """The program that shows why :attr:`main` fails."""
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # not public
        command = [sys.executable, *flags, "-m", "kolben.server.development.broken"]
        alias = {"KOLBEN_AS_FLASK": "1"} if "kolben.compat.alias" in sys.modules else {}
        return Program(command, {**self.environ, **alias})


def own_command() -> list[str] | None:
    """The command line of this process; ``None`` if there is none to be run again, as for an interactive one."""
    arguments = sys.orig_argv[1:]
    file = getattr(sys.modules.get("__main__"), "__file__", None) or "<none>"
    # NOTE: what comes from standard input has the name '<stdin>', and cannot be read again.
    is_program = not file.startswith("<") or "-c" in arguments
    return [sys.executable, *arguments] if is_program and not sys.flags.interactive else None


def main_folder() -> str:
    """The folder of the program's file, or the current one."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if file else os.getcwd()


def _main() -> list[str] | None:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return ["-m", spec.name.removesuffix(".__main__"), *sys.argv[1:]]
    file = getattr(main, "__file__", None)
    return [file, *sys.argv[1:]] if file else None
