"""Runs commands of an application in tests."""

from __future__ import annotations

import typing as t

from click.testing import CliRunner

if t.TYPE_CHECKING:
    from click.testing import Result

    from ..app import Kolben


class KolbenCliRunner(CliRunner):
    """A :class:`click.testing.CliRunner` whose commands find the application. ``app.test_cli_runner()`` makes it."""

    def __init__(self, app: Kolben, **kwargs: t.Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(  # type: ignore[override]  # the command may be left out
        self, cli: t.Any = None, args: t.Any = None, **kwargs: t.Any
    ) -> Result:
        """Run a command and catch what it prints.

        .. code-block:: python

            result = app.test_cli_runner().invoke(args=["greet", "--name", "Ada"])
            assert result.output == "Hello, Ada!\\n"

        :param cli: The command; the application's group of commands if not given.
        :param args: Its arguments, a list or a command line.
        """
        from ..cli import ScriptInfo

        if cli is None:
            cli = self.app.cli
        kwargs.setdefault("obj", ScriptInfo(create_app=lambda: self.app))
        return super().invoke(cli, args, **kwargs)
