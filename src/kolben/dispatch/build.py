"""From what was declared to what is read: registries in, plans out.

Nothing here runs per request but :meth:`Plans.match` and :meth:`Plans.__missing__`, the latter once per endpoint.
"""

from __future__ import annotations

import typing as t
from functools import partial
from itertools import chain
from types import MethodType

from werkzeug.exceptions import HTTPException

from .. import bridge
from ..globals import get_current
from ..http.body import SPOOL_SIZE
from ..http.headers import encode_headers
from ..http.host import check_trusted, host_is_trusted
from ..http.request import Request, split_blueprint_path
from ..http.wire import Page, make_pager, pack, pack_asgi
from ..json.provider import StdlibJSONProvider
from ..registrar import StaticView
from ..routing import Map, MapAdapter, NoRule, Unmatched, no_rule
from ..sessions import SecureCookieSessionInterface
from . import hooks, overridable, run
from .convert import make_converter, make_explainer
from .errors import explained, find_handler, may_refuse, refuse
from .plan import Mode, Plan

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..app import Kolben
    from ..ctx import RequestContext
    from ..http.pace import Pace
    from ..registrar import Scoped
    from ..routing import Rule
    from ..sessions import SessionInterface, SessionMixin

    Known = tuple[Rule, Plan]


MAX_REMEMBERED = 256
"""How many types of exceptions a plan remembers the handler of; a program may make types as it runs."""


class Plans(dict[t.Any, Plan]):
    """The plans of an application under one protocol, by endpoint; made when an endpoint is first asked for.

    ``plans[None]`` answers requests that no rule matched.

    :param on_loop: whether requests arrive on an event loop (ASGI).
    :param overrides: what :func:`.overridable.find_overrides` found.
    """

    # PERF: benchmarks/inprocess.py, kind "plain text": ten of these are read for each request. What a dict's subclass
    # keeps in an instance's dict takes CPython 3.11 three times as long to find.
    __slots__ = (
        "app",
        "content_type",
        "convert",
        "fixed",
        "holds_body",
        "is_direct",
        "makes_requests_plain",
        "matcher",
        "matches_path_only",
        "matches_plainly",
        "on_loop",
        "options",
        "overrides",
        "pace",
        "page",
        "pages",
        "request_class",
        "sends_text",
        "serving",
        "session_cookie",
        "session_is_lazy",
        "short_body",
        "table",
        "trusted_hosts",
        "url_map",
        "websockets",
    )

    def __init__(self, app: Kolben, on_loop: bool, overrides: frozenset[str]) -> None:
        super().__init__()
        self.app = app
        self.serving = app.serving
        self.on_loop = on_loop
        self.overrides = overrides
        self.is_direct = not self.overrides & {"asgi_app", "wsgi_app"}
        self.convert = app.make_response if "make_response" in self.overrides else make_converter(app)
        # NOTE: `url_map_class` may be Werkzeug's own map, which has no compiled matcher.
        url_map: t.Any = app.url_map
        self.url_map = url_map
        self.matcher: t.Any = url_map.matcher if isinstance(url_map, Map) else None
        self.matches_path_only = isinstance(url_map, Map) and not (
            url_map.host_matching or app.subdomain_matching or "create_url_adapter" in self.overrides
        )
        self.matches_plainly = self.matches_path_only and url_map.adapter_class.match is MapAdapter.match
        self.trusted_hosts = app.config["TRUSTED_HOSTS"]
        check_trusted(self.trusted_hosts)
        self.pace = _pace(app.config)
        body_limit: int | None = app.config["MAX_CONTENT_LENGTH"]
        self.short_body = SPOOL_SIZE if body_limit is None else min(body_limit, SPOOL_SIZE)
        """The most bytes of a body that ASGI brings in one message and that stays as it is."""
        self.request_class = app.request_class
        makers: t.Any = app.request_class.__init__, app.request_class.__new__
        self.makes_requests_plain = makers == (Request.__init__, object.__new__)
        self.holds_body: bool = getattr(app.request_class, "holds_body", True)
        """What a request says of that when it begins."""
        self.table = None if self.matcher is None else self.matcher.table()
        self.fixed: dict[tuple[str, str], Known] = {} if self.table is None else self.table.found
        """Rule and plan (:data:`Known`) by method and path, for the paths without variables that were asked for.

        None where opening a session calls what is the application's own: it finds nothing matched yet, as in Flask."""
        cls = app.response_class
        is_plain = cls.makes_plain and cls.goes_plain and not cls.closes_itself
        self.sends_text = is_plain and "make_response" not in self.overrides
        content_type = ("Content-Type", cls.content_type_sent)
        self.content_type: tuple[t.Any, t.Any] = encode_headers([content_type])[0] if on_loop else content_type
        self.page = make_pager(self.content_type, on_loop, _plain_provider(app), make_explainer(app))
        self.session_is_lazy = _is_lazy(app.session_interface)
        self.session_cookie = app.session_interface.get_cookie_name(app) if self.session_is_lazy else ""
        self.pages: dict[t.Any, Page] = {}
        """What :func:`.refuse` has answered."""
        self.options: dict[str | None, Plan] = {}
        self.websockets: dict[str | None, Plan] = {}

    def compile(self) -> None:
        """Have the matcher ready before the first request comes."""
        if self.matcher is not None:
            self.matcher.compile()

    @property
    def sync(self) -> Plans:
        """The plans for running in the calling thread."""
        return self.app.plans(on_loop=False) if self.on_loop else self

    def of(self, request: Request) -> Plan:
        """The plan of the endpoint that a request was matched to."""
        return self[request.endpoint if request.routing_exception is None else None]

    # -- per request -------------------------------------------------------------------------------------------------

    def match(self, ctx: RequestContext) -> Plan:
        """Find the rule for the request's path and method, note it in the request, and return its plan.

        What :attr:`fixed` has need not be looked for.
        """
        request = ctx.request
        if self.matches_path_only and (self.trusted_hosts is None or self._is_trusted(request)):
            method, match = request.method, self.matcher.match
            try:
                rule, values = match("", request.path, method)
            except Unmatched as reason:
                if type(reason) is not NoRule or not self.matches_plainly:
                    return self._match_by_adapter(ctx)
                request.routing_exception = explained(no_rule(reason), request)
                return self[None]
            request.url_rule, request.view_args = rule, values
            if method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
                return self._options_plan(rule.endpoint)
            plan = self[rule.endpoint]
            if not values:
                self._remember(request, rule, plan, match)
            return plan
        return self._match_by_adapter(ctx)

    def _remember(self, request: Request, rule: Rule, plan: Plan, match: Callable[..., t.Any]) -> None:
        """Keep the plan for a path without variables, of which an application has so many and no more."""
        table, method, path = self.table, request.method, request.path
        is_plain = self.matches_plainly and self.trusted_hosts is None and path.isascii()
        is_unseen = self.session_is_lazy and _signs_plainly(self.app.session_interface)
        if table is not None and is_plain and is_unseen and not rule.arguments and method in (rule.methods or ()):
            table.remember((method, path), (rule, plan), match)

    def _is_trusted(self, request: Request) -> bool:
        """Whether the host is one of the application's. If not, the adapter, which asks for it again, says why."""
        if host_is_trusted(request.host, self.trusted_hosts):
            return True
        del request.host
        return False

    def _match_by_adapter(self, ctx: RequestContext) -> Plan:
        request = ctx.request
        try:
            adapter = ctx.url_adapter
            if adapter is not None:
                request.url_rule, request.view_args = adapter.match(return_rule=True)  # type: ignore[assignment]  # Werkzeug's Rule: ours
        except HTTPException as exc:
            request.routing_exception = explained(exc, request)
            ctx.url_adapter = ctx.__dict__.get("_url_adapter")
            return self[None]
        if request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False):
            return self._options_plan(request.endpoint)
        return self.of(request)

    def match_websocket(self, ctx: RequestContext) -> Plan:
        """:meth:`match` for the handshake of a WebSocket."""
        request = ctx.request
        try:
            adapter = ctx.url_adapter
            assert adapter is not None
            request.url_rule, request.view_args = adapter.match(return_rule=True, websocket=True)  # type: ignore[assignment]  # Werkzeug's Rule: ours
        except HTTPException as exc:
            request.routing_exception = explained(exc, request)
            return self._websocket_plan(None)
        return self._websocket_plan(request.endpoint)

    def open_early(self, ctx: RequestContext) -> None:
        """Open the session before the URL is matched. If that fails, the plan is to answer the error."""
        try:
            ctx.hold_session(self.open_session(ctx))
        except Exception as exc:
            ctx.plan = self._failing(exc)

    def open_session(self, ctx: RequestContext) -> SessionMixin:
        """The session of a request: an unopened one if the interface is Kolben's own, else what the interface says."""
        interface = self.app.session_interface
        session: SessionMixin | None
        if self.session_is_lazy:
            session = t.cast(SecureCookieSessionInterface, interface).lazy_session(self.app, ctx.request)
        else:
            session = interface.open_session(self.app, ctx.request)
        return interface.make_null_session(self.app) if session is None else session

    def create_url_adapter(self, request: Request) -> MapAdapter | None:
        """The adapter that matches and builds for a request."""
        return self.app.create_url_adapter(request)

    # -- once per endpoint -------------------------------------------------------------------------------------------

    def __missing__(self, endpoint: str | None) -> Plan:
        view = _raise_routing_exception if endpoint is None else self._view(endpoint)
        plan = self[endpoint] = self._make(endpoint, view)
        return plan

    def _failing(self, exc: Exception) -> Plan:
        """A plan that runs no view and no hook before it, but answers an exception that came earlier."""
        plan = self._make(None, _raise_routing_exception)
        is_overridden = self.overrides & overridable.STEPS
        fail = overridable.fail if is_overridden else run.fail_async if plan.mode is Mode.LOOP else run.fail
        plan.run = lambda ctx: fail(ctx, exc)
        return plan

    def _options_plan(self, endpoint: str | None) -> Plan:
        plan = self.options.get(endpoint)
        if plan is None:
            app = self.app
            plan = self.options[endpoint] = self._make(endpoint, lambda **values: app.make_default_options_response())
        return plan

    def _websocket_plan(self, endpoint: str | None) -> Plan:
        plan = self.websockets.get(endpoint)
        if plan is None:
            plan = self.websockets[endpoint] = self._make_websocket(endpoint)
        return plan

    def _make_websocket(self, endpoint: str | None) -> Plan:
        from .bind import websocket_parameter

        app, around = self.app, hooks.ON_LOOP
        view = _raise_routing_exception if endpoint is None else self._view(endpoint)
        plan = Plan()
        plan.endpoint = endpoint
        plan.blueprints = blueprints = _blueprints_of(endpoint)
        plan.mode = Mode.LOOP
        plan.is_async = bridge.is_async(view)
        plan.view = view if plan.is_async else bridge.in_own_thread(view)
        rules = app.url_map.iter_rules(endpoint) if endpoint is not None else ()
        variables = {name for rule in rules for name in rule.arguments}
        plan.websocket_parameter = None if endpoint is None else websocket_parameter(view, variables)
        outwards, inwards = (*blueprints, None), (None, *reversed(blueprints))
        plan.convert = self.convert
        plan.preprocessors = around.preprocessors(_collect(app.url_value_preprocessors, inwards))
        plan.before = around.before(_collect(app.before_websocket_funcs, inwards))
        plan.after = around.after_websocket(_collect(app.after_websocket_funcs, outwards, backwards=True))
        plan.teardown = around.teardown(_collect(app.teardown_websocket_funcs, outwards, backwards=True))
        plan.teardown_app = around.teardown(reversed(app.teardown_appcontext_funcs))
        plan.save_session = self._session_saver(plan.mode)
        plan.handlers = {}
        plan.find_handler = self._handler_finder(plan, around.adapt)
        plan.pass_through = bridge.to_async(_pass_through, blocking=False)
        return plan

    def _view(self, endpoint: str) -> Callable[..., t.Any]:
        try:
            return self.app.view_functions[endpoint]
        except KeyError:

            def missing(**values: t.Any) -> t.NoReturn:
                raise KeyError(endpoint)

            return missing

    def _make(self, endpoint: str | None, view: Callable[..., t.Any]) -> Plan:
        app = self.app
        plan = Plan()
        plan.endpoint = endpoint
        plan.blueprints = blueprints = _blueprints_of(endpoint)
        plan.is_async = bridge.is_async(view)
        options = getattr(app, "view_options", {}).get(endpoint, {})
        blocking = options.get("blocking", True) and endpoint is not None
        plan.stream_body = options.get("stream_body", False)
        plan.max_content_length = options.get("max_content_length")
        is_ordinary = not plan.stream_body and plan.max_content_length is None
        plan.takes_short_body = is_ordinary and self.request_class.reads_plainly
        plan.takes_body_early = plan.max_content_length is not None or (plan.is_async and not plan.stream_body)
        outwards, inwards = (*blueprints, None), (None, *reversed(blueprints))
        plan.sends_text = self.sends_text and not _collect(app.after_request_funcs, outwards)
        static = self._static_view(view, outwards, plan.sends_text)
        plan.mode = Mode.LOOP if static is not None and self.on_loop else self._mode(plan, blocking, outwards)
        view = static or view
        is_on_loop = plan.mode is Mode.LOOP
        around = hooks.ON_LOOP if is_on_loop else hooks.SYNC
        plan.view = bridge.to_async(view, blocking=blocking) if is_on_loop else bridge.to_sync(view)
        plan.convert = self.convert
        plan.preprocessors = around.preprocessors(_collect(app.url_value_preprocessors, inwards))
        plan.before = around.before(_collect(app.before_request_funcs, inwards))
        plan.is_led = bool(plan.preprocessors or plan.before)
        plan.after = around.after(_collect(app.after_request_funcs, outwards, backwards=True))
        plan.teardown = around.teardown(_collect(app.teardown_request_funcs, outwards, backwards=True))
        plan.teardown_app = around.teardown(reversed(app.teardown_appcontext_funcs))
        plan.pack = pack_asgi if self.on_loop else pack
        plan.page = self.page
        plan.has_teardown = bool(plan.teardown or plan.teardown_app or self.overrides & overridable.STEPS)
        plan.save_session = self._session_saver(plan.mode)
        plan.handlers = {}
        plan.find_handler = self._handler_finder(plan, around.adapt)
        plan.pass_through = bridge.to_async(_pass_through, blocking=False) if is_on_loop else _pass_through
        overridden = self.overrides & overridable.STEPS
        is_deaf = endpoint is None and not overridden and not self._has_hooks((None,)) and may_refuse(self)
        plan.run = overridable.run if overridden else run.run_async if is_on_loop else run.run
        plan.run = partial(refuse, plan.run) if is_deaf else plan.run
        plan.close = overridable.close if overridden else run.close_async if is_on_loop else run.close
        return plan

    def _mode(self, plan: Plan, blocking: bool, scopes: tuple[str | None, ...]) -> Mode:
        if not self.on_loop:
            return Mode.CALLER
        if self.overrides & overridable.STEPS:
            return Mode.THREAD
        if plan.is_async:
            return Mode.LOOP
        if blocking:
            return Mode.THREAD
        # NOTE: hooks may block even where the view does not: then each of them gets its thread, on the async twin.
        return Mode.LOOP if self._has_hooks(scopes) else Mode.CALLER

    def _static_view(
        self, view: Callable[..., t.Any], scopes: tuple[str | None, ...], sends_pages: bool
    ) -> Callable[..., t.Any] | None:
        """The view of a static route, by a shorter way; ``None`` for any other.

        On the loop it is asynchronous, unless a function around it has to run in a thread anyway.
        """
        if self.overrides & overridable.STEPS or type(view) not in (StaticView, MethodType):
            return None
        from .static import Shortcut, owner_of, sending, sending_at_once  # NOTE: it needs what files need.

        owner = owner_of(view, self.app)
        if owner is None or (self.on_loop and not all(map(bridge.is_async, self._hooks(scopes)))):
            return None
        shortcut = Shortcut(self.app, owner, sends_pages, self.on_loop)
        return sending_at_once(view, shortcut) if self.on_loop else sending(view, shortcut)

    def _has_hooks(self, scopes: tuple[str | None, ...]) -> bool:
        return bool(self._hooks(scopes) or self.app.error_handler_spec)

    def _hooks(self, scopes: tuple[str | None, ...]) -> list[Callable[..., t.Any]]:
        """All functions that run around a view."""
        app = self.app
        registries = (
            app.url_value_preprocessors,
            app.before_request_funcs,
            app.after_request_funcs,
            app.teardown_request_funcs,
        )
        around = chain.from_iterable(_collect(registry, scopes) for registry in registries)
        return [*around, *app.teardown_appcontext_funcs]

    def _session_saver(self, mode: Mode) -> Callable[[RequestContext, t.Any], t.Any]:
        app = self.app
        interface = app.session_interface

        def save(ctx: RequestContext, response: t.Any) -> None:
            session = ctx._session
            if session is not None and not interface.is_null_session(session):
                interface.save_session(app, session, response)

        if mode is Mode.LOOP:
            return bridge.to_async(save, blocking=not self.session_is_lazy, crew="hooks")
        return save

    def _handler_finder(self, plan: Plan, adapt: Callable[[t.Any], t.Any]) -> Callable[[Exception], t.Any]:
        spec, blueprints = self.app.error_handler_spec, plan.blueprints
        known: dict[type[Exception], Callable[..., t.Any] | None] = {}

        def find(exc: Exception) -> Callable[[Exception], t.Any] | None:
            cls = type(exc)
            if cls not in known:
                if len(known) >= MAX_REMEMBERED:
                    known.clear()
                    plan.handlers.clear()
                handler = find_handler(spec, blueprints, exc)
                known[cls] = None if handler is None else adapt(handler)
                if handler is not None and not issubclass(cls, (HTTPException, RuntimeError)):
                    plan.handlers[cls] = known[cls]
            return known[cls]

        return find


def _plain_provider(app: Kolben) -> StdlibJSONProvider | None:
    """The application's JSON provider, if its responses are nothing but what it writes."""
    provider = app.json
    return provider if isinstance(provider, StdlibJSONProvider) and provider.responds_plainly else None


def _pace(config: Mapping[str, t.Any]) -> Pace | None:
    """How long bodies are waited for, by the settings; ``None`` for ever."""
    timeout, min_rate = config.get("BODY_TIMEOUT"), config.get("BODY_MIN_RATE")
    if not timeout and not min_rate:
        return None
    from ..http.pace import Pace

    return Pace(timeout, min_rate)


def _blueprints_of(endpoint: str | None) -> tuple[str, ...]:
    if endpoint is None or "." not in endpoint:
        return ()
    return tuple(split_blueprint_path(endpoint.rpartition(".")[0]))


def _collect(
    registry: Mapping[str | None, list[t.Any]] | Scoped, scopes: tuple[str | None, ...], backwards: bool = False
) -> list[Callable[..., t.Any]]:
    """The functions registered for any of ``scopes``, in their order; within each scope last first if ``backwards``."""
    lists = (registry.get(scope) or () for scope in scopes)
    return list(chain.from_iterable(reversed(found) if backwards else found for found in lists))


def _is_lazy(interface: SessionInterface) -> bool:
    """Whether sessions may be opened when first touched: they are Kolben's signed cookies, opened by its own method."""
    if not isinstance(interface, SecureCookieSessionInterface):
        return False
    cls = type(interface)
    return (
        cls.open_session is SecureCookieSessionInterface.open_session
        and cls.lazy_session is SecureCookieSessionInterface.lazy_session
        and cls.get_cookie_name is SecureCookieSessionInterface.get_cookie_name
    )


def _signs_plainly(interface: SessionInterface) -> bool:
    """Whether opening a session calls nothing of the application's own, which could look at what was matched."""
    own = getattr(type(interface), "get_signing_serializer", None)
    return own is SecureCookieSessionInterface.get_signing_serializer


def _raise_routing_exception(**values: t.Any) -> t.NoReturn:
    ctx = get_current()
    assert ctx.request is not None
    ctx.app.raise_routing_exception(ctx.request)


def _pass_through(rv: t.Any) -> t.Any:
    return rv
