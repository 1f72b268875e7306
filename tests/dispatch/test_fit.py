"""Views that do not fit their rules are found before the first request."""

from __future__ import annotations

import functools
import typing as t

import pytest

from kolben import Blueprint, Kolben, WebSocket
from kolben.views import View


def first_request(app: Kolben) -> str:
    """What the first request fails with, to whatever it is; nothing if it does not."""
    try:
        app.test_client().get("/elsewhere")
    except TypeError as exc:
        return str(exc)
    return ""


def test_a_parameter_that_no_variable_is_for(app: Kolben) -> None:
    @app.route("/user")
    def user(id: int) -> str:
        return ""

    line = user.__code__.co_firstlineno
    assert first_request(app) == (
        f"The view function 'user' ('tests/dispatch/test_fit.py', line {line}) takes 'id', which"
        " its rule '/user' has not got. Add '<id>' to the rule, or give the parameter a default value."
    )


def test_a_variable_that_no_parameter_is_for(app: Kolben) -> None:
    @app.route("/user/<int:id>/<name>")
    def user(id: int) -> str:
        return ""

    assert first_request(app).startswith(
        "The rule '/user/<int:id>/<name>' has the variable 'name', which its view function 'user' ('tests/"
    )


def test_it_can_be_mended_after_the_first_request(app: Kolben) -> None:
    app.add_url_rule("/user", "user", lambda id: "")
    assert "'id'" in first_request(app)
    app.view_functions["user"] = lambda: "Ada"

    assert app.test_client().get("/user").text == "Ada"


def decorated(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(view)
    def wrapper(**values: t.Any) -> t.Any:
        return view("Ada", **values)

    return wrapper


class Page(View):
    def dispatch_request(self, **values: t.Any) -> str:
        return ""


@pytest.mark.parametrize(
    ("rule", "view"),
    [
        ("/", lambda: ""),
        ("/<int:id>", lambda id: ""),
        ("/<int:id>", lambda id, page=1: ""),
        ("/<int:id>", lambda **values: ""),
        ("/", decorated(lambda user: "")),
        ("/<int:id>", decorated(lambda user, id: "")),
        ("/<int:id>", functools.partial(lambda user, id: "", "Ada")),
        ("/<int:id>", Page.as_view("page")),
    ],
)
def test_what_may_fit_is_let_be(app: Kolben, rule: str, view: t.Callable[..., t.Any]) -> None:
    app.add_url_rule(rule, "view", view)

    assert first_request(app) == ""


def test_defaults_of_a_rule_are_variables(app: Kolben) -> None:
    app.add_url_rule("/pages", "pages", lambda page: "", defaults={"page": 1})

    assert first_request(app) == ""


@pytest.mark.parametrize("hook", ["before_request", "url_value_preprocessor"])
def test_hooks_may_change_the_variables(app: Kolben, hook: str) -> None:
    blueprint, inner = Blueprint("blog", __name__), Blueprint("posts", __name__)
    getattr(blueprint, hook)(lambda *args: None)
    inner.add_url_rule("/<lang>/", "index", lambda: "")
    blueprint.register_blueprint(inner)
    app.register_blueprint(blueprint)

    assert first_request(app) == ""


def test_an_application_that_calls_views_itself() -> None:
    class Site(Kolben):
        def dispatch_request(self) -> t.Any:
            return "always"

    app = Site(__name__)
    app.add_url_rule("/", "index", lambda user: "")

    assert first_request(app) == ""


def test_the_socket_of_a_websocket_is_no_variable(app: Kolben) -> None:
    @app.websocket("/chat/<room>")
    async def chat(ws: WebSocket, room: str) -> None: ...

    @app.websocket("/log")
    async def log(ws: WebSocket, level: str) -> None: ...

    assert "'log'" in first_request(app)
    assert "takes 'level', which its rule '/log'" in first_request(app)


def test_flask_finds_it_when_the_view_is_called(app: Kolben) -> None:
    app.explains_errors = False
    app.add_url_rule("/user", "user", lambda id: "")

    assert first_request(app) == ""
