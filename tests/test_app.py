from __future__ import annotations

import gc
import typing as t
import weakref
from datetime import timedelta

import pytest

from kolben import Blueprint, Kolben, Request, Response, current_app, request, session
from kolben.json.provider import DefaultJSONProvider
from kolben.sessions import SessionInterface
from kolben.testing import KolbenClient
from tests.kinds import Kind

if t.TYPE_CHECKING:
    from pathlib import Path

SETUP: list[tuple[str, tuple[t.Any, ...]]] = [
    ("add_url_rule", ("/late", "late", lambda: "x")),
    ("route", ("/late",)),
    ("get", ("/late",)),
    ("websocket", ("/late",)),
    ("endpoint", ("late",)),
    ("before_request", (lambda: None,)),
    ("after_request", (lambda response: response,)),
    ("teardown_request", (lambda exc: None,)),
    ("teardown_appcontext", (lambda exc: None,)),
    ("context_processor", (dict,)),
    ("url_value_preprocessor", (lambda endpoint, values: None,)),
    ("url_defaults", (lambda endpoint, values: None,)),
    ("errorhandler", (404,)),
    ("register_error_handler", (404, lambda exc: "x")),
    ("register_blueprint", (Blueprint("late", __name__),)),
    ("template_filter", ()),
    ("before_serving", (lambda: None,)),
]


@pytest.mark.parametrize(("name", "args"), SETUP, ids=[name for name, _ in SETUP])
def test_set_up_is_refused_after_the_first_request(
    app: Kolben, client: KolbenClient, name: str, args: tuple[t.Any, ...]
) -> None:
    client.get("/")
    with pytest.raises(AssertionError, match=f"The setup method '{name}' can no longer be called") as refused:
        getattr(app, name)(*args)
    assert "before running it" in str(refused.value)


def test_set_up_may_go_on_after_the_worker_was_started(app: Kolben) -> None:
    with app.test_client(protocol="asgi", validate=True) as client:
        app.add_url_rule("/", "view", lambda: "x")
        assert client.get("/").text == "x"


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_route_for_one_method(app: Kolben, client: KolbenClient, view_kind: Kind, method: str) -> None:
    with pytest.raises(TypeError, match="Use the 'route' decorator"):
        getattr(app, method)("/", methods=["GET"])
    getattr(app, method)("/", endpoint="view")(view_kind(lambda: request.method))
    assert client.open("/", method=method.upper()).text == method.upper()
    assert client.open("/", method="TRACE").status_code == 405


@pytest.mark.parametrize("name", ["route", "get", "post", "websocket"])
def test_decorator_without_parentheses(app: Kolben, name: str) -> None:
    def index() -> str:
        return ""

    with pytest.raises(TypeError, match=rf"'@app.{name}' stands without a rule above the function 'index' \(.* line "):
        getattr(app, name)(index)


def test_method_that_is_not_allowed_names_those_that_are(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: "x"), methods=["POST"])
    app.add_url_rule("/", "other", view_kind(lambda: "x"), methods=["PUT"])
    response = client.get("/")
    assert (response.status_code, set(response.allow)) == (405, {"POST", "PUT", "OPTIONS"})
    assert set(client.options("/").allow) == {"POST", "PUT", "OPTIONS"}


def test_options_of_a_view_that_takes_them(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: request.method), methods=["GET", "OPTIONS"])
    app.add_url_rule("/none", "none", view_kind(lambda: "x"), provide_automatic_options=False)
    assert client.options("/").text == "OPTIONS"
    assert client.options("/none").status_code == 405


def test_head_runs_the_view_and_sends_no_body(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: request.method))
    response = client.head("/")
    assert (response.data, response.headers["Content-Length"]) == (b"", "4")


def test_endpoint_that_belongs_to_another_function(app: Kolben) -> None:
    app.add_url_rule("/", "view", lambda: "x")
    with pytest.raises(AssertionError, match="overwriting an existing endpoint function: view"):
        app.add_url_rule("/other", "view", lambda: "y")


def test_methods_as_a_string(app: Kolben) -> None:
    with pytest.raises(TypeError, match="must be a list of strings"):
        app.add_url_rule("/", "view", lambda: "x", methods="GET")


def test_one_view_at_several_rules(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view(page: int) -> str:
        return str(page)

    wrapped = view_kind(view)
    app.add_url_rule("/", "view", wrapped, defaults={"page": 1})
    app.add_url_rule("/page/<int:page>", "view", wrapped)
    assert client.get("/").text == "1"
    assert client.get("/page/2").text == "2"
    assert client.get("/page/1").status_code == 308


def test_view_may_be_declared_by_its_endpoint(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", endpoint="view")
    app.endpoint("view")(view_kind(lambda: "x"))
    assert client.get("/").text == "x"


# -- what may change after the first request -------------------------------------------------------------------------


def test_json_provider_may_change(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    class Shouting(DefaultJSONProvider):
        def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
            return super().dumps(obj, **kwargs).upper()

    app.add_url_rule("/", "view", view_kind(lambda: {"a": 1}))
    assert client.get("/").json == {"a": 1}
    app.json = Shouting(app)
    assert client.get("/").json == {"A": 1}


def test_session_interface_may_change(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    class Null(SessionInterface):
        def open_session(self, app: Kolben, request: Request) -> None:
            return None

    def view() -> str:
        session["name"] = "Ann"
        return "x"

    app.add_url_rule("/", "view", view_kind(view))
    assert "Set-Cookie" in client.get("/").headers
    app.session_interface = Null()
    with pytest.raises(RuntimeError, match="session"):
        client.get("/")


def test_response_class_may_change(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    class Plain(Response):
        default_mimetype = "text/plain"

    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    assert client.get("/").mimetype == "text/html"
    app.response_class = Plain
    assert client.get("/").mimetype == "text/plain"


def test_settings_may_change(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: request.get_data()), methods=["POST"])
    assert client.post("/", data=b"12345").data == b"12345"
    app.config["MAX_CONTENT_LENGTH"] = 4
    assert client.post("/", data=b"12345").status_code == 413


def test_registries_may_be_written_to(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    assert client.get("/").text == "x"
    app.view_functions["view"] = view_kind(lambda: "mocked")
    assert client.get("/").text == "mocked"
    app.before_request_funcs.setdefault(None, []).append(lambda: "hooked")
    assert client.get("/").text == "hooked"


# -- what it is made of ----------------------------------------------------------------------------------------------


def test_name_of_a_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "script.py"), raising=False)
    assert Kolben("__main__", root_path=str(tmp_path), instance_path=str(tmp_path)).name == "script"


def test_instance_path_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="must be absolute"):
        Kolben("app", instance_path="instance")


def test_resources(tmp_path: Path) -> None:
    app = Kolben("app", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    (tmp_path / "a.txt").write_text("Grüße", encoding="utf-8")
    with app.open_resource("a.txt") as file:
        assert file.read() == "Grüße".encode()
    with app.open_resource("a.txt", "r", encoding="utf-8") as file:
        assert file.read() == "Grüße"
    with pytest.raises(ValueError, match="only be opened for reading"):
        app.open_resource("a.txt", "w")
    (tmp_path / "instance").mkdir()
    with app.open_instance_resource("b.txt", "w") as file:
        file.write("Grüße")
    with app.open_instance_resource("b.txt", "r") as file:
        assert file.read() == "Grüße"


def test_attributes_that_are_settings(app: Kolben) -> None:
    app.testing = False
    app.secret_key = "new"
    app.config["PERMANENT_SESSION_LIFETIME"] = 60
    assert (app.config["TESTING"], app.config["SECRET_KEY"]) == (False, "new")
    assert app.permanent_session_lifetime == timedelta(minutes=1)
    app.debug = True
    assert app.config["DEBUG"] is True
    assert app.jinja_env.auto_reload
    app.debug = False
    assert not app.jinja_env.auto_reload


def test_shell_context(app: Kolben) -> None:
    app.shell_context_processor(lambda: {"answer": 42})
    context = app.make_shell_context()
    assert (context["app"], context["answer"]) == (app, 42)


def test_template_functions(app: Kolben, client: KolbenClient) -> None:
    from kolben import render_template_string

    @app.template_filter()
    def twice(text: str) -> str:
        return text * 2

    app.template_test("long")(lambda text: len(text) > 3)
    app.template_global("shout")(lambda text: text.upper())
    app.context_processor(lambda: {"name": "Ann"})
    app.add_url_rule(
        "/", "view", lambda: render_template_string("{{ name|twice }} {{ name is long }} {{ shout(name) }}")
    )
    assert client.get("/").text == "AnnAnn False ANN"


def test_subclass_names_its_classes(protocol: t.Any, view_kind: Kind) -> None:
    class OwnRequest(Request):
        @property
        def own(self) -> str:
            return "own request"

    class OwnResponse(Response):
        default_mimetype = "text/plain"

    class App(Kolben):
        request_class = OwnRequest
        response_class = OwnResponse

    app = App("own")
    app.add_url_rule("/", "view", view_kind(lambda: t.cast(OwnRequest, request).own))
    client = app.test_client(protocol=protocol, validate=True)
    response = client.get("/")
    client.close()
    assert (response.text, response.mimetype) == ("own request", "text/plain")


def test_two_applications_do_not_see_each_other(protocol: t.Any, view_kind: Kind) -> None:
    clients = []
    for name in ("a", "b"):
        app = Kolben(name)
        app.add_url_rule("/", "view", view_kind(lambda: current_app.name))
        clients.append(app.test_client(protocol=protocol, validate=True))
    assert [client.get("/").text for client in clients * 2] == ["a", "b", "a", "b"]
    for client in clients:
        client.close()


def test_application_ends_when_nobody_knows_it() -> None:
    def make() -> weakref.ref[Kolben]:
        app = Kolben("short", static_folder="static")
        app.add_url_rule("/", "view", lambda: "x")
        assert app.test_client().get("/").text == "x"
        return weakref.ref(app)

    ended = make()
    gc.collect()
    assert ended() is None
