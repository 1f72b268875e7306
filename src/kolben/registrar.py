"""The decorators that an application and a blueprint share. They store what was declared, and nothing else."""

from __future__ import annotations

import os
import typing as t
from collections import defaultdict
from datetime import timedelta
from functools import lru_cache, update_wrapper
from weakref import ref

from werkzeug.exceptions import HTTPException, default_exceptions

from .globals import current_app, get_current
from .helpers import get_root_path
from .registries import watched

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from click import Group
    from jinja2 import BaseLoader

    from . import typing as ft
    from .http.response import Response

F = t.TypeVar("F", bound="Callable[..., t.Any]")
T_route = t.TypeVar("T_route", bound="ft.RouteCallable")
T_websocket = t.TypeVar("T_websocket", bound="ft.WebsocketCallable")
T_before_request = t.TypeVar("T_before_request", bound="ft.BeforeRequestCallable")
T_after_request = t.TypeVar("T_after_request", bound="ft.AfterRequestCallable[t.Any]")
T_teardown = t.TypeVar("T_teardown", bound="ft.TeardownCallable")
T_after_websocket = t.TypeVar("T_after_websocket", bound="ft.AfterWebsocketCallable[t.Any]")
T_template_context_processor = t.TypeVar("T_template_context_processor", bound="ft.TemplateContextProcessorCallable")
T_url_value_preprocessor = t.TypeVar("T_url_value_preprocessor", bound="ft.URLValuePreprocessorCallable")
T_url_defaults = t.TypeVar("T_url_defaults", bound="ft.URLDefaultCallable")
T_error_handler = t.TypeVar("T_error_handler", bound="ft.ErrorHandlerCallable")
Scoped = dict["str | None", list["Callable[..., t.Any]"]]
"""Functions by the blueprint they are for, or ``None``: for the whole application."""

_sentinel: t.Any = object()
_joined = lru_cache(maxsize=256)(os.path.join)


@lru_cache(maxsize=1)
def _directories() -> t.Any:
    # NOTE: loaded with the first file that is sent.
    from .http import directories

    return directories


def setupmethod(f: F) -> F:
    """A method that changes the set-up: refused once the application has handled a request."""
    name = f.__name__

    def wrapper(self: Registrar, *args: t.Any, **kwargs: t.Any) -> t.Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return t.cast(F, update_wrapper(wrapper, f))


def _check_rule(rule: t.Any, decorator: str) -> None:
    """Refuse a decorator without its parentheses, which would register nothing and say nothing."""
    if callable(rule):
        from .places import describe_function

        raise TypeError(
            f"'{decorator}' stands without a rule above the function {describe_function(rule)}. Write it with the path"
            f' that the function answers: {decorator}("/").'
        )


def _default_template_ctx_processor() -> dict[str, t.Any]:
    """Give templates ``g`` and ``request`` themselves instead of the proxies. The session stays a proxy, so that it is
    opened only where a template looks at it."""
    ctx = get_current(None)
    if ctx is None:
        return {}
    if ctx.request is None:
        return {"g": ctx.g}
    return {"g": ctx.g, "request": ctx.request}


# PERF: benchmarks/inprocess.py, kind "template": nobody need find out whether it is.
t.cast(t.Any, _default_template_ctx_processor).is_async = False


class StaticView:
    """The view of an application's static route: sends a file of its static folder.

    Like any view it has a name, and takes the marks that extensions put on views.

    NOTE: a class of its own, so that nothing that decorates it is taken for it.
    """

    def __init__(self, owner: Registrar) -> None:
        self.__name__ = self.__qualname__ = "static"
        # NOTE: a weak reference, so that the application does not keep itself alive through its own view.
        self._owner = ref(owner)

    @property
    def owner(self) -> Registrar:
        """The application."""
        owner = self._owner()
        assert owner is not None
        return owner

    def __call__(self, **values: t.Any) -> Response:
        return self.owner.send_static_file(**values)


class Registrar:
    """What :class:`.Kolben` and :class:`.Blueprint` have in common: a name, folders, and registered functions.

    :param import_name: the name of the module or package it is defined in, usually ``__name__``.
    :param static_folder: folder of static files, relative to ``root_path``; ``None`` for none.
    :param static_url_path: URL prefix of the static files; by default the folder's name.
    :param template_folder: folder of templates, relative to ``root_path``.
    :param root_path: the folder all others are relative to; by default that of ``import_name``.
    """

    name: str
    _static_folder: str | None = None
    _static_url_path: str | None = None
    _cli: Group

    def __init__(
        self,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        self.view_functions: dict[str, Callable[..., t.Any]] = watched({}, self._registries_changed)
        self.error_handler_spec: dict[str | None, dict[int | None, dict[type[Exception], Callable[..., t.Any]]]] = (
            watched(defaultdict(lambda: defaultdict(dict)), self._registries_changed)
        )
        self.before_request_funcs: Scoped = self._registry()
        self.after_request_funcs: Scoped = self._registry()
        self.teardown_request_funcs: Scoped = self._registry()
        self.before_websocket_funcs: Scoped = self._registry()
        self.after_websocket_funcs: Scoped = self._registry()
        self.teardown_websocket_funcs: Scoped = self._registry()
        self.url_value_preprocessors: Scoped = self._registry()
        self.template_context_processors: Scoped = defaultdict(list, {None: [_default_template_ctx_processor]})
        self.url_default_functions: Scoped = defaultdict(list)

    def _registry(self) -> Scoped:
        return watched(defaultdict(list), self._registries_changed)

    def _registries_changed(self) -> None:
        """Called when a registry is written to, by whoever does."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    # -- folders -----------------------------------------------------------------------------------------------------

    @property
    def static_folder(self) -> str | None:
        """The absolute path of the static folder, or ``None``."""
        return None if self._static_folder is None else _joined(self.root_path, self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | os.PathLike[str] | None) -> None:
        self._static_folder = None if value is None else os.fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        """Whether a static folder is set; not whether it exists."""
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """The URL prefix of the static files."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self.static_folder is not None:
            return f"/{os.path.basename(self.static_folder)}".rstrip("/")
        return None

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @property
    def jinja_loader(self) -> BaseLoader | None:
        """Loads templates from :attr:`template_folder`; a subclass may override it."""
        loader = self.__dict__.get("_jinja_loader", _sentinel)
        if loader is _sentinel:
            loader = self._jinja_loader = self._make_jinja_loader()
        return t.cast("BaseLoader | None", loader)

    @jinja_loader.setter
    def jinja_loader(self, value: BaseLoader | None) -> None:
        self._jinja_loader = value

    def _make_jinja_loader(self) -> BaseLoader | None:
        if self.template_folder is None:
            return None
        from jinja2 import FileSystemLoader

        return FileSystemLoader(os.path.join(self.root_path, self.template_folder))

    @property
    def cli(self) -> Group:
        """The click group of this object's commands."""
        group = self.__dict__.get("_cli")
        if group is None:
            from .cli import AppGroup

            group = self._cli = AppGroup()
            # NOTE: the name is what `repr` and error messages show; a blueprint's group is renamed when registered.
            group.name = self.name
        return t.cast("Group", group)

    @cli.setter
    def cli(self, value: Group) -> None:
        self._cli = value

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """How many seconds a browser may keep ``filename``: ``SEND_FILE_MAX_AGE_DEFAULT``, by default ``None``."""
        ctx = get_current(None)
        app: t.Any = current_app if ctx is None else ctx.app  # PERF: benchmarks/inprocess.py, kind "static 304".
        value: timedelta | int | None = app.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return int(value.total_seconds()) if isinstance(value, timedelta) else value

    def send_static_file(self, filename: str) -> Response:
        """The view of the static route: serves ``filename`` from :attr:`static_folder`."""
        folder = self.static_folder
        if folder is None:
            raise RuntimeError("'static_folder' must be set to serve static_files.")
        response: Response = _directories().send_from_directory(
            folder, filename, max_age=self.get_send_file_max_age(filename)
        )
        return response

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = None) -> t.IO[t.Any]:
        """Open a file relative to :attr:`root_path` for reading.

        :param mode: ``"r"``, ``"rt"`` or ``"rb"``.
        :param encoding: for text modes.
        :raises ValueError: any other mode: resources are only read.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Resources can only be opened for reading.")
        path = os.path.join(self.root_path, resource)
        if mode == "rb":
            return open(path, mode)
        return open(path, mode, encoding=encoding)

    # -- routes ------------------------------------------------------------------------------------------------------

    def _method_route(self, method: str, rule: str, options: dict[str, t.Any]) -> Callable[[T_route], T_route]:
        if "methods" in options:
            raise TypeError("Use the 'route' decorator to use the 'methods' argument.")
        _check_rule(rule, f"@app.{method.lower()}")
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """:meth:`route` with ``methods=["GET"]``."""
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """:meth:`route` with ``methods=["POST"]``."""
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """:meth:`route` with ``methods=["PUT"]``."""
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """:meth:`route` with ``methods=["DELETE"]``."""
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """:meth:`route` with ``methods=["PATCH"]``."""
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: t.Any) -> Callable[[T_route], T_route]:
        """Decorate a view function to answer ``rule``.

        ::

            @app.route("/user/<int:id>", methods=["GET", "POST"])
            def user(id): ...

        :param endpoint: the name for :func:`.url_for`; by default the function's.
        :param blocking: False for a synchronous view that never waits: under ASGI it then runs on the event loop.
        :param stream_body: True to get the request's body as it arrives instead of complete.
        :param max_content_length: bytes; this route's limit instead of ``MAX_CONTENT_LENGTH``.
        :param options: further options of :class:`.Rule` (``methods``, ``defaults``, ``strict_slashes`` ...).
        :raises TypeError: it stands without parentheses.
        """
        _check_rule(rule, "@app.route")

        def decorator(f: T_route) -> T_route:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorator

    @setupmethod
    def websocket(self, rule: str, **options: t.Any) -> Callable[[T_websocket], T_websocket]:
        """Decorate a view function to serve WebSockets at ``rule``."""
        _check_rule(rule, "@app.websocket")

        def decorator(f: T_websocket) -> T_websocket:
            endpoint = options.pop("endpoint", None)
            self.add_websocket(rule, endpoint, f, **options)
            return f

        return decorator

    def add_websocket(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., t.Any] | None = None, **options: t.Any
    ) -> None:
        """:meth:`add_url_rule` for a WebSocket."""
        self.add_url_rule(rule, endpoint, view_func, methods=["GET"], websocket=True, **options)

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule and its view function; what :meth:`route` calls."""
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """Decorate a view function to serve ``endpoint``, for rules added without one."""

        def decorator(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorator

    # -- hooks -------------------------------------------------------------------------------------------------------

    @setupmethod
    def before_request(self, f: T_before_request) -> T_before_request:
        """Call ``f()`` before each request; if it returns anything but ``None``, that is the response."""
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: T_after_request) -> T_after_request:
        """Call ``f(response)`` after each request; it returns the response to send."""
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: T_teardown) -> T_teardown:
        """Call ``f(exc)`` when the request is over, whatever happened; ``exc`` is the unhandled exception if any."""
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def before_websocket(self, f: T_before_request) -> T_before_request:
        """Call ``f()`` before each WebSocket's view; what it returns, unless ``None``, refuses the socket."""
        self.before_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """Call ``f(response)`` after each WebSocket's view, with the response if it was refused, else ``None``."""
        self.after_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_websocket(self, f: T_teardown) -> T_teardown:
        """Call ``f(exc)`` when a WebSocket is over, whatever happened."""
        self.teardown_websocket_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """Call ``f()`` before a template is rendered; it returns a dict of names to add."""
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """Call ``f(endpoint, values)`` before the other hooks of a request; it may change ``values`` in place."""
        self.url_value_preprocessors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """Call ``f(endpoint, values)`` before a URL is built; it may change ``values`` in place."""
        self.url_default_functions[None].append(f)
        return f

    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[T_error_handler], T_error_handler]:
        """Decorate a function to answer for an exception class or an HTTP status code."""

        def decorator(f: T_error_handler) -> T_error_handler:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorator

    @setupmethod
    def register_error_handler(self, code_or_exception: type[Exception] | int, f: Callable[..., t.Any]) -> None:
        """:meth:`errorhandler` without the decorator.

        :raises ValueError: the code is no HTTP error, or the class is no exception.
        :raises TypeError: an instance was given.
        """
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(exc_class_or_code: type[Exception] | int) -> tuple[type[Exception], int | None]:
        exc_class: t.Any = exc_class_or_code
        if isinstance(exc_class, int):
            try:
                exc_class = default_exceptions[exc_class]
            except KeyError:
                raise ValueError(
                    f"'{exc_class_or_code}' is not a recognized HTTP error code. Use a subclass of HTTPException with"
                    " that code instead."
                ) from None
        if isinstance(exc_class, Exception):
            raise TypeError(
                f"{exc_class!r} is an instance, not a class. Handlers can only be registered for Exception classes or"
                " HTTP error codes."
            )
        if not issubclass(exc_class, Exception):
            raise ValueError(
                f"'{exc_class.__name__}' is not a subclass of Exception. Handlers can only be registered for"
                " Exception classes or HTTP error codes."
            )
        return exc_class, exc_class.code if issubclass(exc_class, HTTPException) else None


def endpoint_from_view_func(view_func: Callable[..., t.Any] | None) -> str:
    """The default endpoint of a view function: its name."""
    assert view_func is not None, "expected view func if endpoint is not provided."
    return view_func.__name__
