"""``kolben routes``: a table of the application's routes."""

from __future__ import annotations

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
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """Show all registered routes with endpoints and methods."""
    url_map = current_app.url_map
    rules = list(url_map.iter_rules())
    if not rules:
        click.echo("No routes were registered.")
        return

    columns = {
        "endpoint": ("Endpoint", [str(rule.endpoint) for rule in rules]),
        "methods": ("Methods", [_show_methods(rule, all_methods) for rule in rules]),
        "domain": ("Host", [rule.host or "" for rule in rules])
        if url_map.host_matching
        else ("Subdomain", [rule.subdomain or "" for rule in rules]),
        "rule": ("Rule", [rule.rule for rule in rules]),
    }
    if not any(columns["domain"][1]):
        del columns["domain"]

    rows = list(zip(*(cells for _, cells in columns.values()), strict=True))
    if sort in columns:
        rows.sort(key=lambda row: row[list(columns).index(sort)])
    for line in _lay_out([title for title, _ in columns.values()], rows):
        click.echo(line)


def _show_methods(rule: Rule, all_methods: bool) -> str:
    if rule.websocket:
        return "WEBSOCKET"
    methods = set(rule.methods or ())
    return ", ".join(sorted(methods if all_methods else methods - {"HEAD", "OPTIONS"}))


def _lay_out(titles: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    table = [tuple(titles), tuple("-" * width for width in widths), *rows]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
