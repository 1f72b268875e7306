"""The application's configuration: a dict that can be filled from files, objects and the environment."""

from __future__ import annotations

import errno
import json
import os
import types
import typing as t
from weakref import WeakMethod

from werkzeug.utils import import_string

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .app import Kolben

T = t.TypeVar("T")

_NO_FILE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR)

#: Where ``from_prefixed_env`` looks unless it is told; the last one wins.
_PREFIXES = ("FLASK", "KOLBEN")


class Config(dict[str, t.Any]):
    """A dict of settings with ways to fill it; the names of settings are upper case.

    Two patterns are usual. Defaults from an object, then values from the environment::

        app.config.from_object("yourapplication.default_settings")
        app.config.from_prefixed_env()

    or a file whose path the environment names::

        app.config.from_envvar("YOURAPPLICATION_SETTINGS")

    :param root_path: the folder that relative file names are read from.
    :param defaults: values to start with.
    """

    _find_on_change: Callable[[], Callable[[], None] | None] | None = None

    def __init__(self, root_path: str | os.PathLike[str], defaults: dict[str, t.Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Load the Python file that an environment variable names, see :meth:`from_pyfile`.

        :param silent: return ``False`` where the variable is not set or the file is missing.
        :return: whether the file was loaded.
        """
        path = os.environ.get(variable_name)
        if path:
            return self.from_pyfile(path, silent=silent)
        if silent:
            return False
        raise RuntimeError(
            f"The environment variable {variable_name!r} is not set and as such configuration could not be loaded."
            " Set this variable and make it point to a configuration file"
        )

    def from_prefixed_env(self, prefix: str | None = None, *, loads: Callable[[str], t.Any] = json.loads) -> bool:
        """Load the environment variables that start with a prefix and an underscore, in sorted order.

        ``KOLBEN_SECRET_KEY=x`` sets ``SECRET_KEY``; a double underscore reaches into nested dicts, which are created
        where they are missing: ``KOLBEN_MAIL__PORT=25`` sets ``config["MAIL"]["PORT"]``.

        :param prefix: without underscore. Unless it is given, ``FLASK_`` variables are loaded and then ``KOLBEN_``
            ones over them.
        :param loads: converts each value; whatever it raises, the value stays the string that it was.
        :return: ``True``.
        """
        for name in _PREFIXES if prefix is None else (prefix,):
            start = f"{name}_"
            for variable in sorted(os.environ):
                if variable.startswith(start):
                    self._set_nested(variable.removeprefix(start), _loaded(os.environ[variable], loads))
        self._changed()
        return True

    def _set_nested(self, path: str, value: t.Any) -> None:
        *parents, key = path.split("__")
        target: dict[str, t.Any] = self
        for parent in parents:
            if parent not in target:
                target[parent] = {}
            target = target[parent]
        target[key] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take over its upper-case names, as :meth:`from_object` does for a module.

        :param filename: absolute, or relative to the root path. It is executed: never a file that others can write.
        :param silent: return ``False`` where the file is missing.
        :return: whether the file was loaded.
        """
        path = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = path
        try:
            with open(path, mode="rb") as file:
                source = file.read()
        except OSError as exc:
            return _missing(exc, silent)
        exec(compile(source, path, "exec"), module.__dict__)
        self.from_object(module)
        return True

    def from_object(self, obj: object | str) -> None:
        """Take over the upper-case attributes of an object: usually a module or a class, not a dict.

        :param obj: the object, or the dotted name to import it by. A class with properties must be instantiated
            before it is passed.
        """
        if isinstance(obj, str):
            obj = import_string(obj)
        for key in dir(obj):
            if key.isupper():
                self[key] = getattr(obj, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[t.IO[t.Any]], Mapping[str, t.Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Load a data file with a function of your choice, for example ``tomllib.load`` and ``text=False``.

        :param filename: absolute, or relative to the root path.
        :param load: takes the open file, returns a mapping for :meth:`from_mapping`.
        :param silent: return ``False`` where the file is missing.
        :param text: open the file as text (``True``) or as bytes.
        :return: whether the file was loaded.
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "r" if text else "rb") as file:
                values = load(file)
        except OSError as exc:
            return _missing(exc, silent)
        return self.from_mapping(values)

    def from_mapping(
        self, mapping: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]] | None = None, **kwargs: t.Any
    ) -> bool:
        """Update from a mapping, pairs or keywords, ignoring keys that are not upper case. Returns ``True``."""
        for key, value in dict(mapping or {}, **kwargs).items():
            if key.isupper():
                self[key] = value
        return True

    def get_namespace(self, namespace: str, lowercase: bool = True, trim_namespace: bool = True) -> dict[str, t.Any]:
        """Return the settings whose names start with a prefix, ready to be passed on as keyword arguments.

            >>> config = Config("", {"STORE_TYPE": "fs", "STORE_PATH": "/var/images"})
            >>> config.get_namespace("STORE_")
            {'type': 'fs', 'path': '/var/images'}

        :param lowercase: write the keys of the result in lower case.
        :param trim_namespace: leave the prefix out of the keys of the result.
        """
        cut = len(namespace) if trim_namespace else 0
        return {
            key[cut:].lower() if lowercase else key[cut:]: value
            for key, value in self.items()
            if key.startswith(namespace)
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict.__repr__(self)}>"

    @property
    def _on_change(self) -> Callable[[], None] | None:
        """Called without arguments after every change of a value: the application drops what it compiled from the
        configuration. A method is held weakly, so that its object ends when nobody else needs it.
        """
        return None if self._find_on_change is None else self._find_on_change()

    @_on_change.setter
    def _on_change(self, call: Callable[[], None] | None) -> None:
        self._find_on_change = WeakMethod(call) if isinstance(call, types.MethodType) else lambda: call

    def __getstate__(self) -> dict[str, t.Any]:
        # NOTE: a copy, or what was pickled, belongs to no application.
        return {name: value for name, value in self.__dict__.items() if name != "_find_on_change"}

    def _changed(self) -> None:
        on_change = self._on_change
        if on_change is not None:
            on_change()

    def __setitem__(self, key: str, value: t.Any) -> None:
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed()

    def __ior__(self, other: Mapping[str, t.Any] | Iterable[tuple[str, t.Any]]) -> t.Self:  # type: ignore[override,misc]  # dict overloads it
        self.update(other)
        return self

    def update(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().update(*args, **kwargs)
        self._changed()

    def setdefault(self, key: str, default: t.Any = None, /) -> t.Any:
        value = super().setdefault(key, default)
        self._changed()
        return value

    def pop(self, *args: t.Any) -> t.Any:
        value = super().pop(*args)
        self._changed()
        return value

    def popitem(self) -> tuple[str, t.Any]:
        item = super().popitem()
        self._changed()
        return item

    def clear(self) -> None:
        super().clear()
        self._changed()


class ConfigAttribute(t.Generic[T]):
    """An attribute of the application that reads and writes one of its settings.

    :param name: the setting.
    :param get_converter: applied to the value whenever it is read.
    """

    def __init__(self, name: str, get_converter: Callable[[t.Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @t.overload
    def __get__(self, obj: None, owner: type[t.Any] | None = None) -> t.Self: ...

    @t.overload
    def __get__(self, obj: Kolben, owner: type[Kolben] | None = None) -> T: ...

    def __get__(self, obj: Kolben | None, owner: type[t.Any] | None = None) -> T | t.Self:
        if obj is None:
            return self
        value: T = obj.config[self.__name__]
        return value if self.get_converter is None else self.get_converter(value)

    def __set__(self, obj: Kolben, value: t.Any) -> None:
        obj.config[self.__name__] = value


def _loaded(text: str, loads: Callable[[str], t.Any]) -> t.Any:
    try:
        return loads(text)
    except Exception:
        return text


def _missing(exc: OSError, silent: bool) -> bool:
    if silent and exc.errno in _NO_FILE:
        return False
    exc.strerror = f"Unable to load configuration file ({exc.strerror})"
    raise exc
