"""Whether views take what their rules give, found out before the first request instead of by a ``TypeError`` in it."""

from __future__ import annotations

import inspect
import typing as t

from ..http.request import split_blueprint_path
from ..places import describe_function
from .bind import websocket_parameter

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from werkzeug.routing import Rule

    from ..app import Kolben
    from .build import Plans

_CALLS_VIEWS = frozenset({"create_url_adapter", "dispatch_request", "full_dispatch_request", "preprocess_request"})
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_views(app: Kolben, plans: Plans) -> None:
    """Refuse views that can never be called with what their rules match.

    Only what is certain is refused: hooks that run before a view may change the variables, and so may decorators. Under
    the alias nothing is: Flask finds it when the view is called.

    :raises TypeError: naming the view, its file and line, and its rule.
    """
    if not app.explains_errors or plans.overrides & _CALLS_VIEWS:
        return
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(t.cast(str, rule.endpoint))
        if view is None or _may_change_variables(app, str(rule.endpoint)):
            continue
        problem = misfit(view, rule)
        if problem is not None:
            error = TypeError(problem)
            vars(error)["view"] = view  # NOTE: the debugger shows its source, since no frame of the traceback does.
            raise error


def misfit(view: Callable[..., t.Any], rule: Rule) -> str | None:
    """What is wrong between a view and its rule, or ``None``."""
    missing, surplus = _compare(view, rule)
    if missing:
        one = missing[0]
        return (
            f"The view function {describe_function(view)} takes {one!r}, which its rule {rule.rule!r} has not got. Add"
            f" '<{one}>' to the rule, or give the parameter a default value."
        )
    if surplus:
        one = surplus[0]
        return (
            f"The rule {rule.rule!r} has the variable {one!r}, which its view function {describe_function(view)} does"
            f" not take. Add the parameter {one!r} to the function, or take the variable out of the rule."
        )
    return None


def _compare(view: Callable[..., t.Any], rule: Rule) -> tuple[list[str], list[str]]:
    """The parameters that no variable is for, and the variables that no parameter is for."""
    # NOTE: what a decorator passes on to the function below it, and with which arguments, is not known here.
    if hasattr(view, "__signature__"):
        return [], []
    try:
        parameters = inspect.signature(view, follow_wrapped=False).parameters
    except (TypeError, ValueError):
        return [], []
    variables: Collection[str] = {*rule.arguments, *(rule.defaults or ())}
    socket = websocket_parameter(view, variables) if rule.websocket else None
    kinds = {parameter.kind for parameter in parameters.values()}
    taken = {name for name, parameter in parameters.items() if parameter.kind in _NAMED}
    needed = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        and name != socket
    ]
    missing = [name for name in needed if name not in variables or name not in taken]
    surplus = [] if inspect.Parameter.VAR_KEYWORD in kinds else sorted(set(variables) - taken)
    return missing, surplus


def _may_change_variables(app: Kolben, endpoint: str) -> bool:
    """Whether a hook runs before the view."""
    scopes = (None, *split_blueprint_path(endpoint.rpartition(".")[0]))
    registries = (app.url_value_preprocessors, app.before_request_funcs, app.before_websocket_funcs)
    return any(registry.get(scope) for registry in registries for scope in scopes)
