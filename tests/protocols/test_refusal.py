from __future__ import annotations

import json

import pytest

from kolben import Kolben
from tests.security.raw import Raw, raw

__all__ = ["raw"]

BAD = (b"host", b"a/b")


def test_a_refused_head_is_answered_by_a_page(raw: Raw) -> None:
    status, headers, body = raw(headers=[BAD])

    assert (status, headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert headers["Vary"] == "Accept"
    assert b"<h1>Bad Request</h1>" in body


@pytest.mark.parametrize(
    "accept", [b"application/json", b"application/problem+json", b"text/html;q=.5, application/json"]
)
def test_a_refused_head_is_answered_by_json_where_that_is_preferred(raw: Raw, accept: bytes) -> None:
    status, headers, body = raw(headers=[BAD, (b"accept", accept)])

    assert (status, headers["Content-Type"], headers["Vary"]) == (400, "application/problem+json", "Accept")
    assert headers["Content-Length"] == str(len(body))
    problem = json.loads(body)
    assert (problem["title"], problem["status"]) == ("Bad Request", 400)
    assert "'a/b'" in problem["detail"]


@pytest.mark.parametrize("accept", [b"*/*", b"text/html, application/json", b"\xff", b"json" + b" " * 5000 + b";;"])
def test_any_other_accept_header_is_a_page(raw: Raw, accept: bytes) -> None:
    assert raw(headers=[BAD, (b"accept", accept)])[1]["Content-Type"] == "text/html; charset=utf-8"


def test_an_application_that_explains_nothing_has_pages_only(app: Kolben, raw: Raw) -> None:
    app.explains_errors = False
    status, headers, _ = raw(headers=[BAD, (b"accept", b"application/json")])

    assert (status, headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "Vary" not in headers


def test_a_refused_head_request_has_no_body(raw: Raw) -> None:
    assert raw(headers=[BAD], method="HEAD")[::2] == (400, b"")
