from __future__ import annotations

import typing as t

import pytest

import kolben
from kolben import Blueprint, Kolben, g, request, url_for
from kolben.testing import KolbenClient
from tests.kinds import Kind

if t.TYPE_CHECKING:
    from pathlib import Path

    from kolben.blueprints import BlueprintSetupState


@pytest.fixture
def blueprint() -> Blueprint:
    return Blueprint("blueprint", __name__)


@pytest.mark.parametrize(
    ("prefix", "rule", "path"),
    [
        (None, "/", "/"),
        ("/a", "/", "/a/"),
        ("/a", "", "/a"),
        ("/a/", "/b", "/a/b"),
        ("/a", "b", "/a/b"),
        ("/<name>", "/b", "/Ann/b"),
    ],
)
def test_prefix(
    app: Kolben, client: KolbenClient, view_kind: Kind, blueprint: Blueprint, prefix: str | None, rule: str, path: str
) -> None:
    blueprint.add_url_rule(rule, "view", view_kind(lambda name="": f"{request.endpoint} {name}"))
    app.register_blueprint(blueprint, url_prefix=prefix)
    assert client.get(path).text.strip() in {"blueprint.view", "blueprint.view Ann"}


def test_registered_twice_under_names_of_its_own(app: Kolben, client: KolbenClient, blueprint: Blueprint) -> None:
    once: list[BlueprintSetupState] = []
    each: list[BlueprintSetupState] = []
    blueprint.record_once(once.append)
    blueprint.record(each.append)
    blueprint.add_url_rule("/", "view", lambda: f"{request.endpoint} {url_for('.view')}")
    app.register_blueprint(blueprint, url_prefix="/a")
    app.register_blueprint(blueprint, url_prefix="/b", name="other")
    assert client.get("/a/").text == "blueprint.view /a/"
    assert client.get("/b/").text == "other.view /b/"
    assert (len(once), len(each)) == (1, 2)


def test_hooks_of_the_application_are_added_once(app: Kolben, client: KolbenClient, blueprint: Blueprint) -> None:
    ran: list[str] = []
    blueprint.before_app_request(lambda: ran.append("app"))
    blueprint.before_request(lambda: ran.append("own"))
    blueprint.add_url_rule("/", "view", lambda: "x")
    app.register_blueprint(blueprint, url_prefix="/a")
    app.register_blueprint(blueprint, url_prefix="/b", name="other")
    client.get("/b/")
    assert ran == ["app", "own"]


def test_name_that_is_taken(app: Kolben, blueprint: Blueprint) -> None:
    app.register_blueprint(blueprint)
    with pytest.raises(ValueError, match="already registered for this blueprint"):
        app.register_blueprint(blueprint)
    with pytest.raises(ValueError, match="already registered for a different blueprint"):
        app.register_blueprint(Blueprint("blueprint", __name__))


def test_changed_after_it_was_registered(app: Kolben, blueprint: Blueprint) -> None:
    app.register_blueprint(blueprint)
    with pytest.raises(AssertionError, match="can no longer be called on the blueprint 'blueprint'"):
        blueprint.add_url_rule("/", "view", lambda: "x")


@pytest.mark.parametrize("name", ["", "a.b"])
def test_name_that_cannot_be(name: str) -> None:
    with pytest.raises(ValueError, match="'name' may not"):
        Blueprint(name, __name__)


def test_endpoint_that_cannot_be(blueprint: Blueprint) -> None:
    with pytest.raises(ValueError, match="'endpoint' may not contain a dot"):
        blueprint.add_url_rule("/", "a.b", lambda: "x")


def test_nested_in_itself(blueprint: Blueprint) -> None:
    with pytest.raises(ValueError, match="Cannot register a blueprint on itself"):
        blueprint.register_blueprint(blueprint)


def test_nested(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    a, b, c = (Blueprint(name, __name__, url_prefix=f"/{name}") for name in "abc")
    for blueprint in (a, b, c):
        blueprint.add_url_rule("/", "view", view_kind(lambda: f"{request.blueprints} {url_for('.view')}"))
    b.register_blueprint(c)
    a.register_blueprint(b, url_prefix="/bee")
    a.register_blueprint(c, name="sea", url_prefix="/sea")
    app.register_blueprint(a)
    assert client.get("/a/").text == "['a'] /a/"
    assert client.get("/a/bee/").text == "['a.b', 'a'] /a/bee/"
    assert client.get("/a/bee/c/").text == "['a.b.c', 'a.b', 'a'] /a/bee/c/"
    assert client.get("/a/sea/").text == "['a.sea', 'a'] /a/sea/"


def test_hooks_stay_within(app: Kolben, client: KolbenClient, view_kind: Kind, blueprint: Blueprint) -> None:
    def before() -> None:
        g.hooked = True

    blueprint.before_request(view_kind(before))
    blueprint.add_url_rule("/in", "view", view_kind(lambda: str(g.get("hooked"))))
    app.register_blueprint(blueprint)
    app.add_url_rule("/out", "view", view_kind(lambda: str(g.get("hooked"))))
    assert [client.get(path).text for path in ("/in", "/out")] == ["True", "None"]


def test_url_defaults(app: Kolben, client: KolbenClient) -> None:
    blueprint = Blueprint("blueprint", __name__, url_defaults={"a": 1, "b": 1, "c": 1})
    blueprint.add_url_rule("/", "view", lambda **values: values, defaults={"c": 3})
    app.register_blueprint(blueprint, url_defaults={"b": 2})
    assert client.get("/").json == {"a": 1, "b": 2, "c": 3}


def test_static_files_and_templates_of_its_own(app: Kolben, client: KolbenClient, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("static")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text("{{ url_for('.static', filename='a.txt') }}")
    blueprint = Blueprint(
        "blueprint",
        __name__,
        root_path=str(tmp_path),
        static_folder="static",
        template_folder="templates",
        url_prefix="/blueprint",
    )
    blueprint.add_url_rule("/", "view", lambda: kolben.render_template("a.html"))
    app.register_blueprint(blueprint)
    assert client.get("/blueprint/").text == "/blueprint/static/a.txt"
    with client.get("/blueprint/static/a.txt") as response:
        assert response.get_data() == b"static"


def test_for_the_whole_application(app: Kolben, client: KolbenClient, blueprint: Blueprint, view_kind: Kind) -> None:
    events: list[str] = []

    def after(response: t.Any) -> t.Any:
        events.append("after")
        return response

    blueprint.before_app_request(view_kind(lambda: events.append("before")))
    blueprint.after_app_request(view_kind(after))
    blueprint.teardown_app_request(view_kind(lambda exc: events.append("teardown")))
    blueprint.app_errorhandler(404)(view_kind(lambda exc: ("handled", 404)))
    blueprint.app_context_processor(lambda: {"name": "Ann"})
    blueprint.app_url_value_preprocessor(lambda endpoint, values: events.append(f"preprocess {endpoint}"))
    blueprint.app_url_defaults(lambda endpoint, values: values.update(v=1))
    blueprint.app_template_filter("twice")(lambda text: text * 2)
    blueprint.app_template_test("long")(lambda text: len(text) > 3)
    blueprint.app_template_global("shout")(lambda text: text.upper())
    app.register_blueprint(blueprint)
    template = "{{ name | twice }} {{ name is long }} {{ shout(name) }}"
    app.add_url_rule("/", "view", lambda: f"{url_for('view')} {kolben.render_template_string(template)}")
    assert client.get("/").text == "/?v=1 AnnAnn False ANN"
    assert client.get("/missing").text == "handled"
    client.close()
    assert events == [
        "preprocess view",
        "before",
        "after",
        "teardown",
        "preprocess None",
        "before",
        "after",
        "teardown",
    ]


def test_commands(app: Kolben) -> None:
    @(named := Blueprint("named", __name__)).cli.command("run")
    def run_named() -> None:
        print("named")

    @(bare := Blueprint("bare", __name__, cli_group=None)).cli.command("bare")
    def run_bare() -> None:
        print("bare")

    app.register_blueprint(named)
    app.register_blueprint(bare)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["named", "run"]).output == "named\n"
    assert runner.invoke(args=["bare"]).output == "bare\n"


def test_setup_state_of_a_subclass(app: Kolben, client: KolbenClient) -> None:
    from kolben.blueprints import BlueprintSetupState

    class State(BlueprintSetupState):
        def add_url_rule(self, rule: str, *args: t.Any, **options: t.Any) -> None:
            super().add_url_rule(f"/state{rule}", *args, **options)

    class Own(Blueprint):
        def make_setup_state(self, *args: t.Any, **kwargs: t.Any) -> State:
            return State(self, *args, **kwargs)

    blueprint = Own("own", __name__)
    blueprint.add_url_rule("/x", "view", lambda: "x")
    app.register_blueprint(blueprint)
    assert client.get("/state/x").text == "x"
