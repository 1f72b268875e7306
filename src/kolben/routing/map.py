"""The map: all rules of an application, as Werkzeug's, with Kolben's matcher and builders under it."""

from __future__ import annotations

import typing as t
from functools import lru_cache

from werkzeug import routing
from werkzeug.exceptions import BadHost

from .adapter import MapAdapter
from .builder import Builder, choose
from .matcher import Matcher
from .rules import Rule

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.routing import BaseConverter, RuleFactory
    from werkzeug.wrappers import Request


class Map(routing.Map):
    """All rules of an application; the parameters are those of :class:`werkzeug.routing.Map`.

    Rules may be of any class that derives from Werkzeug's. What is read of a rule when it is compiled (methods,
    defaults and so on) should not be changed later without its ``refresh()``, or :meth:`forget` for Werkzeug's own.
    """

    #: What :meth:`bind` makes.
    adapter_class: type[MapAdapter] = MapAdapter

    #: See :mod:`kolben.routing.matcher` for the contract.
    matcher: Matcher

    #: The paths of endpoints that need no values, as far as :meth:`build_path` was asked for them.
    fixed_paths: dict[t.Any, str]

    def __init__(
        self,
        rules: Iterable[RuleFactory] | None = None,
        default_subdomain: str = "",
        strict_slashes: bool = True,
        merge_slashes: bool = True,
        redirect_defaults: bool = True,
        converters: Mapping[str, type[BaseConverter]] | None = None,
        sort_parameters: bool = False,
        sort_key: Callable[[t.Any], t.Any] | None = None,
        host_matching: bool = False,
    ) -> None:
        super().__init__(
            None,
            default_subdomain=default_subdomain,
            strict_slashes=strict_slashes,
            merge_slashes=merge_slashes,
            redirect_defaults=redirect_defaults,
            converters=converters,
            sort_parameters=sort_parameters,
            sort_key=sort_key,
            host_matching=host_matching,
        )
        self.matcher = Matcher(self, merge_slashes)
        self._matcher = self.matcher  # type: ignore[assignment]  # it has what Werkzeug's map calls
        self._builders: dict[t.Any, tuple[Builder, ...]] = {}
        self.fixed_paths = {}
        for factory in rules or ():
            self.add(factory)

    def add(self, rulefactory: RuleFactory) -> None:
        super().add(rulefactory)
        self.forget()

    def forget(self) -> None:
        """Compile anew when it is next needed, because rules have changed."""
        self._remap = True
        self._builders = {}
        self.fixed_paths = {}
        self.matcher.forget()

    def bind(
        self,
        server_name: str,
        script_name: str | None = None,
        subdomain: str | None = None,
        url_scheme: str = "http",
        default_method: str = "GET",
        path_info: str | None = None,
        query_args: Mapping[str, t.Any] | str | None = None,
    ) -> MapAdapter:
        """Return an adapter for one request; the parameters are those of :meth:`werkzeug.routing.Map.bind`."""
        if self.host_matching and subdomain is not None:
            raise RuntimeError("host matching enabled and a subdomain was provided")
        if subdomain is None and not self.host_matching:
            subdomain = self.default_subdomain
        return self.adapter_class(
            self,
            _normalized(server_name),
            "/" if script_name is None else script_name,
            subdomain,
            url_scheme,
            "/" if path_info is None else path_info,
            default_method,
            query_args,
        )

    def bind_to_environ(
        self, environ: WSGIEnvironment | Request, server_name: str | None = None, subdomain: str | None = None
    ) -> MapAdapter:
        """Return an adapter for a WSGI environment; see :meth:`werkzeug.routing.Map.bind_to_environ`."""
        bound = super().bind_to_environ(environ, server_name, subdomain)
        return self.adapter_class(
            self,
            bound.server_name,
            bound.script_name,
            bound.subdomain,
            bound.url_scheme,
            bound.path_info,
            bound.default_method,
            bound.query_args,
        )

    def builders(self, endpoint: t.Any) -> tuple[Builder, ...]:
        """Return what builds the URLs of *endpoint*, in the order in which they are tried."""
        known = self._builders
        found = known.get(endpoint)
        if found is None:
            self.update()
            rules = self._rules_by_endpoint.get(endpoint, ())
            found = tuple(rule.builder if isinstance(rule, Rule) else Builder(rule) for rule in rules)
            if found:
                # Only for endpoints there are: a client may choose the name of one.
                known[endpoint] = found
        return found

    def build_path(
        self,
        endpoint: t.Any,
        values: Mapping[str, t.Any],
        method: str | None = None,
        default_method: str = "GET",
        subdomain: str = "",
    ) -> str | None:
        """Build the path and query of a URL on the same host, without the script name.

        The short way for the many: ``None`` says that :meth:`MapAdapter.build` must decide, because there is no such
        rule, a value is ``None``, or the URL has to be absolute. For an endpoint without variables the answer stands
        in :attr:`fixed_paths` once it was built, and can be read from there if no method is asked for.

        :param values: must not be a :class:`~werkzeug.datastructures.MultiDict`.
        :param method: only rules with this method.
        :param default_method: rules with this method first; that of the request.
        """
        if self.host_matching:
            return None
        if not values and method is None and not subdomain:
            path = self.fixed_paths.get(endpoint)
            if path is not None:
                return path
        for value in values.values():
            if value is None:
                return None
        builders = self._builders.get(endpoint) or self.builders(endpoint)
        chosen = None
        if method is None and len(builders) > 1:
            chosen = choose(builders, values, default_method, True)
        chosen = chosen or choose(builders, values, method, True)
        if chosen is None:
            return None
        builder, (host, path) = chosen
        if builder.rule.websocket or host != subdomain:
            return None
        if path[:2] == "//":
            path = f"/{path.lstrip('/')}"
        if not values and len(builders) == 1 and not subdomain:
            self.fixed_paths[endpoint] = path
        return path


@lru_cache(maxsize=512)
def _normalized(server_name: str) -> str:
    """Return a host in lower case and in ASCII, as IDNA has it.

    :raises BadHost: if it cannot be.
    """
    name, colon, port = server_name.lower().partition(":")
    try:
        # The port is no part of what IDNA limits to 63 characters.
        return f"{name.encode('idna').decode('ascii')}{colon}{port}"
    except UnicodeError as error:
        raise BadHost from error
