from __future__ import annotations

import dataclasses
import typing as t

import msgspec
import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben import Kolben, Response
from kolben.testing import KolbenClient
from tests.kinds import Kind

HTML = "text/html; charset=utf-8"


@dataclasses.dataclass
class Point:
    x: int


class Place(msgspec.Struct):
    name: str


class Page(Response):
    default_mimetype = "text/plain"


def wsgi_app(environ: t.Any, start_response: t.Any) -> list[bytes]:
    start_response("202 Accepted", [("Content-Type", "text/x"), ("X-Path", environ["PATH_INFO"])])
    return [b"wsgi"]


@pytest.mark.parametrize(
    ("rv", "status", "body", "content_type"),
    [
        ("text", 200, b"text", HTML),
        (b"bytes", 200, b"bytes", HTML),
        (bytearray(b"bytes"), 200, b"bytes", HTML),
        ({"a": 1}, 200, b'{"a":1}', "application/json"),
        ([1, 2], 200, b"[1,2]", "application/json"),
        (Point(1), 200, b'{"x":1}', "application/json"),
        (Place("home"), 200, b'{"name":"home"}', "application/json"),
        (("text", 201), 201, b"text", HTML),
        (("text", "299 Odd"), 299, b"text", HTML),
        (("text", {"Content-Type": "text/x"}), 200, b"text", "text/x"),
        (("text", [("Content-Type", "text/x")]), 200, b"text", "text/x"),
        (("text", Headers([("Content-Type", "text/x")])), 200, b"text", "text/x"),
        (("text", 202, {"Content-Type": "text/x"}), 202, b"text", "text/x"),
        (({"a": 1}, 400), 400, b'{"a":1}', "application/json"),
        ((Response("made", 201), 202), 202, b"made", HTML),
        ((Response("made", 201), "299 Odd"), 299, b"made", HTML),
        (Page("page"), 200, b"page", "text/plain; charset=utf-8"),
        (WerkzeugResponse("other", 203), 203, b"other", "text/plain; charset=utf-8"),
        (wsgi_app, 202, b"wsgi", "text/x"),
        ((wsgi_app, 203), 203, b"wsgi", "text/x"),
    ],
)
def test_return_value(
    app: Kolben, client: KolbenClient, view_kind: Kind, rv: t.Any, status: int, body: bytes, content_type: str
) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: rv))
    response = client.get("/")
    assert (response.status_code, response.content_type) == (status, content_type)
    assert response.data.replace(b": ", b":").replace(b", ", b",").strip() == body


def test_headers_of_a_tuple_replace_those_of_the_response(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: (Response("", headers={"X-A": "1", "X-B": "1"}), {"X-A": "2"})))
    headers = client.get("/").headers
    assert (headers.getlist("X-A"), headers["X-B"]) == (["2"], "1")


def test_generators(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def chunks() -> t.Iterator[t.Any]:
        yield "a"
        yield b"b"
        yield ""

    app.add_url_rule("/", "view", view_kind(lambda: (view_kind(chunks)(), 201, {"X-A": "1"})))
    response = client.get("/")
    assert (response.data, response.status_code, response.headers["X-A"]) == (b"ab", 201, "1")


def test_http_exception_returned(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: NotFound("gone")))
    response = client.get("/")
    assert response.status_code == 404
    assert "gone" in response.text


@pytest.mark.parametrize(
    ("rv", "message"),
    [
        (None, "for 'view' did not return a valid response. The function either returned None"),
        ((None, 200), "returned None"),
        (5, "dataclass, Struct or WSGI callable, but it was an int"),
        (object(), "but it was an object"),
        (("text",), r"must have the form \(body, status, headers\)"),
        (("text", 200, {}, 1), r"must have the form \(body, status, headers\)"),
        (Point, "but it was a|did not return a valid response"),
    ],
)
def test_return_value_that_is_none(app: Kolben, client: KolbenClient, view_kind: Kind, rv: t.Any, message: str) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: rv))
    with pytest.raises(TypeError, match=message):
        client.get("/")


def test_the_view_that_returned_none_is_named(app: Kolben, client: KolbenClient) -> None:
    def forgetful() -> t.Any: ...

    app.add_url_rule("/", view_func=forgetful)

    line = forgetful.__code__.co_firstlineno
    with pytest.raises(TypeError, match=rf"Its view is 'forgetful' \('.*test_convert\.py', line {line}\)"):
        client.get("/")


@pytest.mark.parametrize(
    ("rv", "message"),
    [
        (5, "but it was an int"),
        (("text", 200, {}, 1), "but it has 4 items"),
        (("text", "foo"), "The status 'foo' that the view function returned"),
        (({"a": 1}, "foo"), "The status 'foo' that the view function returned"),
        (("text", b"foo"), "The status b'foo' that"),
        (("text", ""), "The status '' that"),
        (("text", 9999), "The status 9999 that"),
        (("text", 2.5), "The status 2.5 that"),
        ({"a": object()}, "is not JSON serializable"),
        ([object()], "is not JSON serializable"),
        (([object()], 201), "is not JSON serializable"),
        (Point(t.cast("t.Any", object())), "is not JSON serializable"),
    ],
)
def test_the_view_of_what_cannot_be_sent_is_named(
    app: Kolben, client: KolbenClient, view_kind: Kind, rv: t.Any, message: str
) -> None:
    def odd() -> t.Any:
        return rv

    app.add_url_rule("/", "odd", view_kind(odd))

    line = odd.__code__.co_firstlineno
    with pytest.raises((TypeError, ValueError), match=message) as raised:
        client.get("/")
    assert f"tests/dispatch/test_convert.py', line {line})." in str(raised.value)


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json", "application/json, text/html;q=0"])
def test_client_that_prefers_json_gets_a_problem_document(app: Kolben, client: KolbenClient, accept: str) -> None:
    response = client.get("/missing", headers={"Accept": accept})
    assert response.content_type == "application/problem+json"
    problem = t.cast("dict[str, t.Any]", response.get_json())
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Not Found", 404)
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", [None, "*/*", "text/html, application/json;q=0.9", "text/html,*/*;q=0.8"])
def test_client_that_does_not_gets_html(app: Kolben, client: KolbenClient, accept: str | None) -> None:
    response = client.get("/missing", headers=None if accept is None else {"Accept": accept})
    assert response.content_type == HTML
    assert response.headers["Vary"] == "Accept"


def test_problem_document_keeps_the_headers_of_the_error(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", "view", lambda: "", methods=["POST"])
    response = client.get("/", headers={"Accept": "application/json"})
    assert set(response.allow) == {"POST", "OPTIONS"}


def test_error_class_may_make_its_own_page_of_the_environ(app: Kolben, client: KolbenClient) -> None:
    class Odd(HTTPException):
        code = 499

        def get_body(self, environ: t.Any = None, scope: t.Any = None) -> str:
            return f"No {environ['PATH_INFO']}"

    @app.route("/page")
    def view() -> str:
        raise Odd

    assert client.get("/page").text == "No /page"


def test_subclass_of_the_response_class_is_used_for_everything(app: Kolben, client: KolbenClient) -> None:
    app.response_class = Page
    app.add_url_rule("/text", "text", lambda: "text")
    app.add_url_rule("/other", "other", lambda: WerkzeugResponse("other"))
    assert client.get("/text").mimetype == "text/plain"
    assert client.get("/missing").status_code == 404
    with client:
        assert client.get("/other").text == "other"


@pytest.mark.parametrize("made", [lambda obj: {"a": obj}, lambda obj: ([obj], 201)])
def test_what_is_no_json_is_asked_for_once(
    app: Kolben, client: KolbenClient, made: t.Callable[[object], t.Any], caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []

    def default(value: object) -> str:
        asked.append(value)
        raise TypeError("None of JSON's.")

    app.testing, app.json.default = False, default  # type: ignore[attr-defined]
    app.add_url_rule("/", "view", lambda: made(object()))
    assert client.get("/").status_code == 500
    assert len(asked) == 1
    assert "None of JSON's. Its view is" in caplog.text
