"""Blueprints: parts of an application, recorded first and replayed on the application that registers them."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from functools import update_wrapper

from .registrar import (
    Registrar,
    T_after_request,
    T_after_websocket,
    T_before_request,
    T_error_handler,
    T_teardown,
    T_template_context_processor,
    T_url_defaults,
    T_url_value_preprocessor,
    endpoint_from_view_func,
    setupmethod,
)

if t.TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from .app import Kolben

F = t.TypeVar("F", bound="Callable[..., t.Any]")
DeferredSetupFunction = t.Callable[["BlueprintSetupState"], t.Any]

_sentinel: t.Any = object()


class BlueprintSetupState:
    """One registration of a blueprint on an application: what :meth:`Blueprint.record` functions get.

    :param options: the keyword arguments of :meth:`.Kolben.register_blueprint`.
    :param first_registration: False if the blueprint was registered on the application before, under another name.
    """

    def __init__(self, blueprint: Blueprint, app: Kolben, options: t.Any, first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        subdomain = options.get("subdomain")
        self.subdomain = blueprint.subdomain if subdomain is None else subdomain
        url_prefix = options.get("url_prefix")
        self.url_prefix = blueprint.url_prefix if url_prefix is None else url_prefix
        self.name = options.get("name", blueprint.name)
        self.name_prefix = options.get("name_prefix", "")
        self.url_defaults = {**blueprint.url_values_defaults, **dict(options.get("url_defaults", ()))}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., t.Any] | None = None,
        **options: t.Any,
    ) -> None:
        """Register a rule on the application, below the prefix and with the name of this registration."""
        if self.url_prefix is not None:
            rule = "/".join((self.url_prefix.rstrip("/"), rule.lstrip("/"))) if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = endpoint_from_view_func(view_func)
        defaults = self.url_defaults
        if "defaults" in options:
            defaults = dict(defaults, **options.pop("defaults"))
        self.app.add_url_rule(
            rule, f"{self.name_prefix}.{self.name}.{endpoint}".lstrip("."), view_func, defaults=defaults, **options
        )


class Blueprint(Registrar):
    """A part of an application: routes, hooks, error handlers, templates, static files, commands.

    :param name: prefixed to its endpoints: ``url_for("name.endpoint")``.
    :param import_name: usually ``__name__``.
    :param url_prefix: put before all its rules.
    :param subdomain: the subdomain its rules match on.
    :param url_defaults: values its rules get by default.
    :param cli_group: name of the group of its commands; ``None`` to add them to the application's own.
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, t.Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _sentinel,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.deferred_functions: list[DeferredSetupFunction] = []
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self._blueprints: list[tuple[Blueprint, dict[str, t.Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint '{self.name}'. It has already"
                " been registered at least once, any changes will not be applied consistently.\nMake sure all imports,"
                " decorators, functions, etc. needed to set up the blueprint are done before registering it."
            )

    # -- recording ---------------------------------------------------------------------------------------------------

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Call ``func(state)`` each time the blueprint is registered on an application."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """:meth:`record`, for the first registration on an application only."""

        def wrapper(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(wrapper, func))

    def make_setup_state(
        self, app: Kolben, options: dict[str, t.Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Create the object that the recorded functions get; a subclass may return its own."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: t.Any) -> None:
        """Nest ``blueprint`` in this one.

        :raises ValueError: it is this one.
        """
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._blueprints.append((blueprint, options))

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., t.Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: t.Any,
    ) -> None:
        """Record a rule. See :meth:`.Registrar.route`.

        :raises ValueError: the endpoint or the function's name has a dot in it.
        """
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func and hasattr(view_func, "__name__") and "." in view_func.__name__:
            raise ValueError("'view_func' name may not contain a dot '.' character.")
        self.record(
            lambda s: s.add_url_rule(
                rule, endpoint, view_func, provide_automatic_options=provide_automatic_options, **options
            )
        )

    # -- replaying ---------------------------------------------------------------------------------------------------

    def register(self, app: Kolben, options: dict[str, t.Any]) -> None:
        """Replay everything recorded on ``app``. Called by :meth:`.Kolben.register_blueprint`.

        :raises ValueError: the name is taken.
        """
        self_name = options.get("name", self.name)
        name = f"{options.get('name_prefix', '')}.{self_name}".lstrip(".")
        if name in app.blueprints:
            described = "this" if app.blueprints[name] is self else "a different"
            existing_at = f" '{name}'" if self_name != name else ""
            raise ValueError(
                f"The name '{self_name}' is already registered for {described} blueprint{existing_at}. Use 'name=' to"
                " provide a unique name."
            )
        first_registration = not any(bp is self for bp in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first_registration)
        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>", view_func=self.send_static_file, endpoint="static"
            )
        self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options)
        for blueprint, own_options in self._blueprints:
            blueprint.register(app, _nested_options(blueprint, state, own_options, name))

    def _register_commands(self, app: Kolben, name: str, options: dict[str, t.Any]) -> None:
        if "_cli" not in self.__dict__ or not self.cli.commands:
            return
        group = options.get("cli_group", self.cli_group)
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is _sentinel else group
        app.cli.add_command(self.cli)

    def _merge_blueprint_funcs(self, app: Kolben, name: str) -> None:
        def scope(key: str | None) -> str:
            return name if key is None else f"{name}.{key}"

        for key, by_code in self.error_handler_spec.items():
            app.error_handler_spec[scope(key)] = defaultdict(
                dict, {code: dict(handlers) for code, handlers in by_code.items()}
            )
        app.view_functions.update(self.view_functions)
        for registry in (
            "before_request_funcs",
            "after_request_funcs",
            "teardown_request_funcs",
            "before_websocket_funcs",
            "after_websocket_funcs",
            "teardown_websocket_funcs",
            "url_default_functions",
            "url_value_preprocessors",
            "template_context_processors",
        ):
            theirs = getattr(app, registry)
            for key, functions in getattr(self, registry).items():
                theirs.setdefault(scope(key), []).extend(functions)

    # -- for the whole application -----------------------------------------------------------------------------------

    @setupmethod
    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template filter of the application."""
        return self._app_template("filters", name)

    @setupmethod
    def add_app_template_filter(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template filter of the application."""
        self._app_template("filters", name)(f)

    @setupmethod
    def app_template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template test of the application."""
        return self._app_template("tests", name)

    @setupmethod
    def add_app_template_test(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template test of the application."""
        self._app_template("tests", name)(f)

    @setupmethod
    def app_template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Decorate a function as a template global of the application."""
        return self._app_template("globals", name)

    @setupmethod
    def add_app_template_global(self, f: Callable[..., t.Any], name: str | None = None) -> None:
        """Register a template global of the application."""
        self._app_template("globals", name)(f)

    def _app_template(self, kind: str, name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            def register(state: BlueprintSetupState) -> None:
                getattr(state.app.jinja_env, kind)[name or f.__name__] = f

            self.record_once(register)
            return f

        return decorator

    def _app_function(self, registry: str, f: F) -> F:
        self.record_once(lambda s: getattr(s.app, registry).setdefault(None, []).append(f))
        return f

    @setupmethod
    def before_app_request(self, f: T_before_request) -> T_before_request:
        """:meth:`.Kolben.before_request`, for every request of the application."""
        return self._app_function("before_request_funcs", f)

    @setupmethod
    def after_app_request(self, f: T_after_request) -> T_after_request:
        """:meth:`.Kolben.after_request`, for every request of the application."""
        return self._app_function("after_request_funcs", f)

    @setupmethod
    def teardown_app_request(self, f: T_teardown) -> T_teardown:
        """:meth:`.Kolben.teardown_request`, for every request of the application."""
        return self._app_function("teardown_request_funcs", f)

    @setupmethod
    def before_app_websocket(self, f: T_before_request) -> T_before_request:
        """:meth:`.Kolben.before_websocket`, for every WebSocket of the application."""
        return self._app_function("before_websocket_funcs", f)

    @setupmethod
    def after_app_websocket(self, f: T_after_websocket) -> T_after_websocket:
        """:meth:`.Kolben.after_websocket`, for every WebSocket of the application."""
        return self._app_function("after_websocket_funcs", f)

    @setupmethod
    def teardown_app_websocket(self, f: T_teardown) -> T_teardown:
        """:meth:`.Kolben.teardown_websocket`, for every WebSocket of the application."""
        return self._app_function("teardown_websocket_funcs", f)

    @setupmethod
    def app_context_processor(self, f: T_template_context_processor) -> T_template_context_processor:
        """:meth:`.Kolben.context_processor`, for every template of the application."""
        return self._app_function("template_context_processors", f)

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[T_error_handler], T_error_handler]:
        """:meth:`.Kolben.errorhandler`, for every request of the application."""

        def decorator(f: T_error_handler) -> T_error_handler:
            self.record_once(lambda s: s.app.register_error_handler(code, f))
            return f

        return decorator

    @setupmethod
    def app_url_value_preprocessor(self, f: T_url_value_preprocessor) -> T_url_value_preprocessor:
        """:meth:`.Kolben.url_value_preprocessor`, for every request of the application."""
        return self._app_function("url_value_preprocessors", f)

    @setupmethod
    def app_url_defaults(self, f: T_url_defaults) -> T_url_defaults:
        """:meth:`.Kolben.url_defaults`, for every URL of the application."""
        return self._app_function("url_default_functions", f)


def _nested_options(
    blueprint: Blueprint, parent: BlueprintSetupState, options: dict[str, t.Any], name_prefix: str
) -> dict[str, t.Any]:
    """The options to register a nested blueprint with: its own prefix and subdomain inside its parent's."""
    options = options.copy()
    prefix, subdomain = options.get("url_prefix"), options.get("subdomain")
    prefix = blueprint.url_prefix if prefix is None else prefix
    subdomain = blueprint.subdomain if subdomain is None else subdomain
    if parent.subdomain is not None:
        subdomain = parent.subdomain if subdomain is None else f"{subdomain}.{parent.subdomain}"
    if parent.url_prefix is not None:
        prefix = parent.url_prefix if prefix is None else parent.url_prefix.rstrip("/") + "/" + prefix.lstrip("/")
    if subdomain is not None:
        options["subdomain"] = subdomain
    if prefix is not None:
        options["url_prefix"] = prefix
    options["name_prefix"] = name_prefix
    return options
