"""Checks of the endpoints: each has a view that can be called with what its rule matches."""

from __future__ import annotations

import typing as t

from kolben.dispatch.fit import misfit
from kolben.places import function_place

from .finding import Finding, error, warning

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.routing import Rule

    from kolben.app import Kolben


def check_endpoints(app: Kolben) -> Iterator[Finding]:
    """Every rule leads to a view function, whose plan can be made for both protocols."""
    failed: set[str] = set()
    for rule in app.url_map.iter_rules():
        endpoint = str(rule.endpoint)
        if rule.build_only or rule.redirect_to is not None or endpoint in failed:
            continue
        view = app.view_functions.get(endpoint)
        problem = _problem(app, rule, view)
        if problem:
            failed.add(endpoint)
            yield error(
                problem, "Correct the rule or its view function.", None if view is None else function_place(view)
            )
    yield from _hidden_rules(app)


def _problem(app: Kolben, rule: Rule, view: Callable[..., t.Any] | None) -> str | None:
    """Return why requests for the rule cannot be answered."""
    endpoint = str(rule.endpoint)
    if view is None:
        return f"No view function is registered for the endpoint '{endpoint}' of the rule '{rule.rule}'."
    if problem := _plan_error(app, endpoint):
        return f"The rule '{rule.rule}' cannot be answered. {problem}"
    return _signature_error(app, rule)


def _plan_error(app: Kolben, endpoint: str) -> str | None:
    """Return what stands in the way of the endpoint's plan, under WSGI or ASGI."""
    try:
        for on_loop in (False, True):
            app.plans(on_loop)[endpoint]
    except Exception as exc:
        return f"The endpoint '{endpoint}' cannot be built: {type(exc).__name__}: {exc}."
    return None


def _signature_error(app: Kolben, rule: Rule) -> str | None:
    """Return why the view cannot be called with the variables of its rule."""
    endpoint = str(rule.endpoint)
    scopes = (None, endpoint.rpartition(".")[0] or None)
    if any(app.url_value_preprocessors.get(scope) for scope in scopes):
        # These may take variables away, or add some.
        return None
    return misfit(app.view_functions[endpoint], rule)


def _hidden_rules(app: Kolben) -> Iterator[Finding]:
    """Rules of which an earlier one takes every request."""
    seen: dict[tuple[t.Any, ...], str] = {}
    for rule in app.url_map.iter_rules():
        endpoint = str(rule.endpoint)
        if rule.build_only or rule.alias:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            key = (rule.rule, rule.host, rule.subdomain, rule.websocket, method)
            first = seen.setdefault(key, endpoint)
            if first != endpoint:
                view = app.view_functions.get(endpoint)
                yield warning(
                    f"'{endpoint}' never gets a request for {method} {rule.rule}: '{first}' has the same rule, and"
                    " comes first.",
                    "Give one of them another rule, or other methods.",
                    None if view is None else function_place(view),
                )
