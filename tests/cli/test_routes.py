"""The table of routes."""

from __future__ import annotations

import typing as t

import pytest

from kolben import Kolben
from kolben.cli import KolbenGroup

if t.TYPE_CHECKING:
    from click.testing import CliRunner


def table(app: Kolben, runner: CliRunner, *args: str) -> list[str]:
    result = runner.invoke(KolbenGroup(create_app=lambda: app), ["routes", *args])
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.output.splitlines()]


@pytest.fixture
def app() -> Kolben:
    app = Kolben("site", static_folder=None)
    app.add_url_rule("/pairs/<int:x>/<int:y>", methods=["GET", "POST"], endpoint="pairs")
    app.add_url_rule("/zoo", methods=["POST"], endpoint="add")
    app.add_url_rule("/", methods=["GET"], endpoint="index")
    return app


def test_routes_are_sorted_by_endpoint(app: Kolben, runner: CliRunner) -> None:
    assert table(app, runner) == [
        "Endpoint  Methods    Rule",
        "--------  ---------  ----------------------",
        "add       POST       /zoo",
        "index     GET        /",
        "pairs     GET, POST  /pairs/<int:x>/<int:y>",
    ]


@pytest.mark.parametrize(
    ("sort", "endpoints"),
    [
        ("endpoint", ["add", "index", "pairs"]),
        ("methods", ["index", "pairs", "add"]),
        ("rule", ["index", "pairs", "add"]),
    ],
)
def test_routes_are_sorted_as_asked(sort: str, endpoints: list[str], app: Kolben, runner: CliRunner) -> None:
    assert [line.split()[0] for line in table(app, runner, "--sort", sort)[2:]] == endpoints


@pytest.mark.parametrize("sort", ["match", "domain"])
def test_otherwise_they_stay_in_the_order_of_matching(sort: str, app: Kolben, runner: CliRunner) -> None:
    order = [rule.endpoint for rule in app.url_map.iter_rules()]

    assert [line.split()[0] for line in table(app, runner, "-s", sort)[2:]] == order


def test_all_methods(app: Kolben, runner: CliRunner) -> None:
    assert "GET, HEAD, OPTIONS, POST" not in "\n".join(table(app, runner))
    assert "GET, HEAD, OPTIONS, POST" in "\n".join(table(app, runner, "--all-methods"))


def test_no_routes(runner: CliRunner) -> None:
    assert table(Kolben("site", static_folder=None), runner) == ["No routes were registered."]


def test_subdomains_have_a_column(app: Kolben, runner: CliRunner) -> None:
    app.add_url_rule("/", subdomain="api", endpoint="api")

    lines = table(app, runner)

    assert lines[0].split() == ["Endpoint", "Methods", "Subdomain", "Rule"]
    assert lines[3].split() == ["api", "GET", "api", "/"]


def test_hosts_have_a_column(runner: CliRunner) -> None:
    app = Kolben("site", static_folder=None, host_matching=True)
    app.add_url_rule("/", host="b.example", endpoint="one")
    app.add_url_rule("/", host="a.example", endpoint="two")

    lines = table(app, runner, "--sort", "domain")

    assert lines[0].split() == ["Endpoint", "Methods", "Host", "Rule"]
    assert [line.split()[2] for line in lines[2:]] == ["a.example", "b.example"]


def test_websockets_are_marked(app: Kolben, runner: CliRunner) -> None:
    @app.websocket("/chat")
    async def chat(ws: t.Any) -> None:
        pass

    assert ["chat", "WEBSOCKET", "/chat"] in [line.split() for line in table(app, runner)]
