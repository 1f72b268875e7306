"""The application: what was declared, how it is configured, and the two doors that servers call.

No request is answered in this file. On first use the application freezes: :mod:`kolben.dispatch.build` makes plans of
its registries, and :mod:`kolben.protocols` answers from those.
"""

from __future__ import annotations

import os
import sys
import threading
import typing as t
from datetime import timedelta
from functools import lru_cache

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter

from . import urls
from .config import Config, ConfigAttribute
from .ctx import AppContext, RequestContext, _AppCtxGlobals
from .dispatch import overridable
from .dispatch.build import Plans
from .globals import g, request, session
from .helpers import get_debug_flag
from .http.request import Request
from .http.response import Response
from .http.response import redirect as _redirect
from .json.provider import DefaultJSONProvider, JSONProvider
from .logging import create_logger
from .protocols import asgi, wsgi
from .protocols.lifespan import Serving
from .registrar import Registrar, StaticView, T_teardown, endpoint_from_view_func, setupmethod
from .registries import watched
from .routing import Map, Rule
from .sessions import SecureCookieSessionInterface, SessionInterface

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, ValuesView

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.wrappers import Response as WerkzeugResponse

    from . import typing as ft
    from .blueprints import Blueprint
    from .routing import BuildError, MapAdapter
    from .templating import DispatchingJinjaLoader, Environment
    from .testing import KolbenClient, KolbenCliRunner, TestApp

F = t.TypeVar("F", bound="Callable[..., t.Any]")
T_shell_context_processor = t.TypeVar("T_shell_context_processor", bound="ft.ShellContextProcessorCallable")
T_before_serving = t.TypeVar("T_before_serving", bound="ft.BeforeServingCallable")
T_after_serving = t.TypeVar("T_after_serving", bound="ft.AfterServingCallable")
T_while_serving = t.TypeVar("T_while_serving", bound="ft.WhileServingCallable")


def _make_timedelta(value: timedelta | int | None) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, int) else value


@lru_cache(maxsize=1)
def _templating() -> t.Any:
    # NOTE: loaded with the first template.
    from . import templating

    return templating


class Kolben(Registrar):
    """A web application: a WSGI and an ASGI application in one object, with Flask's interface.

    ::

        app = Kolben(__name__)

        @app.route("/")
        def hello():
            return "Hello, World!"

    :param import_name: usually ``__name__``: where templates, static files and the instance folder are looked for.
    :param static_url_path: URL prefix of the static files; by default the static folder's name.
    :param static_folder: folder of static files, relative to the application's.
    :param static_host: the host static files are served on; needed with ``host_matching``.
    :param host_matching: match rules by their ``host``.
    :param subdomain_matching: match rules by their ``subdomain``, relative to ``SERVER_NAME``.
    :param template_folder: folder of templates, relative to the application's.
    :param instance_path: absolute path of a folder for files that belong to this deployment.
    :param instance_relative_config: read configuration files from the instance folder.
    :param root_path: the application's folder, if it cannot be found by ``import_name``.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    aborter_class = Aborter
    app_ctx_globals_class = _AppCtxGlobals
    config_class = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    url_rule_class = Rule
    url_map_class = Map
    session_interface: SessionInterface = SecureCookieSessionInterface()
    jinja_options: t.ClassVar[dict[str, t.Any]] = {}
    test_client_class: type[KolbenClient] | None = None
    test_cli_runner_class: type[KolbenCliRunner] | None = None

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute[timedelta](
        "PERMANENT_SESSION_LIFETIME",
        get_converter=_make_timedelta,  # type: ignore[arg-type]  # never None here
    )

    explains_errors = True
    """Whether an error says its reason in production too, as JSON to clients that prefer it (RFC 9457)."""

    default_config: t.ClassVar[t.Any] = ImmutableDict(
        {
            "DEBUG": None,
            "TESTING": False,
            "PROPAGATE_EXCEPTIONS": None,
            "SECRET_KEY": None,
            "SECRET_KEY_FALLBACKS": None,
            "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
            "USE_X_SENDFILE": False,
            "TRUSTED_HOSTS": None,
            "SERVER_NAME": None,
            "APPLICATION_ROOT": "/",
            "SESSION_COOKIE_NAME": "session",
            "SESSION_COOKIE_DOMAIN": None,
            "SESSION_COOKIE_PATH": None,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SECURE": None,
            "SESSION_COOKIE_PARTITIONED": False,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_REFRESH_EACH_REQUEST": True,
            "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
            "BODY_TIMEOUT": 3600.0,
            "BODY_MIN_RATE": 500,
            "MAX_FORM_MEMORY_SIZE": 500_000,
            "MAX_FORM_PARTS": 1_000,
            "MAX_FORM_PART_HEADERS": 8,
            "MAX_FORM_PART_HEADER_SIZE": 8192,
            "SEND_FILE_MAX_AGE_DEFAULT": None,
            "SEND_FILE_FOLLOW_SYMLINKS": False,
            "TRAP_BAD_REQUEST_ERRORS": None,
            "TRAP_HTTP_EXCEPTIONS": False,
            "EXPLAIN_TEMPLATE_LOADING": False,
            "PREFERRED_URL_SCHEME": "http",
            "TEMPLATES_AUTO_RELOAD": None,
            "MAX_COOKIE_SIZE": 4093,
            "PROVIDE_AUTOMATIC_OPTIONS": True,
            "WEBSOCKET_ALLOWED_ORIGINS": (),
            "WEBSOCKET_MAX_MESSAGE_SIZE": 1024 * 1024,
            "SHUTDOWN_TIMEOUT": 10.0,
        }
    )

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        self._plans: dict[bool, Plans] = {}
        self.frozen: dict[bool, Plans] = {}
        self._freezing = threading.RLock()
        self._got_first_request = False
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):
            raise ValueError("If an instance path is provided it must be absolute. A relative path was given instead.")
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, t.Any]], str | None]] = []
        self.teardown_appcontext_funcs: list[Callable[..., t.Any]] = watched([], self._registries_changed)
        self.shell_context_processors: list[Callable[[], dict[str, t.Any]]] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, t.Any] = {}
        self.view_options: dict[str, dict[str, t.Any]] = {}
        self.url_map: Map = self.url_map_class(host_matching=host_matching)
        self.subdomain_matching = subdomain_matching
        self.serving = Serving(self)
        asgi.mark(self)
        if self.has_static_folder:
            self._add_static_route(static_host)

    def _add_static_route(self, host: str | None) -> None:
        assert bool(host) == self.url_map.host_matching, "Invalid static_host/host_matching combination"
        rule = f"{self.static_url_path}/<path:filename>"
        self.add_url_rule(rule, endpoint="static", host=host, view_func=StaticView(self))

    # -- freezing ----------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: t.Any) -> None:
        """Set an attribute; what was compiled from the old one is dropped and made again when next needed."""
        object.__setattr__(self, name, value)
        if name not in {"_plans", "frozen", "_got_first_request", "_cli", "_jinja_loader"}:
            self._thaw()

    def _thaw(self) -> None:
        if self.__dict__.get("_plans"):
            self._plans, self.frozen = {}, {}

    def _registries_changed(self) -> None:
        self._thaw()

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the application. It has already handled its"
                " first request, any changes will not be applied consistently.\nMake sure all imports, decorators,"
                " functions, etc. needed to set up the application are done before running it."
            )
        self._thaw()

    def plans(self, on_loop: bool) -> Plans:
        """The plans for one protocol as things stand; set-up may go on, and drops them."""
        plans = self._plans.get(on_loop)
        if plans is None:
            with self._freezing:
                plans = self._plans.get(on_loop)
                if plans is None:
                    plans = self._plans[on_loop] = Plans(self, on_loop, overridable.find_overrides(self, Kolben))
        return plans

    def freeze(self, on_loop: bool) -> Plans:
        """End the set-up: what a protocol calls for its first request."""
        with self._freezing:
            if not self._got_first_request:
                self._plans = {}
                from .dispatch.fit import check_views

                check_views(self, self.plans(on_loop))
                self._got_first_request = True
            plans = self.frozen[on_loop] = self.plans(on_loop)
            plans.compile()
        return plans

    # -- the two doors -----------------------------------------------------------------------------------------------

    def __call__(self, first: t.Any, second: t.Any, third: t.Any = None) -> t.Any:
        """``app(environ, start_response)`` as WSGI calls it, ``await app(scope, receive, send)`` as ASGI does."""
        # PERF: benchmarks/inprocess.py, kind "plain text". Doors that nobody wrapped are not gone through twice.
        plans = self.frozen.get(third is not None)
        if plans is None or not plans.is_direct:
            return self.wsgi_app(first, second) if third is None else self.asgi_app(first, second, third)
        if third is None:
            return wsgi.serve(plans, first, second)
        return asgi.serve(plans, first, second, third)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application (PEP 3333). Wrap it in middleware by ``app.wsgi_app = Middleware(app.wsgi_app)``."""
        return wsgi.serve(self.frozen.get(False) or self.freeze(False), environ, start_response)

    async def asgi_app(self, scope: dict[str, t.Any], receive: t.Any, send: t.Any) -> None:
        """The ASGI application. Wrap it in middleware by ``app.asgi_app = Middleware(app.asgi_app)``."""
        plans = self.frozen.get(True)
        if plans is None:
            plans = self.plans(True) if scope["type"] == "lifespan" else self.freeze(True)
        await asgi.serve(plans, scope, receive, send)

    def app_context(self) -> AppContext:
        """A context in which ``current_app`` and ``g`` work, to be used by ``with``."""
        return AppContext(self)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """The context of a request given as a WSGI environ."""
        return RequestContext().bind(self.plans(on_loop=False), self.request_class(environ))

    def test_request_context(self, *args: t.Any, **kwargs: t.Any) -> RequestContext:
        """The context of a made-up request, to be used by ``with`` in tests and shells.

        Takes what :class:`.EnvironBuilder` takes: ``path``, ``method``, ``data``, ``json``, ``headers`` ...
        """
        from .testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    # -- the steps of a request, each to be overridden by a subclass -------------------------------------------------

    full_dispatch_request = overridable.full_dispatch_request
    preprocess_request = overridable.preprocess_request
    dispatch_request = overridable.dispatch_request
    raise_routing_exception = overridable.raise_routing_exception
    make_default_options_response = overridable.make_default_options_response
    make_response = overridable.make_response
    finalize_request = overridable.finalize_request
    process_response = overridable.process_response
    handle_user_exception = overridable.handle_user_exception
    handle_http_exception = overridable.handle_http_exception
    handle_exception = overridable.handle_exception
    trap_http_exception = overridable.trap_http_exception
    should_ignore_error = overridable.should_ignore_error
    do_teardown_request = overridable.do_teardown_request
    do_teardown_appcontext = overridable.do_teardown_appcontext
    ensure_sync = overridable.ensure_sync
    async_to_sync = overridable.async_to_sync

    def log_exception(self, exc_info: t.Any) -> None:
        """Log an unhandled exception with the request's path and method.

        FLASK: it stands in this file for the sake of the log line, which names the module: "ERROR in app".
        """
        self.logger.error(f"Exception on {request.path} [{request.method}]", exc_info=exc_info)

    # -- what it is made of ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name for logs and messages: ``import_name``, or the file's name for a script."""
        name = self.__dict__.get("_name")
        if name is None:
            name = self._name = self._find_name()
        return t.cast(str, name)

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    def _find_name(self) -> str:
        if self.import_name != "__main__":
            return self.import_name
        file: str | None = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if file is None else os.path.splitext(os.path.basename(file))[0]

    @property
    def logger(self) -> logging.Logger:
        """The logger named like the application; gets a handler when debugging or if none is configured."""
        logger = self.__dict__.get("_logger")
        if logger is None:
            logger = self._logger = create_logger(self)
        return t.cast("logging.Logger", logger)

    if t.TYPE_CHECKING:
        jinja_environment: type[Environment]
    else:

        @property
        def jinja_environment(self) -> type[Environment]:
            """The class of :attr:`jinja_env`; a subclass of the application may set its own."""
            from .templating import Environment

            return self.__dict__.get("_jinja_environment", Environment)

        @jinja_environment.setter
        def jinja_environment(self, value: type[Environment]) -> None:
            self._jinja_environment = value

    @property
    def jinja_env(self) -> Environment:
        """The Jinja environment, created when first asked for."""
        env = self.__dict__.get("_jinja_env")
        if env is None:
            env = self._jinja_env = self.create_jinja_environment()
        return t.cast("Environment", env)

    def create_jinja_environment(self) -> Environment:
        """Create :attr:`jinja_env` from :attr:`jinja_options` and the methods that steer it."""
        from .helpers import get_flashed_messages

        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            auto_reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if auto_reload is None else auto_reload
        env = self.jinja_environment(self, **options)
        env.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            request=request,
            session=session,
            g=g,
        )
        env.policies["json.dumps_function"] = self.json.dumps
        return env

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """The loader that asks the application's loader and then those of its blueprints."""
        from .templating import DispatchingJinjaLoader

        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Whether a template escapes what it inserts: HTML, XML and SVG do, and templates given as strings."""
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    def update_template_context(self, context: dict[str, t.Any]) -> None:
        """Add to ``context`` what the context processors give; what it already has wins."""
        _templating().update_template_context(self, context)

    def make_config(self, instance_relative: bool = False) -> Config:
        """Create :attr:`config` from :attr:`default_config`."""
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        config = self.config_class(self.instance_path if instance_relative else self.root_path, defaults)
        config._on_change = self._thaw
        return config

    def make_aborter(self) -> Aborter:
        """Create :attr:`aborter`, which :func:`.abort` calls."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Where the instance folder is if none is given: beside the application, or in the prefix of its package."""
        from .instance import find_package

        prefix, package_path = find_package(self.import_name)
        if prefix is None:
            return os.path.join(package_path, "instance")
        return os.path.join(prefix, "var", f"{self.name}-instance")

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> t.IO[t.Any]:
        """Open a file relative to the instance folder, for reading or writing.

        :param encoding: for text modes.
        """
        path = os.path.join(self.instance_path, resource)
        return open(path, mode) if "b" in mode else open(path, mode, encoding=encoding)

    @property
    def debug(self) -> bool:
        """Whether errors are shown and templates reloaded; the ``DEBUG`` setting."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]  # PERF: a cast is a call

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None and "_jinja_env" in self.__dict__:
            self.jinja_env.auto_reload = value

    # -- setting up --------------------------------------------------------------------------------------------------

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Replay a blueprint on this application.

        :param url_prefix: instead of the blueprint's own; likewise ``subdomain``, ``url_defaults`` and ``name``.
        """
        blueprint.register(self, options)

    def iter_blueprints(self) -> ValuesView[Blueprint]:
        """The registered blueprints, in order."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., t.Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule and its view function. See :meth:`.Registrar.route` for the options.

        :raises AssertionError: the endpoint already belongs to another function.
        :raises TypeError: ``methods`` is a string.
        """
        if endpoint is None:
            endpoint = endpoint_from_view_func(view_func)
        methods = options.pop("methods", None)
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError('Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])')
        methods = {item.upper() for item in methods} | set(getattr(view_func, "required_methods", ()))
        if provide_automatic_options is None:
            provide_automatic_options = getattr(view_func, "provide_automatic_options", None)
        if provide_automatic_options is None:
            provide_automatic_options = (
                "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"] and not options.get("websocket")
            )
            if provide_automatic_options:
                methods.add("OPTIONS")
        for name in ("blocking", "stream_body", "max_content_length"):
            if name in options:
                self.view_options.setdefault(endpoint, {})[name] = options.pop(name)
        rule_obj = self.url_rule_class(rule, methods=methods, endpoint=endpoint, **options)
        rule_obj.provide_automatic_options = provide_automatic_options
        self.url_map.add(rule_obj)
        if view_func is not None:
            old_func = self.view_functions.get(endpoint)
            if old_func is not None and old_func != view_func:
                raise AssertionError(f"View function mapping is overwriting an existing endpoint function: {endpoint}")
            self.view_functions[endpoint] = view_func

    def _template_function(self, kind: str, name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            getattr(self.jinja_env, kind)[name or f.__name__] = f
            return f

        return decorator

    @setupmethod
    def template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template filter."""
        return self._template_function("filters", name)

    @setupmethod
    def add_template_filter(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template filter."""
        self._template_function("filters", name)(f)

    @setupmethod
    def template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template test."""
        return self._template_function("tests", name)

    @setupmethod
    def add_template_test(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template test."""
        self._template_function("tests", name)(f)

    @setupmethod
    def template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template global."""
        return self._template_function("globals", name)

    @setupmethod
    def add_template_global(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template global."""
        self._template_function("globals", name)(f)

    @setupmethod
    def teardown_appcontext(self, f: T_teardown) -> T_teardown:
        """Call ``f(exc)`` when an application context ends: after each request, command and background task."""
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: T_shell_context_processor) -> T_shell_context_processor:
        """Call ``f()`` for names to add to the interactive shell."""
        self.shell_context_processors.append(f)
        return f

    @setupmethod
    def before_serving(self, f: T_before_serving) -> T_before_serving:
        """Call ``f()`` once in each worker before its first request."""
        self.serving.before(f)
        return f

    @setupmethod
    def after_serving(self, f: T_after_serving) -> T_after_serving:
        """Call ``f()`` once in each worker after its last request."""
        self.serving.after(f)
        return f

    @setupmethod
    def while_serving(self, f: T_while_serving) -> T_while_serving:
        """Run the generator ``f()`` up to its ``yield`` before a worker's first request, the rest after its last."""
        self.serving.around(f)
        return f

    # -- for views ---------------------------------------------------------------------------------------------------

    def redirect(self, location: str, code: int = 302) -> WerkzeugResponse:
        """A response that sends the client to ``location``."""
        return _redirect(location, code=code, Response=self.response_class)

    @urls.plainly
    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: t.Any,
    ) -> str:
        """Build the URL of an endpoint.

        :param endpoint: its name; with a dot in front, one of the current blueprint.
        :param _anchor: put behind ``#``.
        :param _method: choose the rule that answers this method.
        :param _scheme: the URL's scheme; the URL is external then.
        :param _external: whether to begin with scheme and host; by default only outside a request.
        :param values: the rule's variables; others become the query.
        :raises BuildError: no rule of that name takes these values, and no handler of
            :attr:`url_build_error_handlers` knows better.
        """
        return urls.build_url(self, endpoint, _anchor, _method, _scheme, _external, values)

    def inject_url_defaults(self, endpoint: str, values: dict[str, t.Any]) -> None:
        """Let the functions of ``url_defaults`` add to ``values``."""
        urls.inject_defaults(self, endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, t.Any]) -> str:
        """Ask :attr:`url_build_error_handlers` for a URL that could not be built; the first answer counts.

        :raises BuildError: nobody knows.
        """
        for handler in self.url_build_error_handlers:
            try:
                rv = handler(error, endpoint, values)
            except type(error) as exc:
                error = exc
            else:
                if rv is not None:
                    return rv
        raise error

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The adapter that matches and builds URLs for a request, or for ``SERVER_NAME`` without one."""
        return urls.make_adapter(self, request)

    @property
    def draining(self) -> bool:
        """Whether the server was told to stop: a view that takes long, or a health check, may want to know.

        New requests go elsewhere, those under way are finished, streams of events and WebSockets are closed.
        """
        return self.serving.is_draining

    def add_background_task(self, func: Callable[..., t.Any], /, *args: t.Any, **kwargs: t.Any) -> None:
        """Call ``func`` after the response, in an application context of its own; wait for it at shutdown.

        :param func: sync (runs in a thread) or async (runs on the worker's event loop).
        """
        self.serving.add_task(func, args, kwargs)

    # -- running and testing -----------------------------------------------------------------------------------------

    def make_shell_context(self) -> dict[str, t.Any]:
        """The names that the interactive shell starts with."""

        context: dict[str, t.Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            context.update(processor())
        return context

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: t.Any,
    ) -> None:
        """Serve this application for development.

        :param host: by default that of ``SERVER_NAME``, or ``127.0.0.1``.
        :param port: by default that of ``SERVER_NAME``, or 5000.
        :param debug: sets :attr:`debug`; reload and debugger follow it.
        :param load_dotenv: read ``.env`` and ``.flaskenv`` first.
        :param options: passed to the server.
        """
        from .server.development.serve import run

        run(self, host, port, debug, load_dotenv, options)

    def test_client(self, use_cookies: bool = True, *, async_: bool = False, **kwargs: t.Any) -> t.Any:
        """A client for tests.

        :param async_: True for one with ``await``, WebSockets and streaming, on the test's own loop.
        :param kwargs: passed to :attr:`test_client_class`.
        """
        from .testing import AsyncClient, KolbenClient

        if async_:
            return AsyncClient(self, use_cookies=use_cookies, **kwargs)
        return (self.test_client_class or KolbenClient)(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_app(self) -> TestApp:
        """This application between its start-up and its shutdown, to be used by ``async with`` in tests."""
        from .testing import TestApp

        return TestApp(self)

    def test_cli_runner(self, **kwargs: t.Any) -> KolbenCliRunner:
        """A runner for testing this application's commands."""
        from .testing import KolbenCliRunner

        return (self.test_cli_runner_class or KolbenCliRunner)(self, **kwargs)
