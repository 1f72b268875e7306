"""Groups of commands that know their application, and ``KolbenGroup``, which adds the commands that it brings."""

from __future__ import annotations

import traceback
import typing as t
from importlib import metadata

import click

from kolben.globals import current_app

from .check import check_command
from .discovery import NoAppException
from .environment import write_env
from .new import new_command
from .options import app_option, as_flask_option, debug_option, env_file_option, version_option
from .routes import routes_command
from .run import run_command
from .script import ScriptInfo, enter_alias, with_appcontext
from .serve import serve_command
from .shell import shell_command

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.app import Kolben


# FLASK: commands that Flask has not. An application that was written for it may have its own of these names, and keeps
# them; 'run', 'shell' and 'routes' come before an application's, and so does 'serve': to ask an application for its
# commands it would have to be loaded, which the process that only watches over the workers does not.
_YIELDING = frozenset({"check", "new"})


class AppGroup(click.Group):
    """A group whose :meth:`command` runs functions in the application's context."""

    @t.overload
    def command(self, f: Callable[..., t.Any], /) -> click.Command: ...

    @t.overload
    def command(self, *args: t.Any, **kwargs: t.Any) -> Callable[[Callable[..., t.Any]], click.Command]: ...

    def command(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Register a function as a command, as :meth:`click.Group.command` does, in the application's context.

        :param with_appcontext: ``False`` to run it without.
        """
        if args and callable(args[0]):
            return self.command(**kwargs)(args[0])
        wants_context = kwargs.pop("with_appcontext", True)
        register = super().command(*args, **kwargs)
        return lambda f: register(with_appcontext(f) if wants_context else f)

    @t.overload
    def group(self, f: Callable[..., t.Any], /) -> click.Group: ...

    @t.overload
    def group(self, *args: t.Any, **kwargs: t.Any) -> Callable[[Callable[..., t.Any]], click.Group]: ...

    def group(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Register a function as a group, by default an :class:`AppGroup`, as :meth:`click.Group.group` does."""
        if args and callable(args[0]):
            return self.group(**kwargs)(args[0])
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


class KolbenGroup(AppGroup):
    """The group of the ``kolben`` command: built-in commands, plug-ins', and those of the application.

    :param add_default_commands: whether to have the built-in commands.
    :param create_app: a function that returns the application, in place of finding it.
    :param add_version_option: whether to have ``--version``.
    :param load_dotenv: whether to read the nearest ``.env`` and ``.flaskenv``.
    :param set_debug_flag: whether ``app.debug`` is set from ``--debug`` and the environment.
    """

    entry_point_groups: t.ClassVar[tuple[str, ...]] = ("kolben.commands",)
    """The groups of entry points whose commands are added, the last one winning."""

    env_prefix: t.ClassVar[str] = "KOLBEN"
    """The prefix of the environment variables that give options."""

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Kolben] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: t.Any,
    ) -> None:
        # NOTE: the work is done in the options' callbacks, so that a function decorated as this group is free for
        # another use. They are evaluated in this order: the files first, which may name the application.
        params = [*(extra.pop("params", None) or ()), env_file_option, as_flask_option, app_option, debug_option]
        if add_version_option:
            params.append(version_option)
        settings = {"auto_envvar_prefix": self.env_prefix} | (extra.pop("context_settings", None) or {})
        super().__init__(params=params, context_settings=settings, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._has_plugin_commands = False
        if add_default_commands:
            for command in (new_command, run_command, serve_command, shell_command, routes_command, check_command):
                self.add_command(command)

    def _add_plugin_commands(self) -> None:
        if self._has_plugin_commands:
            return
        self._has_plugin_commands = True
        groups = (*self.entry_point_groups, "flask.commands") if enter_alias() else self.entry_point_groups
        for group in dict.fromkeys(groups):
            for entry_point in metadata.entry_points(group=group):
                try:
                    self.add_command(entry_point.load(), entry_point.name)
                except Exception:
                    # One broken plug-in must not take 'kolben run' away.
                    _warn(f"The plug-in command '{entry_point.name}' ({entry_point.value}) could not be loaded.")
                    _warn(traceback.format_exc())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._add_plugin_commands()
        command = super().get_command(ctx, cmd_name)
        if command is not None and not (cmd_name in _YIELDING and self._app_has(ctx, cmd_name)):
            return command
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as exc:
            _warn(f"Error: {exc.format_message()}\n")
            return None
        # NOTE: pushed before the command's parameters are read, so that their callbacks have the application too.
        if not current_app or current_app._get_current_object() is not app:  # type: ignore[attr-defined]  # a proxy
            ctx.with_resource(app.app_context())
        return app.cli.get_command(ctx, cmd_name)

    def _app_has(self, ctx: click.Context, cmd_name: str) -> bool:
        try:
            return cmd_name in ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx)
        except Exception:
            # Said by the command itself, if it needs the application.
            return False

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._add_plugin_commands()
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as exc:
            _warn(f"Error: {exc.format_message()}\n")
        except Exception:
            _warn(f"{traceback.format_exc()}\n")
        return sorted(names)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: t.Any
    ) -> click.Context:
        # NOTE: 'app.run()' does nothing while this is set. A script that calls it where it should not, outside of
        # 'if __name__ == "__main__"', would serve for ever when all that a command wants is to import it.
        write_env("RUN_FROM_CLI", "true")
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = len(args) == 1 and args[0] in self.get_help_option_names(ctx)
        if asks_for_help or (not args and self.no_args_is_help):
            # The help page lists the application's commands: what is given by the environment must be known before it.
            for option in (env_file_option, as_flask_option, app_option):
                option.handle_parse_result(ctx, {}, [])
        try:
            return super().parse_args(ctx, args)
        except BaseException:
            # NOTE: Click leaves a context open that was not entered, and with it the application's, which the help page
            # pushed when it looked up its commands.
            ctx.close()
            raise


def _warn(message: str) -> None:
    click.secho(message, err=True, fg="red")
