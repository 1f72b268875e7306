"""The adapter: a map bound to a host, a scheme and a script name. It explains outcomes, and builds URLs."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urljoin

from werkzeug import routing
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from .builder import choose, quote_path
from .outcomes import AliasRedirect, NoRule, PathRedirect, RuleRedirect, Unmatched

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.routing import Rule

    from .map import Map

QueryArgs = t.Union["Mapping[str, t.Any]", str, None]


class MapAdapter(routing.MapAdapter):
    """Matches and builds for one request; made by :meth:`.Map.bind`."""

    map: Map

    @t.overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: t.Literal[False] = False,
        query_args: QueryArgs = None,
        websocket: bool | None = None,
    ) -> tuple[t.Any, Mapping[str, t.Any]]: ...

    @t.overload
    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: t.Literal[True] = True,
        query_args: QueryArgs = None,
        websocket: bool | None = None,
    ) -> tuple[Rule, Mapping[str, t.Any]]: ...

    def match(
        self,
        path_info: str | None = None,
        method: str | None = None,
        return_rule: bool = False,
        query_args: QueryArgs = None,
        websocket: bool | None = None,
    ) -> tuple[t.Any, Mapping[str, t.Any]]:
        """Return the endpoint, or the rule, and the values for a path.

        The parameters are those of :meth:`werkzeug.routing.MapAdapter.match`, and what is not given is taken from
        the binding.

        :raises RequestRedirect: if the path is to be asked for under another URL.
        :raises NotFound: if no rule matches.
        :raises MethodNotAllowed: if one would match with another method.
        :raises WebsocketMismatch: if one would match the other protocol.
        """
        path = self.path_info if path_info is None else path_info
        path = f"/{path.lstrip('/')}" if path else ""
        method = (method or self.default_method).upper()
        try:
            rule, values = self.map.matcher.match(
                self._domain(), path, method, self.websocket if websocket is None else websocket
            )
        except Unmatched as reason:
            explained = self._explain(reason, path, method, query_args)
            if not isinstance(explained, tuple):
                raise explained from None
            rule, values = explained
        return rule if return_rule else rule.endpoint, values

    def explain(self, reason: Unmatched, path: str, method: str, query_args: QueryArgs = None) -> HTTPException:
        """Return the error or the redirect that *reason*, raised by the matcher, means for a client.

        It searches nothing again. :meth:`match` does the same, and is to be used where a subclass may decide against
        a redirect.

        :param path: what the matcher was asked for.
        :param query_args: what a redirect repeats; by default what the adapter is bound to.
        """
        explained = self._explain(reason, path, method, query_args)
        return NotFound() if isinstance(explained, tuple) else explained

    def _domain(self) -> str:
        return self.server_name if self.map.host_matching or self.subdomain is None else self.subdomain

    def _explain(
        self, reason: Unmatched, path: str, method: str, query_args: QueryArgs
    ) -> HTTPException | tuple[Rule, dict[str, t.Any]]:
        if query_args is None:
            query_args = self.query_args or {}
        if isinstance(reason, PathRedirect):
            url = self.make_redirect_url(quote_path(reason.path_info), query_args)
        elif isinstance(reason, AliasRedirect):
            url = self.make_alias_redirect_url(
                f"{self._domain()}|{path}", reason.endpoint, reason.matched_values, method, query_args
            )
        elif isinstance(reason, RuleRedirect):
            found = self._redirect_url(reason, method, query_args)
            if found is None:
                return reason.rule, reason.values
            url = found
        else:
            return no_rule(reason)
        return routing.RequestRedirect(url)

    def _redirect_url(self, reason: RuleRedirect, method: str, query_args: Mapping[str, t.Any] | str) -> str | None:
        rule, values = reason.rule, reason.values
        if self.map.redirect_defaults:
            url = self.get_default_redirect(rule, method, values, query_args)
            if url is not None:
                return url
        target = rule.redirect_to
        if target is None:
            return None
        if isinstance(target, str):
            target = _VARIABLE.sub(lambda name: rule._converters[name[1]].to_url(values[name[1]]), target)
        else:
            target = target(self, **values)
        host = f"{self.subdomain}.{self.server_name}" if self.subdomain else self.server_name
        return urljoin(f"{self.url_scheme or 'http'}://{host}{self.script_name}", target)

    def build(
        self,
        endpoint: t.Any,
        values: Mapping[str, t.Any] | None = None,
        method: str | None = None,
        force_external: bool = False,
        append_unknown: bool = True,
        url_scheme: str | None = None,
    ) -> str:
        """Build the URL of *endpoint*; the parameters are those of :meth:`werkzeug.routing.MapAdapter.build`.

        :raises BuildError: if no rule of the endpoint takes the values.
        """
        if isinstance(values, MultiDict):
            given = _first_of_one(values)
        else:
            given = {name: value for name, value in values.items() if value is not None} if values else {}
        found = self._partial_build(endpoint, given, method, append_unknown)
        if found is None:
            raise routing.BuildError(endpoint, given, method, self)
        host, path, websocket = found
        path = path.lstrip("/")
        is_local = self.get_host(host) == self.server_name if self.map.host_matching else host == self.subdomain
        if is_local and not (force_external or websocket):
            return f"{self.script_name.rstrip('/')}/{path}"
        if url_scheme is None:
            url_scheme = self.url_scheme
        is_secure = url_scheme in {"https", "wss"}
        if websocket:
            # Browsers want a scheme for these.
            url_scheme = "wss" if is_secure else "ws"
        elif url_scheme:
            url_scheme = "https" if is_secure else "http"
        scheme = f"{url_scheme}:" if url_scheme else ""
        return f"{scheme}//{self.get_host(host)}{self.script_name[:-1]}/{path}"

    def _partial_build(
        self, endpoint: t.Any, values: Mapping[str, t.Any], method: str | None, append_unknown: bool
    ) -> tuple[str, str, bool] | None:
        """Return host or subdomain, path, and whether it is a WebSocket's, of the first rule that takes *values*."""
        builders = self.map.builders(endpoint)
        host = self.server_name if self.map.host_matching else None
        chosen = None
        if method is None:
            chosen = choose(builders, values, self.default_method, append_unknown, host)
        if chosen is None:
            chosen = choose(builders, values, method, append_unknown, host)
        if chosen is None:
            return None
        builder, assembled = chosen
        return *assembled, builder.rule.websocket


_VARIABLE = re.compile(r"<([^>]+)>")


def no_rule(reason: Unmatched) -> HTTPException:
    """The error that *reason*, which is no redirect, means for a client."""
    if isinstance(reason, NoRule):
        if reason.have_match_for:
            return MethodNotAllowed(valid_methods=list(reason.have_match_for))
        if reason.websocket_mismatch:
            return routing.WebsocketMismatch()
    return NotFound()


def _first_of_one(values: MultiDict[str, t.Any]) -> dict[str, t.Any]:
    """Return a single value for what has one, and a list of them for what has more."""
    lists = dict.items(t.cast("dict[str, list[t.Any]]", values))
    return {name: found[0] if len(found) == 1 else found for name, found in lists if found}
