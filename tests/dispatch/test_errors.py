from __future__ import annotations

import typing as t

import pytest
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound

import kolben
from kolben import Blueprint, Kolben, Response, request
from kolben.testing import KolbenClient
from tests.kinds import KINDS, Kind


@pytest.fixture(params=KINDS)
def handler_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def raising(exc: BaseException) -> t.Any:
    def view(**values: object) -> t.Any:
        raise exc

    return view


class Parent(Exception):
    pass


class Child(Parent):
    pass


def test_nearest_class_takes_it(app: Kolben, client: KolbenClient, view_kind: Kind, handler_kind: Kind) -> None:
    app.register_error_handler(Exception, handler_kind(lambda exc: "any"))
    app.register_error_handler(Parent, handler_kind(lambda exc: "parent"))
    app.add_url_rule("/child", "child", view_kind(raising(Child())))
    app.add_url_rule("/other", "other", view_kind(raising(OSError())))
    assert [client.get(path).text for path in ("/child", "/other", "/child")] == ["parent", "any", "parent"]


def test_handler_for_a_code_comes_before_one_for_a_class(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.register_error_handler(HTTPException, lambda exc: ("class", exc.code))
    app.register_error_handler(404, lambda exc: ("code", 404))
    app.add_url_rule("/404", "404", view_kind(raising(NotFound())))
    app.add_url_rule("/403", "403", view_kind(raising(Forbidden())))
    assert [client.get(path).text for path in ("/404", "/403", "/missing")] == ["code", "class", "code"]


def test_blueprint_comes_before_the_application(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    app.register_error_handler(Child, lambda exc: "app")
    outer.register_error_handler(Parent, lambda exc: "outer")
    inner.add_url_rule("/inner", "view", view_kind(raising(Child())))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/app", "view", view_kind(raising(Child())))
    assert [client.get("/inner").text, client.get("/app").text] == ["outer", "app"]


def test_handler_of_a_blueprint_does_not_take_unmatched_paths(app: Kolben, client: KolbenClient) -> None:
    blueprint = Blueprint("blueprint", __name__, url_prefix="/blueprint")
    blueprint.register_error_handler(404, lambda exc: ("blueprint", 404))
    blueprint.add_url_rule("/raises", "raises", raising(NotFound()))
    app.register_blueprint(blueprint)
    assert client.get("/blueprint/raises").text == "blueprint"
    assert client.get("/blueprint/missing").text != "blueprint"


def test_handler_for_500_gets_the_original(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.register_error_handler(500, lambda exc: (repr(exc.original_exception), 500))
    app.add_url_rule("/", "view", view_kind(raising(ValueError("no"))))
    assert client.get("/").text == "ValueError('no')"


def test_redirect_by_routing_is_no_error(app: Kolben, client: KolbenClient) -> None:
    app.register_error_handler(HTTPException, lambda exc: ("handled", 500))
    app.add_url_rule("/page/", "view", lambda: "page")
    assert client.get("/page").status_code == 308


def test_abort_with_a_response(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> t.NoReturn:
        kolben.abort(Response("mine", 418, {"X-Mine": "1"}))

    app.register_error_handler(HTTPException, lambda exc: ("handled", 500))
    app.add_url_rule("/", "view", view_kind(view))
    response = client.get("/")
    assert (response.status_code, response.text, response.headers["X-Mine"]) == (418, "mine", "1")


def test_http_exception_that_has_a_response(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(raising(BadRequest(response=Response("mine", 422)))))
    assert (client.get("/").status_code, client.get("/").text) == (422, "mine")


def test_trap_http_exceptions(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(raising(NotFound())))
    app.config["TRAP_HTTP_EXCEPTIONS"] = True
    with pytest.raises(NotFound):
        client.get("/")


def test_trap_bad_request_errors(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: request.form["missing"]), methods=["POST"])
    assert client.post("/").status_code == 400
    app.config["TRAP_BAD_REQUEST_ERRORS"] = True
    with pytest.raises(KeyError, match="missing"):
        client.post("/")


def test_debug_mode_says_which_key_was_missing(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.config.update(DEBUG=True, TRAP_BAD_REQUEST_ERRORS=False)
    app.add_url_rule("/", "view", view_kind(lambda: request.args["missing"]))
    assert "missing" in client.get("/").text


@pytest.mark.parametrize(
    ("testing", "propagate", "raises"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_propagate_exceptions(
    app: Kolben, client: KolbenClient, view_kind: Kind, testing: bool, propagate: bool | None, raises: bool
) -> None:
    app.config.update(TESTING=testing, PROPAGATE_EXCEPTIONS=propagate)
    app.add_url_rule("/", "view", view_kind(raising(ValueError("no"))))
    if raises:
        with pytest.raises(ValueError, match="no"):
            client.get("/")
    else:
        assert client.get("/").status_code == 500


@pytest.mark.parametrize(("code", "error"), [(999, ValueError), (NotFound(), TypeError), (int, ValueError)])
def test_what_cannot_be_handled_is_refused(app: Kolben, code: t.Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        app.register_error_handler(code, lambda exc: "")


def test_pages_of_routing_errors_are_those_of_their_exceptions(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", "get", lambda: "x")
    app.add_url_rule("/put", "put", lambda: "x", methods=["PUT"])
    for _ in range(2):
        missing = client.get("/missing")
        assert (missing.status_code, missing.mimetype) == (404, "text/html")
        assert "was not found" in missing.text
        assert [set(client.delete(path).allow or ()) for path in ("/", "/put")] == [
            {"GET", "HEAD", "OPTIONS"},
            {"PUT", "OPTIONS"},
        ]
        problem = client.get("/missing", headers={"Accept": "application/json"})
        assert problem.mimetype == "application/problem+json"
        assert client.head("/missing").data == b""


def test_routing_error_goes_through_an_overridden_step(protocol: t.Any) -> None:
    class Strict(Kolben):
        def trap_http_exception(self, e: Exception) -> bool:
            return isinstance(e, NotFound)

    app = Strict("tests.app")
    app.testing = True
    with pytest.raises(NotFound):
        app.test_client(protocol=protocol).get("/missing")


def test_responses_to_routing_errors_are_each_made_by_the_applications_class(app: Kolben, client: KolbenClient) -> None:
    closed: list[str] = []

    class Numbered(Response):
        made = 0

        def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().__init__(*args, **kwargs)
            Numbered.made += 1
            self.headers["X-Number"] = str(Numbered.made)

        def close(self) -> None:
            closed.append(self.headers["X-Number"])
            super().close()

    app.response_class = Numbered
    app.add_url_rule("/", "view", lambda: "text")
    asked = [("GET", "/missing"), ("GET", "/missing"), ("POST", "/"), ("POST", "/")]
    answers = [client.open(path, method=method, buffered=True) for method, path in asked]
    assert [answer.status_code for answer in answers] == [404, 404, 405, 405]
    assert [answer.headers["X-Number"] for answer in answers] == ["1", "2", "3", "4"]
    assert closed == ["1", "2", "3", "4"]


def test_routing_errors_go_through_an_overridden_make_response(protocol: t.Any) -> None:
    class Noting(Kolben):
        def make_response(self, rv: t.Any) -> Response:
            noted.append(type(rv))
            return super().make_response(rv)

    noted: list[type] = []
    app = Noting(__name__)
    client = app.test_client(protocol=protocol)
    assert [client.get("/missing").status_code for _ in range(2)] == [404, 404]
    assert noted == [NotFound, NotFound]
