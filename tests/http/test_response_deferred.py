"""Headers that are not made until somebody asks for them: what is sent is the same."""

from __future__ import annotations

import pytest

from kolben import Kolben, make_response
from kolben.http.response import Response


def test_status_set_on_an_untouched_response_is_sent_without_a_body() -> None:
    app = Kolben(__name__)

    @app.route("/")
    def empty() -> Response:
        response = make_response("not to be sent")
        response.status_code = 204
        return response

    answer = app.test_client().get("/")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Length" not in answer.headers


def test_s24_status_with_a_line_break_is_refused_on_an_untouched_response() -> None:
    app = Kolben(__name__)
    app.testing = True

    @app.route("/")
    def split() -> Response:
        response = make_response("body")
        response.status = "200 OK\r\nX-Evil: 1"
        return response

    with pytest.raises(ValueError, match="status"):
        app.test_client().get("/")


def test_content_type_is_the_one_named_whether_headers_are_asked_for_or_not() -> None:
    response = Response("{}", 201, mimetype="application/json")
    assert response.is_untouched
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Length"] == "2"


def test_class_with_a_status_of_its_own_keeps_it() -> None:
    class Gone(Response):
        default_status = 410

    assert Gone("gone").status_code == 410
    assert not Gone.makes_plain
