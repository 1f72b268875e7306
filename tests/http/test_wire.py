"""What of an answer a protocol sends: pages without a response, headers that were kept ready."""

from __future__ import annotations

import typing as t
from datetime import date

import pytest

import kolben
from kolben import Kolben, Response, request
from kolben.http.headers import MAX_REMEMBERED, NAMES
from kolben.json.provider import DefaultJSONProvider
from kolben.testing import KolbenClient

if t.TYPE_CHECKING:
    from tests.kinds import Kind


@pytest.mark.parametrize("status", [200, 201, 299, 404, 418])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_text_with_a_status_has_the_headers_of_a_response(
    app: Kolben, client: KolbenClient, view_kind: Kind, status: int, method: str
) -> None:
    app.add_url_rule("/plain", "plain", view_kind(lambda: ("né", status)))
    app.add_url_rule("/made", "made", view_kind(lambda: Response("né", status)))
    plain, made = client.open("/plain", method=method), client.open("/made", method=method)
    assert (plain.status, plain.data, list(plain.headers)) == (made.status, made.data, list(made.headers))
    assert plain.headers["Content-Length"] == "3"


@pytest.mark.parametrize("value", [{"name": "Zoë", "when": date(2026, 1, 2)}, ["<&>", 1.5, None], {}, []])
@pytest.mark.parametrize("status", [None, 201, 299, 204, 404])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_json_has_the_headers_of_a_response(
    app: Kolben, client: KolbenClient, view_kind: Kind, value: t.Any, status: int | None, method: str
) -> None:
    def made() -> Response:
        response = app.json.response(value)
        response.status_code = status or 200
        return response

    app.add_url_rule("/plain", "plain", view_kind(lambda: value if status is None else (value, status)))
    app.add_url_rule("/made", "made", view_kind(made))
    plain, other = client.open("/plain", method=method), client.open("/made", method=method)
    assert (plain.status, plain.data, list(plain.headers)) == (other.status, other.data, list(other.headers))


def test_json_is_written_by_the_provider_as_it_is_now(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", "view", lambda: {"a": [1]})
    provider = t.cast(DefaultJSONProvider, app.json)
    assert client.get("/").data == b'{"a":[1]}\n'
    provider.compact, provider.mimetype = False, "application/vnd.test+json"
    response = client.get("/")
    assert (response.data, response.content_type) == (b'{\n  "a": [\n    1\n  ]\n}\n', "application/vnd.test+json")


@pytest.mark.parametrize("is_method", [True, False], ids=["method", "instance"])
def test_a_provider_that_makes_its_own_responses_is_asked(app: Kolben, client: KolbenClient, is_method: bool) -> None:
    class Provider(DefaultJSONProvider):
        def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
            return Response("mine")

    if is_method:
        app.json = Provider(app)
    else:
        app.json.response = lambda *args, **kwargs: Response("mine")  # type: ignore[method-assign]  # as tests do
    app.add_url_rule("/", "view", lambda: ({"a": 1}, 201))
    response = client.get("/")
    assert (response.data, response.status_code) == (b"mine", 201)


def test_text_with_a_status_that_has_no_body_is_sent_without_one(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", "view", lambda: ("text", 204))
    response = client.get("/")
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Length" not in response.headers


def test_text_with_a_status_is_torn_down(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    events = []
    app.add_url_rule("/", "view", view_kind(lambda: ("text", 201)))
    app.teardown_request(lambda exc: events.append(request.path))
    assert client.get("/").status_code == 201
    assert events == ["/"]


def test_headers_of_a_redirect_may_be_changed(app: Kolben, client: KolbenClient) -> None:
    @app.route("/<how>")
    def view(how: str) -> t.Any:
        response = kolben.redirect("/new")
        if how == "elsewhere":
            response.location = "/other"
        elif how == "empty":
            response.status_code = 204
        elif how == "text":
            response.set_data("Over there")
        return response

    assert client.get("/elsewhere").headers["Location"] == "/other"
    assert client.get("/text").headers["Content-Length"] == "10"
    empty = client.get("/empty")
    assert (empty.data, empty.headers["Location"], "Content-Length" in empty.headers) == (b"", "/new", False)
    assert client.get("/as-it-is").headers["Location"] == "/new"


def test_redirects_share_no_headers() -> None:
    app = Kolben("tests.redirects")
    with app.test_request_context():
        first, second = kolben.redirect("/new"), kolben.redirect("/new")
    first.headers["X-First"] = "1"
    assert "X-First" not in second.headers


def test_redirect_is_sent_by_an_application_with_a_step_of_its_own(protocol: t.Any) -> None:
    class Own(Kolben):
        def process_response(self, response: t.Any) -> t.Any:
            return super().process_response(response)

    app = Own("tests.own")
    app.add_url_rule("/", "view", lambda: kolben.redirect("/new"))
    response = app.test_client(protocol=protocol).get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/new")


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ([("X-A", "1"), ("x-a", "é")], [("X-A", "1"), ("x-a", "é")]),
        ([("location", "/ü")], [("Location", "/%C3%BC")]),
        ([("LOCATION", "/plain")], [("LOCATION", "/plain")]),
        ([("Location", "/a"), ("location", "/b")], [("Location", "/b")]),
        ([("Content-Location", "/a"), ("Location", "/b")], [("Content-Location", "/a"), ("Location", "/b")]),
    ],
)
def test_headers_are_sent_as_set_but_for_locations(
    app: Kolben, client: KolbenClient, view_kind: Kind, headers: list[tuple[str, str]], sent: list[tuple[str, str]]
) -> None:
    def view() -> Response:
        response = Response("text")
        for name, value in headers:
            response.headers.add(name, value)
        return response

    app.add_url_rule("/", "view", view_kind(view))
    expected = [("content-type", "text/html; charset=utf-8"), ("content-length", "4")]
    expected += [(name.lower(), value) for name, value in sent]
    assert sorted((name.lower(), value) for name, value in client.get("/").headers) == sorted(expected)


@pytest.mark.parametrize("length", ["Content-Length", "content-length", None])
def test_length_is_sent_once_wherever_it_stands(
    app: Kolben, client: KolbenClient, view_kind: Kind, length: str | None
) -> None:
    def view() -> Response:
        response = Response("text")
        del response.headers["Content-Length"]
        response.headers["X-A"] = "1"
        if length is not None:
            response.headers[length] = "4"
        return response

    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").headers.getlist("Content-Length") == ["4"]


@pytest.mark.parametrize("name", ["X-A", "Location"])
@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a€", 3])
def test_s24_header_that_cannot_be_sent_is_named(app: Kolben, view_kind: Kind, name: str, value: t.Any) -> None:
    def view() -> Response:
        response = Response("text")
        response.headers._list.append((name, value))
        return response

    app.testing = True
    app.add_url_rule("/", "view", view_kind(view))
    with pytest.raises((ValueError, TypeError), match=f"header '{name}'"):
        app.test_client().get("/")


def test_s24_names_of_headers_are_checked_however_many_there_were(app: Kolben, client: KolbenClient) -> None:
    @app.route("/<int:n>")
    def view(n: int) -> Response:
        return Response("text", headers=[(f"X-{n}", str(n)), ("Location", "/a")])

    for n in range(MAX_REMEMBERED + 3):
        assert client.get(f"/{n}").headers[f"X-{n}"] == str(n)
    assert len(NAMES) <= MAX_REMEMBERED
    assert "Location" not in NAMES


@pytest.mark.parametrize("value", [{"a": "né"}, [1, None], {}, []])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("debug", [False, True])
def test_json_is_what_jsonify_makes(
    app: Kolben, client: KolbenClient, view_kind: Kind, value: t.Any, method: str, debug: bool
) -> None:
    app.debug = debug
    app.add_url_rule("/plain", "plain", view_kind(lambda: value))
    app.add_url_rule("/status", "status", view_kind(lambda: (value, 200)))
    app.add_url_rule("/made", "made", view_kind(lambda: kolben.jsonify(value)))
    answers = [client.open(path, method=method) for path in ("/plain", "/status", "/made")]
    assert len({(answer.status, answer.data, tuple(answer.headers)) for answer in answers}) == 1
    assert answers[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [201, 204, 404, 599])
def test_json_with_a_status(app: Kolben, client: KolbenClient, view_kind: Kind, status: int) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: ({"a": 1}, status)))
    response = client.get("/")
    assert (response.status_code, response.data) == (status, b"" if status == 204 else b'{"a":1}\n')


def test_json_is_written_by_the_provider_of_the_moment(app: Kolben, client: KolbenClient) -> None:
    class Typed(DefaultJSONProvider):
        mimetype = "application/vnd.api+json"

    class Marked(DefaultJSONProvider):
        def response(self, *args: t.Any, **kwargs: t.Any) -> Response:
            response = super().response(*args, **kwargs)
            response.headers["X-Mark"] = "1"
            return response

    class Wrapped(DefaultJSONProvider):
        def _prepare_response_obj(self, args: tuple[t.Any, ...], kwargs: dict[str, t.Any]) -> t.Any:
            return {"data": super()._prepare_response_obj(args, kwargs)}

    class Shouting(DefaultJSONProvider):
        def dump_body(self, obj: t.Any) -> bytes:
            return "é!".encode()

    app.add_url_rule("/", "view", lambda: [1])
    assert client.get("/").data == b"[1]\n"
    app.json = Typed(app)
    assert client.get("/").headers["Content-Type"] == "application/vnd.api+json"
    app.json = Marked(app)
    assert client.get("/").headers["X-Mark"] == "1"
    app.json = Wrapped(app)
    assert client.get("/").data == b'{"data":[1]}\n'
    app.json = Shouting(app)
    assert (client.get("/").data, client.get("/").headers["Content-Length"]) == ("é!".encode(), "3")
    app.json = DefaultJSONProvider(app)
    app.json.response = lambda *args: Response("instead")  # type: ignore[method-assign]
    assert client.get("/").text == "instead"


@pytest.mark.parametrize("rv", [{"a": object()}, ([object()], 200)])
def test_json_that_cannot_be_written_names_the_view(
    app: Kolben, client: KolbenClient, view_kind: Kind, rv: t.Any
) -> None:
    app.testing = True
    app.add_url_rule("/", "view", view_kind(lambda: rv))
    with pytest.raises(TypeError, match=r"not JSON serializable.*Its view is"):
        client.get("/")


def test_json_is_a_response_to_those_who_want_one(app: Kolben, client: KolbenClient) -> None:
    seen: list[t.Any] = []

    @app.route("/")
    def view() -> dict[str, int]:
        @kolben.after_this_request
        def after(response: Response) -> Response:
            seen.append(response.json)
            return response

        return {"a": 1}

    assert client.get("/").json == {"a": 1} == seen[0]
