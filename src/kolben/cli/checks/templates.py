"""Checks of the templates: they compile, and what they name exists."""

from __future__ import annotations

import typing as t

from .finding import Finding, error

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import BaseLoader, Environment, nodes

    from kolben.app import Kolben


def check_templates(app: Kolben) -> Iterator[Finding]:
    """Every template of the application and its blueprints compiles, and what it extends and links to is there."""
    env = app.jinja_env
    names = _list_templates(env)
    # NOTE: handlers may know endpoints that the map does not.
    endpoints = None if app.url_build_error_handlers else {str(rule.endpoint) for rule in app.url_map.iter_rules()}
    for name in names:
        file: str | None = None
        try:
            source, file, _ = t.cast("BaseLoader", env.loader).get_source(env, name)  # it has listed the templates
            tree = _parse(env, name, source, file)
        except UnicodeDecodeError:
            continue  # A picture, or the like, that stands among the templates.
        except Exception as exc:
            yield _syntax_error(name, file, exc)
            continue
        yield from _missing_templates(name, file, tree, set(names))
        if endpoints is not None:
            yield from _missing_endpoints(name, file, tree, endpoints)


def _list_templates(env: Environment) -> list[str]:
    try:
        return env.list_templates()
    except TypeError:
        # The application has a loader of its own that cannot list what it has.
        return []


def _parse(env: Environment, name: str, source: str, file: str | None) -> nodes.Template:
    tree = env.parse(source, name, file)
    # NOTE: unknown filters and tests are found by the compiler only, and it changes the tree that it is given.
    env.compile(env.parse(source, name, file), name, file)
    return tree


def _place(file: str | None, line: int | None) -> tuple[str, int] | None:
    return None if file is None else (file, line or 1)


def _syntax_error(name: str, file: str | None, exc: Exception) -> Finding:
    line = getattr(exc, "lineno", None)
    where = f"line {line} of the template '{name}'" if line else f"the template '{name}'"
    return error(
        f"In {where}: {type(exc).__name__}: {exc}", "Pages that use the template fail. Mend it.", _place(file, line)
    )


def _missing_templates(name: str, file: str | None, tree: nodes.Template, names: set[str]) -> Iterator[Finding]:
    from jinja2 import nodes

    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        target = node.template  # type: ignore[attr-defined]  # all four have one
        if getattr(node, "ignore_missing", False) or not isinstance(target, nodes.Const):
            continue
        if target.value not in names:
            yield error(
                f"Line {node.lineno} of the template '{name}' needs the template '{target.value}', which is missing.",
                "Correct the name, or add the template.",
                _place(file, node.lineno),
            )


def _missing_endpoints(name: str, file: str | None, tree: nodes.Template, endpoints: set[str]) -> Iterator[Finding]:
    from jinja2 import nodes

    for call in tree.find_all(nodes.Call):
        is_url_for = isinstance(call.node, nodes.Name) and call.node.name == "url_for"
        target = call.args[0] if call.args else None
        if not is_url_for or not isinstance(target, nodes.Const) or not isinstance(target.value, str):
            continue
        # NOTE: a leading dot means the blueprint of the request, which is not known here.
        if not target.value.startswith(".") and target.value not in endpoints:
            yield error(
                f"Line {call.lineno} of the template '{name}' links to '{target.value}', which is no endpoint.",
                "Correct the name: 'kolben routes' lists the endpoints.",
                _place(file, call.lineno),
            )
