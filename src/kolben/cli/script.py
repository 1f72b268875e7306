"""What a run of the command line is about: ``ScriptInfo`` finds its application, ``with_appcontext`` enters it."""

from __future__ import annotations

import typing as t
from functools import update_wrapper
from importlib import import_module

import click

from kolben.globals import current_app
from kolben.helpers import get_debug_flag, get_load_dotenv

from .discovery import NoAppException, load_app
from .environment import read_flag

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.app import Kolben

F = t.TypeVar("F", bound="Callable[..., t.Any]")


class ScriptInfo:
    """What a run of the command line knows of its application; it stands in Click's ``ctx.obj``.

    :param app_import_path: where the application is, as ``--app`` takes it.
    :param create_app: a function that returns the application instead.
    :param set_debug_flag: whether ``app.debug`` is set from the environment once the application is loaded.
    :param load_dotenv_defaults: whether the group reads ``.env`` and ``.flaskenv``; nothing is read here.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Kolben] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[t.Any, t.Any] = {}
        self.set_debug_flag = set_debug_flag
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self.own_debug = False
        """What ``app.debug`` was before it was set from the environment."""
        self._loaded_app: Kolben | None = None

    def load_app(self) -> Kolben:
        """Return the application, loaded on the first call.

        :raises NoAppException: if there is none.
        """
        if self._loaded_app is not None:
            return self._loaded_app
        enter_alias()
        app = self.create_app() if self.create_app is not None else load_app(self.app_import_path)
        if app is None:
            raise NoAppException(
                "Could not locate a Kolben application. Use the 'kolben --app' option, the 'KOLBEN_APP' (or"
                " 'FLASK_APP') environment variable, or a 'wsgi.py' or 'app.py' file in the current directory."
            )
        self.own_debug = app.debug
        if self.set_debug_flag:
            app.debug = get_debug_flag()
        self._loaded_app = app
        return app


def enter_alias() -> bool:
    """Let ``flask`` mean Kolben from here on, if ``KOLBEN_AS_FLASK`` or ``--as-flask`` asks for it; return whether."""
    is_asked_for = read_flag("AS_FLASK")
    if is_asked_for:
        import_module("kolben.as_flask")
    return is_asked_for


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: F) -> F:
    """Run a command's function in the context of the application that the command line was given.

    The function may be async. Those of commands registered with ``app.cli`` and ``blueprint.cli`` need no decorator.
    """

    @click.pass_context
    def decorator(ctx: click.Context, /, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(current_app.ensure_sync(f), *args, **kwargs)

    return t.cast("F", update_wrapper(decorator, f))
