"""What ``kolben routes --plan`` shows: everything that is done for a request to each endpoint, as it was compiled."""

from __future__ import annotations

import inspect
import typing as t
from itertools import chain

from kolben import bridge
from kolben.dispatch.fit import misfit
from kolben.dispatch.plan import Mode
from kolben.places import function_name, function_place, short_path

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from werkzeug.routing import Rule

    from kolben.app import Kolben
    from kolben.dispatch.plan import Plan

Description = dict[str, t.Any]

_ASGI_MODES = {
    Mode.THREAD: "in a worker thread",
    Mode.LOOP: "on the event loop",
    Mode.CALLER: "on the event loop (blocking=False)",
}


def describe_plans(app: Kolben, rules: Iterable[Rule]) -> list[Description]:
    """Describe the plan of each endpoint that the rules lead to, in the order of the rules.

    The values are strings, numbers, lists and dicts of such, as JSON has them.
    """
    by_endpoint: dict[str, list[Rule]] = {}
    for rule in rules:
        by_endpoint.setdefault(str(rule.endpoint), []).append(rule)
    return [_describe(app, endpoint, of_endpoint) for endpoint, of_endpoint in by_endpoint.items()]


def describe_rule(rule: Rule) -> Description:
    """Describe a rule: its text, its methods, its endpoint, its host or subdomain."""
    methods = ["WEBSOCKET"] if rule.websocket else sorted(rule.methods or ())
    described: Description = {"endpoint": str(rule.endpoint), "rule": rule.rule, "methods": methods}
    if domain := rule.host or rule.subdomain:
        described["host" if rule.host else "subdomain"] = domain
    return described


def _describe(app: Kolben, endpoint: str, rules: list[Rule]) -> Description:
    described: Description = {"endpoint": endpoint, "rules": [describe_rule(rule) for rule in rules]}
    view = app.view_functions.get(endpoint)
    if view is None:
        return described | {"problem": "No view function is registered for this endpoint."}
    described["view"] = _describe_function(view)
    is_websocket = any(rule.websocket for rule in rules)
    try:
        plan = app.plans(False)._websocket_plan(endpoint) if is_websocket else app.plans(False)[endpoint]
        on_loop = plan if is_websocket else app.plans(True)[endpoint]
    except Exception as exc:
        return described | {"problem": f"The plan cannot be made: {type(exc).__name__}: {exc}"}
    if overridden := app.plans(False).overrides:
        described["overrides"] = sorted(overridden)
    described["arguments"] = _describe_arguments(rules, plan if is_websocket else None)
    described["runs"] = _describe_modes(plan, on_loop, is_websocket)
    if not is_websocket:
        described["body"] = _describe_body(app, plan)
    described |= _describe_hooks(app, plan, is_websocket)
    problems = [problem for rule in rules if (problem := misfit(view, rule))]
    return described | {"problem": problems[0]} if problems else described


def _describe_function(func: Callable[..., t.Any]) -> Description:
    place = function_place(func)
    described: Description = {"name": function_name(func), "async": bridge.is_async(func)}
    return described if place is None else described | {"file": short_path(place[0]), "line": place[1]}


def _describe_arguments(rules: list[Rule], plan: Plan | None) -> dict[str, str]:
    """What each argument of the view is made of."""
    arguments: dict[str, str] = {}
    if plan is not None and plan.websocket_parameter is not None:
        arguments[plan.websocket_parameter] = "the WebSocket"
    for rule in rules:
        arguments |= {name: type(converter).__name__ for name, converter in rule._converters.items()}
        for name, value in (rule.defaults or {}).items():
            arguments.setdefault(name, f"{value!r}, the rule's default")
    return arguments


def _describe_modes(plan: Plan, on_loop: Plan, is_websocket: bool) -> dict[str, str]:
    if is_websocket:
        asgi = "on the event loop" if plan.is_async else "in a thread of its own"
        return {"wsgi": "not at all: answered with 426", "asgi": asgi}
    wsgi = "on the server's thread"
    if plan.is_async:
        wsgi = "on the process's event loop, while the server's thread waits"
    asgi = _ASGI_MODES[on_loop.mode]
    if getattr(on_loop.view, "__module__", None) == "kolben.dispatch.static":
        asgi = "on the event loop; in a worker thread if it must wait for a disk"
    elif on_loop.mode is Mode.LOOP and not plan.is_async:
        asgi = "on the event loop (blocking=False), each hook in a worker thread"
    return {"wsgi": wsgi, "asgi": asgi}


def _describe_body(app: Kolben, plan: Plan) -> Description:
    limit, source = plan.max_content_length, "the route"
    if limit is None:
        limit, source = app.config["MAX_CONTENT_LENGTH"], "MAX_CONTENT_LENGTH"
    reading = "streamed to the view" if plan.stream_body else "complete before the view"
    return {"reading": reading, "limit": limit, "limit_from": source}


def _describe_hooks(app: Kolben, plan: Plan, is_websocket: bool) -> Description:
    """The functions around the view, each group in the order in which it is called.

    NOTE: what the plan has are adapters, where the function is of the other kind; the function itself is below.
    """
    hooks: Description = {
        "preprocessors": plan.preprocessors,
        "before": plan.before,
        "after": plan.after,
        "teardown": (*plan.teardown, *plan.teardown_app),
    }
    described = {
        name: [_describe_function(inspect.unwrap(func)) for func in functions] for name, functions in hooks.items()
    }
    if not is_websocket:
        described["errors"] = list(_describe_handlers(app, plan))
    return described


def _describe_handlers(app: Kolben, plan: Plan) -> Iterator[Description]:
    """The error handlers, those that are asked first at the front."""
    for scope in (*plan.blueprints, None):
        by_code = app.error_handler_spec.get(scope) or {}
        for code, by_class in sorted(by_code.items(), key=lambda item: (item[0] is None, item[0])):
            for cls, handler in by_class.items():
                yield {"for": code or cls.__name__} | _describe_function(handler)


# -- as text ---------------------------------------------------------------------------------------------------------


def lay_out_plans(descriptions: list[Description], all_methods: bool) -> Iterator[str]:
    """The lines that show what :func:`describe_plans` gives: one block for each endpoint."""
    for described in descriptions:
        yield described["endpoint"]
        rows = chain.from_iterable(_rows(name, value, all_methods) for name, value in described.items())
        last = ""
        for title, text in rows:
            yield f"  {title if title != last else '':<14}{text}".rstrip()
            last = title
        yield ""


def _rows(name: str, value: t.Any, all_methods: bool) -> Iterator[tuple[str, str]]:
    if name == "rules":
        for rule in value:
            shown = [method for method in rule["methods"] if all_methods or method not in {"HEAD", "OPTIONS"}]
            domain = rule.get("host") or rule.get("subdomain")
            yield "rule", f"{', '.join(shown)}  {rule['rule']}" + (f"  ({domain})" if domain else "")
    elif name == "view":
        yield "view", _show_function(value)
    elif name == "arguments":
        for argument, source in value.items():
            yield "arguments", f"{argument}: {source}"
    elif name == "runs":
        for protocol, mode in value.items():
            yield protocol.upper(), mode
    elif name == "body":
        yield "body", f"{value['reading']}, {_show_limit(value)}"
    elif name == "overrides":
        yield "overrides", f"of the application's class: {', '.join(value)}"
    elif name == "problem":
        yield "PROBLEM", value
    elif name != "endpoint":
        for func in value:
            prefix = f"{func['for']} → " if "for" in func else ""
            yield name, prefix + _show_function(func)


def _show_function(func: Description) -> str:
    place = f"  {func['file']}:{func['line']}" if "file" in func else ""
    return f"{'async ' if func['async'] else ''}{func['name']}{place}"


def _show_limit(body: Description) -> str:
    limit = body["limit"]
    if limit is None:
        return "of any size"
    size = f"{limit / 1024**2:g} MiB" if limit % 1024**2 == 0 else f"{limit:,} bytes"
    return f"at most {size} ({body['limit_from']})"
