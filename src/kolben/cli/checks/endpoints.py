"""Checks of the endpoints: each has a view that can be called with what its rule matches."""

from __future__ import annotations

import inspect
import typing as t

from .finding import Finding, error

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
        problem = (
            f"no view function is registered for the endpoint '{endpoint}'"
            if view is None
            else _plan_error(app, endpoint) or _signature_error(app, rule, view)
        )
        if problem:
            failed.add(endpoint)
            yield error(
                f"The rule '{rule.rule}' cannot be answered: {problem}.", "Correct the rule or its view function."
            )


def _plan_error(app: Kolben, endpoint: str) -> str | None:
    """Return what stands in the way of the endpoint's plan, under WSGI or ASGI."""
    try:
        for on_loop in (False, True):
            app.plans(on_loop)[endpoint]
    except Exception as exc:
        return f"the endpoint '{endpoint}' cannot be built: {type(exc).__name__}: {exc}"
    return None


def _signature_error(app: Kolben, rule: Rule, view: Callable[..., t.Any]) -> str | None:
    """Return why the view cannot be called with the variables of its rule."""
    scopes = (None, str(rule.endpoint).rpartition(".")[0] or None)
    if any(app.url_value_preprocessors.get(scope) for scope in scopes):
        # These may take variables away, or add some.
        return None
    try:
        signature = inspect.signature(view)
    except (TypeError, ValueError):
        return None
    variables = dict.fromkeys(rule.arguments) | dict(rule.defaults or {})
    try:
        signature.bind(**variables)
    except TypeError as exc:
        return f"its view function '{getattr(view, '__qualname__', view)}{signature}' does not fit its variables: {exc}"
    return None
