"""What of an answer a protocol sends: pages without a response, headers that were kept ready."""

from __future__ import annotations

import typing as t

import pytest

import kolben
from kolben import Kolben, Response, request
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
