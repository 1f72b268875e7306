"""Finding the application that a command is for: in a module, by name, through a factory."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import traceback
import typing as t

import click

from kolben.places import describe_function

from .cycle import describe_cycle

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType, ModuleType

    from kolben.app import Kolben

_INSTANCE_NAMES = ("app", "application")
_FACTORY_NAMES = ("create_app", "make_app")
_DEFAULT_FILES = ("wsgi.py", "app.py")
_USE_ALIAS = " If it is an application that was written for Flask, run it with 'kolben --as-flask'."


class NoAppException(click.UsageError):
    """An application could not be found or loaded."""

    def show(self, file: t.IO[t.Any] | None = None) -> None:
        """Print the message; below how the command is used, unless it is a traceback: the fault is the program's."""
        if "\n" not in self.message:
            super().show(file)
        else:
            click.echo(f"Error: {self.format_message()}", file=file, err=True)


def load_app(import_path: str | None) -> Kolben | None:
    """Return the application that ``import_path`` names, or that of ``wsgi.py`` or ``app.py`` here, else ``None``.

    :param import_path: ``module``, ``module:name`` or ``module:factory(args)``, where the module is a dotted name or a
        file's path.
    """
    if import_path:
        path, _, name = _split_import_path(import_path)
        is_missing_file = path.endswith(".py") and not os.path.exists(path)
        app = locate_app(prepare_import(path), name or None, raise_if_not_found=not is_missing_file)
        if app is None:
            raise NoAppException(f"There is no file {path!r}. The current directory is {os.getcwd()!r}.")
        return app
    for path in _DEFAULT_FILES:
        app = locate_app(prepare_import(path), None, raise_if_not_found=False)
        if app is not None:
            return app
    return None


def _split_import_path(import_path: str) -> tuple[str, str, str]:
    # NOTE: the colon of a drive ("C:\site\app.py") separates nothing.
    match = re.search(r":(?![\\/])", import_path)
    if match is None:
        return import_path, "", ""
    return import_path[: match.start()], ":", import_path[match.end() :]


def prepare_import(path: str | os.PathLike[str]) -> str:
    """Return the dotted name under which the file, or name, ``path`` can be imported.

    The folder above its outermost package is put first on ``sys.path``.
    """
    folder = os.path.realpath(path)
    stem, extension = os.path.splitext(folder)
    if extension == ".py":
        folder = stem
    if os.path.basename(folder) == "__init__":
        folder = os.path.dirname(folder)

    names: list[str] = []
    while not names or os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.append(name)
    if sys.path[0] != folder:
        sys.path.insert(0, folder)
    return ".".join(reversed(names))


@t.overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: t.Literal[True] = True) -> Kolben: ...


@t.overload
def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool) -> Kolben | None: ...


def locate_app(module_name: str, app_name: str | None, raise_if_not_found: bool = True) -> Kolben | None:
    """Import a module and return the application in it.

    :param app_name: a variable or a call, as :func:`find_app_by_string` takes it; ``None`` looks for the likeliest one.
    :param raise_if_not_found: whether a module that does not exist is an error, or ``None``.
    :raises NoAppException: if there is none, or the module's own imports fail.
    """
    try:
        __import__(module_name)
    except ImportError as exc:
        # NOTE: Python takes the frames of its own import machinery out, so a further frame is one of the user's code.
        if exc.__traceback__ and exc.__traceback__.tb_next:
            raise NoAppException(_describe_import_error(module_name, exc)) from None
        if not raise_if_not_found:
            return None
        raise NoAppException(
            f"Could not import {module_name!r}. Check the spelling, and that it can be imported from the current"
            f" directory, {os.getcwd()!r}."
        ) from None
    except AttributeError as exc:
        if describe_cycle(exc) is None:
            raise
        raise NoAppException(_describe_import_error(module_name, exc)) from None

    module = sys.modules[module_name]
    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)


def _describe_import_error(module_name: str, exc: ImportError | AttributeError) -> str:
    tb = exc.__traceback__
    frames = "".join(traceback.format_exception(type(exc), exc, tb and tb.tb_next)).rstrip()
    kind = "ImportError" if isinstance(exc, ImportError) else "AttributeError"
    cause = describe_cycle(exc)
    if isinstance(exc, ModuleNotFoundError) and (exc.name or "").partition(".")[0] == "flask":
        cause = _USE_ALIAS.strip()
    return f"While importing {module_name!r}, an {kind} was raised:\n\n{frames}" + (f"\n\n{cause}" if cause else "")


def _hint_at_alias() -> str:
    """Return a hint for the application that is one of Flask's, or nothing where that cannot be."""
    return _USE_ALIAS if "flask" in sys.modules and "kolben.as_flask" not in sys.modules else ""


def find_best_app(module: ModuleType) -> Kolben:
    """Return the application of a module.

    That is, in this order: ``app`` or ``application``; the only application among its variables; what ``create_app()``
    or ``make_app()`` returns.

    :raises NoAppException: if there is none, several, or the factory cannot be called without arguments.
    """
    from kolben.app import Kolben

    for name in _INSTANCE_NAMES:
        app = getattr(module, name, None)
        if isinstance(app, Kolben):
            return app

    matches = [value for value in module.__dict__.values() if isinstance(value, Kolben)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NoAppException(
            f"Detected multiple Kolben applications in module '{module.__name__}'. Use '{module.__name__}:name' to"
            " specify the correct one."
        )

    for name in _FACTORY_NAMES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            app = _call_factory(
                factory,
                f"Detected factory '{name}' in module '{module.__name__}', but could not call it without arguments. Use"
                f" '{module.__name__}:{name}(args)' to specify arguments.",
            )
            if isinstance(app, Kolben):
                return app
            if app is None:
                raise NoAppException(_describe_forgetful(factory))

    raise NoAppException(
        f"Failed to find a Kolben application or factory in module '{module.__name__}'. Use '{module.__name__}:name' to"
        f" specify one.{_hint_at_alias()}"
    )


def find_app_by_string(module: ModuleType, app_name: str) -> Kolben:
    """Return the application that ``app_name`` gives in a module: a variable, a factory, or a factory's call.

    The arguments of a call are literals.

    :raises NoAppException: if it cannot be parsed or found, cannot be called so, or is no application.
    """
    from kolben.app import Kolben

    name, args, kwargs = _parse_app_name(app_name)
    try:
        found = getattr(module, name)
    except AttributeError as exc:
        raise NoAppException(f"Failed to find attribute {name!r} in {module.__name__!r}.") from exc
    if inspect.isfunction(found):
        factory = found
        found = _call_factory(
            factory,
            f"The factory {app_name!r} in module {module.__name__!r} could not be called with the specified arguments.",
            *args,
            **kwargs,
        )
        if found is None:
            raise NoAppException(_describe_forgetful(factory))
    if isinstance(found, Kolben):
        return found
    raise NoAppException(
        f"A valid Kolben application was not obtained from '{module.__name__}:{app_name}', but an object of type"
        f" '{type(found).__name__}'.{_hint_at_alias()}"
    )


def _parse_app_name(app_name: str) -> tuple[str, list[t.Any], dict[str, t.Any]]:
    try:
        expression = ast.parse(app_name.strip(), mode="eval").body
    except SyntaxError:
        expression = None
    if isinstance(expression, ast.Name):
        return expression.id, [], {}
    if not isinstance(expression, ast.Call):
        raise NoAppException(f"Failed to parse {app_name!r} as an attribute name or function call.")
    if not isinstance(expression.func, ast.Name):
        raise NoAppException(f"Function reference must be a simple name: {app_name!r}.")
    try:
        args = [ast.literal_eval(arg) for arg in expression.args]
        kwargs = {kw.arg: ast.literal_eval(kw.value) for kw in expression.keywords if kw.arg is not None}
    except ValueError:
        raise NoAppException(f"Failed to parse arguments as literal values: {app_name!r}.") from None
    return expression.func.id, args, kwargs


def _call_factory(factory: FunctionType, refusal: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
    """Call a factory; a ``TypeError`` of the call itself becomes ``refusal``, one raised within it stays what it is."""
    try:
        return factory(*args, **kwargs)
    except TypeError as exc:
        if not _called_with_wrong_args(factory):
            raise
        raise NoAppException(f"{refusal}\n\n{describe_function(factory)}: {exc}.") from exc


def _describe_forgetful(factory: FunctionType) -> str:
    return f"The factory {describe_function(factory)} returned None instead of an application: it lacks 'return app'."


def _called_with_wrong_args(function: Callable[..., t.Any]) -> bool:
    """Return whether the ``TypeError`` being handled came from the call of ``function``, not from inside it."""
    tb = sys.exc_info()[2]
    try:
        while tb is not None:
            if tb.tb_frame.f_code is function.__code__:
                return False
            tb = tb.tb_next
        return True
    finally:
        # NOTE: the traceback holds this frame, which holds the traceback.
        del tb
