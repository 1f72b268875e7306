"""``kolben routes``: a table of the application's routes."""

from __future__ import annotations

import json
import typing as t

import click

from kolben.globals import current_app

from .environment import EnvOption
from .script import with_appcontext

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule


@click.command("routes", short_help="Show the routes for the app.")
@click.option(
    "--sort",
    "-s",
    cls=EnvOption,
    type=click.Choice(("endpoint", "methods", "domain", "rule", "match")),
    default="endpoint",
    help="Method to sort routes by. 'match' is the order in which routes are matched when dispatching a request.",
)
@click.option("--all-methods", cls=EnvOption, is_flag=True, help="Show HEAD and OPTIONS methods.")
@click.option(
    "--plan",
    cls=EnvOption,
    is_flag=True,
    help="Show all that is done for a request to each endpoint: hooks, arguments, where the view runs, its body.",
)
@click.option("--json", "as_json", cls=EnvOption, is_flag=True, help="Print JSON, for other programs.")
@with_appcontext
def routes_command(sort: str, all_methods: bool, plan: bool, as_json: bool) -> None:
    """Show all registered routes with endpoints and methods."""
    rules = _sort(list(current_app.url_map.iter_rules()), sort, all_methods)
    if as_json:
        from .plan import describe_plans, describe_rule

        described = describe_plans(current_app, rules) if plan else [describe_rule(rule) for rule in rules]
        click.echo(json.dumps(described, indent=2))
    elif not rules:
        click.echo("No routes were registered.")
    elif plan:
        from .plan import describe_plans, lay_out_plans

        for line in lay_out_plans(describe_plans(current_app, rules), all_methods):
            click.echo(line)
    else:
        for line in _table(rules, all_methods):
            click.echo(line)


def _sort(rules: list[Rule], sort: str, all_methods: bool) -> list[Rule]:
    cells = _columns(rules, all_methods)
    if sort not in cells:
        return rules
    order = sorted(range(len(rules)), key=lambda index: cells[sort][1][index])
    return [rules[index] for index in order]


def _table(rules: list[Rule], all_methods: bool) -> list[str]:
    columns = _columns(rules, all_methods)
    rows = list(zip(*(cells for _, cells in columns.values()), strict=True))
    return _lay_out([title for title, _ in columns.values()], rows)


def _columns(rules: list[Rule], all_methods: bool) -> dict[str, tuple[str, list[str]]]:
    """Title and cells of each column, by the name to sort by."""
    columns = {
        "endpoint": ("Endpoint", [str(rule.endpoint) for rule in rules]),
        "methods": ("Methods", [_show_methods(rule, all_methods) for rule in rules]),
        "domain": ("Host", [rule.host or "" for rule in rules])
        if current_app.url_map.host_matching
        else ("Subdomain", [rule.subdomain or "" for rule in rules]),
        "rule": ("Rule", [rule.rule for rule in rules]),
    }
    if not any(columns["domain"][1]):
        del columns["domain"]
    return columns


def _show_methods(rule: Rule, all_methods: bool) -> str:
    if rule.websocket:
        return "WEBSOCKET"
    methods = set(rule.methods or ())
    return ", ".join(sorted(methods if all_methods else methods - {"HEAD", "OPTIONS"}))


def _lay_out(titles: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    table = [tuple(titles), tuple("-" * width for width in widths), *rows]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
