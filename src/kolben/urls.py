"""Building URLs for an application's endpoints: what :func:`kolben.url_for` does."""

from __future__ import annotations

import typing as t
import warnings
from itertools import chain
from urllib.parse import quote

from werkzeug.exceptions import SecurityError

from .globals import get_current
from .http.host import host_is_trusted
from .http.request import split_blueprint_path
from .routing import BuildError

if t.TYPE_CHECKING:
    from .app import Kolben
    from .ctx import AppContext
    from .http.request import Request
    from .routing import MapAdapter

    M = t.TypeVar("M", bound="t.Callable[..., str]")

_NO_SERVER_NAME = (
    "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also configure"
    " 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
)

_SCHEME_WITHOUT_HOST = "When specifying '_scheme', '_external' must be True."


def build_url(
    app: Kolben,
    endpoint: str,
    anchor: str | None,
    method: str | None,
    scheme: str | None,
    external: bool | None,
    values: dict[str, t.Any],
) -> str:
    """Build the URL of an endpoint; the rest of the contract is :meth:`.Kolben.url_for`'s."""
    ctx = get_current(None)
    if ctx is not None and (request_ctx := ctx.request_ctx) is not None:
        ctx = request_ctx
        if endpoint[:1] == ".":
            endpoint = _below_blueprint(request_ctx.request, endpoint)
        if external is None:
            external = scheme is not None
        elif scheme is not None and not external:
            raise ValueError(_SCHEME_WITHOUT_HOST)
        plans, request = request_ctx.plans, request_ctx.request
        if app.url_default_functions or "inject_url_defaults" in plans.overrides:
            app.inject_url_defaults(endpoint, values)
        if not external and anchor is None and plans.matches_path_only and not request.is_websocket:
            path = app.url_map.build_path(endpoint, values, method, request.method)
            if path is not None:
                return request.root_path + path
    else:
        if external is None:
            external = True
        app.inject_url_defaults(endpoint, values)
    if scheme is not None and not external:
        raise ValueError(_SCHEME_WITHOUT_HOST)
    try:
        url = _adapter(app, ctx).build(endpoint, values, method=method, url_scheme=scheme, force_external=external)
    except BuildError as error:
        values.update(_anchor=anchor, _method=method, _scheme=scheme, _external=external)
        return app.handle_url_build_error(error, endpoint, values)
    return url if anchor is None else f"{url}#{quote(anchor, safe='%!#$&()*+,/:;=?@' + chr(39))}"


def plainly(method: M) -> M:
    """Note that a method does what :func:`build_url` does, and nothing else."""
    _plain.add(method)
    return method


_plain: set[t.Any] = set()


def builds_plainly(app: Kolben) -> bool:
    """Whether the ``url_for`` of an application is one of :func:`plainly`."""
    return type(app).url_for in _plain and "url_for" not in app.__dict__


def _below_blueprint(request: Request, endpoint: str) -> str:
    """``.name`` within a blueprint's request is that blueprint's endpoint."""
    blueprint = request.blueprint
    return endpoint[1:] if blueprint is None else f"{blueprint}{endpoint}"


def _adapter(app: Kolben, ctx: AppContext | None) -> MapAdapter:
    adapter = ctx.url_adapter if ctx is not None else app.create_url_adapter(None)
    if adapter is None:
        raise RuntimeError(_NO_SERVER_NAME)
    return adapter


def inject_defaults(app: Kolben, endpoint: str, values: dict[str, t.Any]) -> None:
    """Let the functions of ``url_defaults`` change ``values``: the application's, then those of the blueprints."""
    names: t.Iterable[str | None] = (None,)
    if "." in endpoint:
        names = chain(names, reversed(split_blueprint_path(endpoint.rpartition(".")[0])))
    for name in names:
        for func in app.url_default_functions.get(name, ()):
            func(endpoint, values)


def make_adapter(app: Kolben, request: Request | None) -> MapAdapter | None:
    """The adapter for a request; without one, for ``SERVER_NAME``, or ``None`` if that is not set.

    :raises SecurityError: the request's host is not in ``TRUSTED_HOSTS``.
    """
    config = app.config
    if request is None:
        if config["SERVER_NAME"] is None:
            return None
        return app.url_map.bind(
            config["SERVER_NAME"], script_name=config["APPLICATION_ROOT"], url_scheme=config["PREFERRED_URL_SCHEME"]
        )
    host = request.host
    if config["TRUSTED_HOSTS"] is not None:
        request.trusted_hosts = config["TRUSTED_HOSTS"]
        if not host_is_trusted(host, request.trusted_hosts):
            raise SecurityError(f"The host {host!r} is not one of the application's.")
    server_name = config["SERVER_NAME"]
    subdomain: str | None = None
    if app.url_map.host_matching or server_name is None:
        server_name = host
    elif app.subdomain_matching:
        subdomain = _subdomain(app, host, server_name.lower(), request.scheme)
    if not app.subdomain_matching:
        subdomain = None if app.url_map.host_matching else app.url_map.default_subdomain or ""
    return app.url_map.bind(
        server_name,
        request.root_path or "/",
        subdomain,
        _scheme(request),
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
    )


def _scheme(request: Request) -> str:
    if request.is_websocket and request.scheme in {"http", "https"}:
        return "wss" if request.scheme == "https" else "ws"
    return request.scheme


_DEFAULT_PORTS = {"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}


def _subdomain(app: Kolben, host: str, server_name: str, scheme: str) -> str:
    """What ``host`` has in front of ``server_name``; a name that no rule has, and a warning, if it is another host."""
    server_name = server_name.removesuffix(_DEFAULT_PORTS.get(scheme, ""))
    if host == server_name:
        return ""
    if not host.endswith(f".{server_name}"):
        _warn_of_host(app, f"Current server name {host!r} doesn't match configured server name {server_name!r}")
        return "<invalid>"
    return host.removesuffix(f".{server_name}")


_WARNINGS_AT_MOST = 100
_warned: dict[t.Any, t.Any] = {}


def _warn_of_host(app: Kolben, message: str) -> None:
    """Warn on behalf of the module of the application's class, which is what filters know."""
    if len(_warned) > _WARNINGS_AT_MOST:
        # NOTE: hosts are the clients' to choose; what was warned of is not kept without limit.
        _warned.clear()
    warnings.warn_explicit(message, UserWarning, __file__, 0, module=type(app).__module__, registry=_warned)
