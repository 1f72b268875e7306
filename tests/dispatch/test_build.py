from __future__ import annotations

import threading
import typing as t

import pytest

from kolben import Blueprint, Kolben, Response, session
from kolben.dispatch.plan import Mode
from kolben.sessions import SecureCookieSessionInterface, SessionInterface
from kolben.testing import EnvironBuilder, KolbenClient
from tests.kinds import Kind


def test_plan_of_an_endpoint_is_made_once(app: Kolben) -> None:
    app.add_url_rule("/", "view", lambda: "x")
    plans = app.plans(on_loop=False)
    assert plans["view"] is plans["view"]
    assert repr(plans["view"]) == "<Plan 'view' on the thread that called>"


@pytest.mark.parametrize(
    ("on_loop", "is_async", "options", "mode"),
    [
        (False, False, {}, Mode.CALLER),
        (False, True, {}, Mode.CALLER),
        (True, False, {}, Mode.THREAD),
        (True, True, {}, Mode.LOOP),
        (True, False, {"blocking": False}, Mode.CALLER),
    ],
)
def test_where_a_pipeline_runs(
    app: Kolben, on_loop: bool, is_async: bool, options: dict[str, t.Any], mode: Mode
) -> None:
    async def async_view() -> str:
        return "x"

    app.add_url_rule("/", "view", async_view if is_async else lambda: "x", **options)
    assert app.plans(on_loop)["view"].mode is mode


def test_hooks_of_a_plan_are_those_of_its_blueprints_inwards_and_outwards(app: Kolben) -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    hooks: dict[str, t.Any] = {name: lambda *args, name=name: name for name in ("app", "outer", "inner")}
    for registrar, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
        registrar.before_request(hooks[name])
        registrar.teardown_request(hooks[name])
    inner.add_url_rule("/", "view", lambda: "x")
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    plan = app.plans(on_loop=False)["outer.inner.view"]
    assert plan.blueprints == ("outer.inner", "outer")
    assert plan.before == (hooks["app"], hooks["outer"], hooks["inner"])
    assert plan.teardown == (hooks["inner"], hooks["outer"], hooks["app"])


def test_endpoint_without_a_view_says_so_when_it_is_asked_for(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", endpoint="nothing")
    with pytest.raises(KeyError, match="nothing"):
        client.get("/")


def test_url_values_are_none_where_nothing_matched(app: Kolben, client: KolbenClient) -> None:
    seen: list[t.Any] = []
    app.url_value_preprocessor(lambda endpoint, values: seen.append((endpoint, values)))
    assert client.get("/missing").status_code == 404
    assert seen == [(None, None)]


def test_url_values_belong_to_their_request(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    seen: list[t.Any] = []

    @app.url_value_preprocessor
    def preprocess(endpoint: str | None, values: t.Any) -> None:
        seen.append(dict(values))
        values["added"] = True

    app.add_url_rule("/", "plain", view_kind(lambda added: "x"))
    app.add_url_rule("/defaults", "defaults", view_kind(lambda added, page: "x"), defaults={"page": 1})
    for path in ("/", "/", "/defaults", "/defaults"):
        client.get(path)
    assert seen == [{}, {}, {"page": 1}, {"page": 1}]


def test_options_are_answered_with_hooks(app: Kolben, client: KolbenClient) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-After"] = "1"
        return response

    app.add_url_rule("/", "view", lambda: "x", methods=["POST"])
    response = client.options("/")
    assert (set(response.allow), response.headers["X-After"]) == ({"POST", "OPTIONS"}, "1")


def test_session_that_cannot_be_opened_is_an_error_of_the_request(
    app: Kolben, client: KolbenClient, view_kind: Kind
) -> None:
    class Broken(SessionInterface):
        def open_session(self, app: Kolben, request: t.Any) -> t.NoReturn:
            raise ValueError("no store")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.session_interface = Broken()
    ran: list[str] = []
    app.before_request(lambda: ran.append("before"))
    app.teardown_request(lambda exc: ran.append(repr(exc)))
    app.register_error_handler(500, lambda exc: (str(exc.original_exception), 500))
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    assert client.get("/").text == "no store"
    client.close()
    assert ran == ["ValueError('no store')"]


def test_null_session_can_be_read_and_says_what_is_missing(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> str:
        assert session.get("name") is None
        session["name"] = "Ann"
        return "x"

    app.secret_key = None
    app.add_url_rule("/", "view", view_kind(view))
    with pytest.raises(RuntimeError, match="secret_key"):
        client.get("/")


def test_session_interface_of_a_user_may_know_the_endpoint(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    opened: list[object] = []

    class Late(SecureCookieSessionInterface):
        def open_session(self, app: Kolben, request: t.Any) -> t.Any:
            from kolben.globals import request_ctx

            request_ctx.match_request()
            opened.append(request.endpoint)
            return super().open_session(app, request)

    app.session_interface = Late()
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    assert client.get("/").text == "x"
    assert opened == ["view"]


def test_many_threads_may_freeze_a_fresh_application(app: Kolben) -> None:
    for number in range(20):
        app.add_url_rule(f"/{number}/<int:value>", str(number), lambda value: str(value))
    barrier, answers = threading.Barrier(64), []
    environ = EnvironBuilder(app, "/7/3").get_environ()

    def ask() -> None:
        barrier.wait()
        answers.append(b"".join(app(dict(environ), lambda status, headers: None)))

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"3"] * 64


def test_websocket_over_wsgi_names_the_servers_that_can(app: Kolben) -> None:
    app.add_websocket("/ws", "ws", lambda ws: None)
    client = app.test_client(validate=True)
    response = client.get("/ws", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert response.status_code == 426
    # Hop-by-hop headers are the server's (PEP 3333).
    assert "Upgrade" not in response.headers
    assert "uvicorn" in response.text


def test_an_ordinary_request_for_a_websocket_is_told_so(app: Kolben) -> None:
    app.add_websocket("/ws", "ws", lambda ws: None)
    for protocol in ("wsgi", "asgi"):
        response = app.test_client(protocol=protocol).get("/ws")
        assert response.status_code == 426
        assert "ws://" in response.text
        # Under WSGI hop-by-hop headers are the server's; elsewhere RFC 9110 section 15.5.22 wants it.
        assert response.headers.get("Upgrade") == ("websocket" if protocol == "asgi" else None)


def test_a_map_of_werkzeugs_own_serves_as_well() -> None:
    from werkzeug.routing import Map, Rule

    from kolben import url_for

    class Application(Kolben):
        url_map_class = Map  # type: ignore[assignment]  # what programs written for Flask may set
        url_rule_class = Rule  # type: ignore[assignment]  # likewise

    app = Application("tests.app")

    @app.route("/user/<int:number>")
    def user(number: int) -> str:
        return url_for("user", number=number + 1)

    client = app.test_client()
    assert client.get("/user/1").text == "/user/2"
    assert client.get("/nowhere").status_code == 404
    assert client.post("/user/1").status_code == 405


def test_path_that_was_asked_for_is_matched_anew_when_rules_are_added(
    app: Kolben, client: KolbenClient, view_kind: Kind
) -> None:
    app.add_url_rule("/<name>", "any", view_kind(lambda name: f"any {name}"))
    app.add_url_rule("/fixed", "fixed", view_kind(lambda: "fixed"))
    assert [client.get("/fixed").text for _ in range(2)] == ["fixed", "fixed"]
    assert client.get("/other").text == "any other"
    rule = app.url_rule_class("/other", endpoint="fixed", methods=["GET"])
    app.url_map.add(rule)
    assert [client.get(path).text for path in ("/other", "/fixed", "/other")] == ["fixed"] * 3


def test_fixed_paths_are_kept_by_method_and_no_others(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/fixed", "fixed", lambda: "x")
    app.add_url_rule("/<name>", "any", lambda name: name)
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PATCH"):
        client.open("/fixed", method=method)
    client.get("/a")
    client.get("/b")
    plans = app.plans(on_loop=client.protocol == "asgi")
    assert set(plans.fixed) == {("GET", "/fixed"), ("HEAD", "/fixed")}
