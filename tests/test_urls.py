from __future__ import annotations

import typing as t

import pytest
from werkzeug.routing import BuildError

from kolben import Blueprint, Kolben, g, request, url_for
from kolben.testing import KolbenClient
from kolben.testing.client import Protocol
from tests.kinds import Kind


@pytest.fixture
def app(app: Kolben) -> Kolben:
    app.add_url_rule("/", "index", lambda: "x")
    app.add_url_rule("/user/<int:id>", "user", lambda id: "x", methods=["GET", "POST"])
    app.add_url_rule("/edit/<int:id>", "edit", lambda id: "x", methods=["PUT"])
    blueprint = Blueprint("shop", __name__, url_prefix="/shop")
    blueprint.add_url_rule("/", "index", lambda: f"{url_for('.index')} {url_for('index')} {url_for('.item', id=1)}")
    blueprint.add_url_rule("/<int:id>", "item", lambda id: "x")
    app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize(
    ("endpoint", "values", "expected"),
    [
        ("index", {}, "/"),
        ("user", {"id": 7}, "/user/7"),
        ("user", {"id": 7, "page": [1, 2], "none": None}, "/user/7?page=1&page=2"),
        ("user", {"id": 7, "q": "a b&ü"}, "/user/7?q=a+b%26%C3%BC"),
        ("edit", {"id": 7, "_method": "PUT"}, "/edit/7"),
        ("index", {"_anchor": "top of it"}, "/#top%20of%20it"),
        ("index", {"_external": True}, "http://localhost/"),
        ("index", {"_scheme": "https"}, "https://localhost/"),
        ("index", {"_external": True, "_scheme": "https", "_anchor": "a"}, "https://localhost/#a"),
    ],
)
def test_url_for(
    app: Kolben, client: KolbenClient, view_kind: Kind, endpoint: str, values: dict[str, t.Any], expected: str
) -> None:
    app.add_url_rule("/view", "view", view_kind(lambda: url_for(endpoint, **values)))
    assert client.get("/view").text == expected


def test_dot_means_this_blueprint(client: KolbenClient) -> None:
    assert client.get("/shop/").text == "/shop/ / /shop/1"


def test_dot_without_a_blueprint_means_the_application(app: Kolben) -> None:
    with app.test_request_context("/"):
        assert url_for(".index") == "/"


def test_scheme_of_a_relative_url_is_refused(app: Kolben) -> None:
    with app.test_request_context("/"), pytest.raises(ValueError, match="_external"):
        url_for("index", _scheme="https", _external=False)


def test_outside_of_a_request(app: Kolben) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError, match="without 'SERVER_NAME' configured"):
            url_for("index")
        app.config.update(SERVER_NAME="example.org:8080", APPLICATION_ROOT="/app", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert url_for("user", id=7) == "https://example.org:8080/app/user/7"
        assert url_for("user", id=7, _external=False) == "/app/user/7"
    assert app.url_for("index", _external=False) == "/app/"


def test_url_that_cannot_be_built(app: Kolben) -> None:
    with app.test_request_context("/"), pytest.raises(BuildError, match="user"):
        url_for("user")


def test_build_error_handlers_are_asked_in_turn(app: Kolben, client: KolbenClient) -> None:
    def know_nothing(error: Exception, endpoint: str, values: dict[str, t.Any]) -> None:
        return None

    def know(error: Exception, endpoint: str, values: dict[str, t.Any]) -> str:
        return f"/elsewhere/{endpoint}?{values['a']}&{values['_anchor']}"

    app.url_build_error_handlers += [know_nothing, know]
    app.add_url_rule("/view", "view", lambda: url_for("unknown", a=1, _anchor="x"))
    assert client.get("/view").text == "/elsewhere/unknown?1&x"


def test_defaults_of_application_and_blueprint(client: KolbenClient, app: Kolben, view_kind: Kind) -> None:
    blueprint = Blueprint("lang", __name__, url_prefix="/<lang>")

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, t.Any]) -> None:
        values.setdefault("v", 1)

    @blueprint.url_defaults
    def add_lang(endpoint: str, values: dict[str, t.Any]) -> None:
        values.setdefault("lang", g.lang)

    @blueprint.url_value_preprocessor
    def take_lang(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
        assert values is not None
        g.lang = values.pop("lang")

    blueprint.add_url_rule("/", "index", view_kind(lambda: f"{url_for('.index')} {url_for('index')}"))
    app.register_blueprint(blueprint)
    assert client.get("/de/").text == "/de/?v=1 /?v=1"


def test_subdomains(protocol: Protocol, view_kind: Kind) -> None:
    app = Kolben("subdomains", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org:5000"
    blueprint = Blueprint("user", __name__, subdomain="<user>")
    blueprint.add_url_rule(
        "/", "index", view_kind(lambda user: f"{user} {url_for('.index', user='bob')} {url_for('root')}")
    )
    app.register_blueprint(blueprint)
    app.add_url_rule("/", "root", view_kind(lambda: "root"))
    client = app.test_client(protocol=protocol, validate=True)
    page = client.get("/", base_url="http://ann.example.org:5000")
    assert page.text == "ann http://bob.example.org:5000/ http://example.org:5000/"
    assert client.get("/", base_url="http://example.org:5000").text == "root"
    # FLASK: a rule whose subdomain is a variable matches another's host, and is told so by its value.
    with pytest.warns(UserWarning, match=r"'evil.com' doesn't match configured server name"):
        assert client.get("/", base_url="http://evil.com").text.startswith("<invalid> ")
    client.close()


def test_hosts(protocol: Protocol) -> None:
    app = Kolben("hosts", host_matching=True, static_host="static.org")
    app.add_url_rule("/", "fixed", lambda: f"fixed {url_for('any', name='ann', _external=True)}", host="example.org")
    app.add_url_rule("/", "any", lambda name: f"any {name} {url_for('.any', name='bob')}", host="<name>.example.org")
    client = app.test_client(protocol=protocol, validate=True)
    assert client.get("/", base_url="http://example.org").text == "fixed http://ann.example.org/"
    assert client.get("/", base_url="http://ann.example.org").text == "any ann http://bob.example.org/"
    assert client.get("/", base_url="http://other.org").status_code == 404
    client.close()


def test_server_name_does_not_restrict_without_subdomain_matching(app: Kolben, client: KolbenClient) -> None:
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/host", "host", lambda: f"{request.host} {url_for('index', _external=True)}")
    assert client.get("/host", base_url="http://other.org").text.startswith("other.org ")


@pytest.mark.parametrize("late", [False, True])
def test_trusted_hosts(app: Kolben, client: KolbenClient, late: bool) -> None:
    if late:
        client.get("/")
    app.config["TRUSTED_HOSTS"] = ["example.org", ".example.com"]
    assert client.get("/", base_url="http://example.org").status_code == 200
    assert client.get("/", base_url="http://a.example.com").status_code == 200
    assert client.get("/", base_url="http://evil.org").status_code == 400


def test_url_for_is_the_applications_method_if_that_is_overridden(view_kind: Kind) -> None:
    class Prefixed(Kolben):
        def url_for(self, endpoint: str, **values: t.Any) -> str:
            return f"/prefix{super().url_for(endpoint, **values)}"

    class Plain(Kolben):
        pass

    for cls, expected in ((Kolben, "/a"), (Plain, "/a"), (Prefixed, "/prefix/a")):
        app = cls(__name__)
        app.add_url_rule("/a", "a", view_kind(lambda: url_for("a")))
        assert app.test_client().get("/a").text == expected
        app.url_for = lambda endpoint, **values: "/own"  # type: ignore[method-assign]
        assert app.test_client().get("/a").text == "/own"
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        url_for("a")
