"""``kolben routes --plan`` shows what was compiled."""

from __future__ import annotations

import json
import typing as t

from kolben import Blueprint, Kolben, WebSocket
from kolben.cli import KolbenGroup
from kolben.cli.plan import describe_plans

if t.TYPE_CHECKING:
    from click.testing import CliRunner

HERE = "tests/cli/test_plan.py"


def plans(app: Kolben) -> dict[str, t.Any]:
    return {described["endpoint"]: described for described in describe_plans(app, app.url_map.iter_rules())}


def show(app: Kolben, runner: CliRunner, *args: str) -> str:
    result = runner.invoke(KolbenGroup(create_app=lambda: app), ["routes", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_view_its_arguments_and_its_place() -> None:
    app = Kolben("site", static_folder=None)

    @app.route("/user/<int:id>/<path:rest>", defaults={"page": 1})
    def user(id: int, rest: str, page: int) -> str:
        return ""

    plan = plans(app)["user"]

    line = user.__code__.co_firstlineno
    assert plan["view"] == {"name": f"{__name__}.{user.__qualname__}", "async": False, "file": HERE, "line": line}
    assert plan["arguments"] == {"id": "IntegerConverter", "rest": "PathConverter", "page": "1, the rule's default"}
    assert plan["rules"][0]["methods"] == ["GET", "HEAD", "OPTIONS"]


def test_where_views_run() -> None:
    app = Kolben("site", static_folder=None)

    async def later() -> str:
        return ""

    async def socket(ws: WebSocket) -> None: ...

    app.add_url_rule("/sync", "sync", lambda: "")
    app.add_url_rule("/later", "later", later)
    app.add_url_rule("/inline", "inline", lambda: "", blocking=False)
    app.add_websocket("/socket", "socket", socket)

    runs = {endpoint: (plan["runs"]["wsgi"], plan["runs"]["asgi"]) for endpoint, plan in plans(app).items()}

    assert runs == {
        "sync": ("on the server's thread", "in a worker thread"),
        "later": ("on the process's event loop, while the server's thread waits", "on the event loop"),
        "inline": ("on the server's thread", "on the event loop (blocking=False)"),
        "socket": ("not at all: answered with 426", "on the event loop"),
    }
    app.before_request(lambda: None)
    assert plans(app)["inline"]["runs"]["asgi"] == "on the event loop (blocking=False), each hook in a worker thread"


def test_hooks_are_in_the_order_of_their_calls() -> None:
    app = Kolben("site", static_folder=None)
    blueprint = Blueprint("blog", __name__)

    def first() -> None: ...
    async def second() -> None: ...
    def one(response: t.Any) -> t.Any: ...
    def two(response: t.Any) -> t.Any: ...
    def end(exc: object) -> None: ...
    def context_end(exc: object) -> None: ...
    def missing(exc: object) -> t.Any: ...
    def failed(exc: object) -> t.Any: ...

    blueprint.before_request(second)
    blueprint.register_error_handler(404, missing)
    blueprint.add_url_rule("/", "index", lambda: "")
    app.before_request(first)
    app.after_request(one)
    app.after_request(two)
    app.teardown_request(end)
    app.teardown_appcontext(context_end)
    app.register_error_handler(Exception, failed)
    app.register_blueprint(blueprint)

    plan = plans(app)["blog.index"]
    names = {
        group: [func["name"].rpartition(".")[2] for func in plan[group]]
        for group in ("before", "after", "teardown", "errors")
    }

    assert names == {
        "before": ["first", "second"],
        "after": ["two", "one"],
        "teardown": ["end", "context_end"],
        "errors": ["missing", "failed"],
    }
    assert [func["async"] for func in plan["before"]] == [False, True]
    assert [handler["for"] for handler in plan["errors"]] == [404, "Exception"]


def test_bodies(runner: CliRunner) -> None:
    app = Kolben("site", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.add_url_rule("/form", "form", lambda: "")
    app.add_url_rule("/file", "file", lambda: "", stream_body=True, max_content_length=5 * 1024**2)

    shown = show(app, runner, "--plan")

    assert "body          complete before the view, at most 1,000 bytes (MAX_CONTENT_LENGTH)\n" in shown
    assert "body          streamed to the view, at most 5 MiB (the route)\n" in shown
    app.config["MAX_CONTENT_LENGTH"] = None
    assert "complete before the view, of any size" in show(app, runner, "--plan")


def test_problems_are_shown(runner: CliRunner) -> None:
    app = Kolben("site", static_folder=None)
    app.add_url_rule("/none", "none")
    app.add_url_rule("/user", "user", lambda id: "")

    shown = show(app, runner, "--plan")

    assert "PROBLEM       No view function is registered for this endpoint." in shown
    assert "PROBLEM       The view function '<lambda>'" in shown


def test_an_application_that_overrides_a_step(runner: CliRunner) -> None:
    class Site(Kolben):
        def dispatch_request(self) -> t.Any:
            return ""

    app = Site("site", static_folder=None)
    app.add_url_rule("/", "index", lambda: "")

    assert "overrides     of the application's class: dispatch_request" in show(app, runner, "--plan")


def test_a_block_for_each_endpoint(runner: CliRunner) -> None:
    app = Kolben("site", static_folder=None)
    app.add_url_rule("/", "index", test_bodies)
    app.add_url_rule("/home", "index")

    lines = show(app, runner, "--plan", "--all-methods").splitlines()

    assert lines[:4] == [
        "index",
        "  rule          GET, HEAD, OPTIONS  /",
        "                GET, HEAD, OPTIONS  /home",
        f"  view          {__name__}.test_bodies  {HERE}:{test_bodies.__code__.co_firstlineno}",
    ]


def test_as_json(runner: CliRunner) -> None:
    app = Kolben("site", static_folder=None, host_matching=True)
    app.add_url_rule("/b", "b", lambda: "", host="b.example")
    app.add_url_rule("/a", "a", lambda: "", host="a.example", methods=["POST"], provide_automatic_options=False)

    assert json.loads(show(app, runner, "--json")) == [
        {"endpoint": "a", "rule": "/a", "methods": ["POST"], "host": "a.example"},
        {"endpoint": "b", "rule": "/b", "methods": ["GET", "HEAD", "OPTIONS"], "host": "b.example"},
    ]
    assert [plan["view"]["name"] for plan in json.loads(show(app, runner, "--plan", "--json"))] == [
        f"{__name__}.test_as_json.<locals>.<lambda>"
    ] * 2
