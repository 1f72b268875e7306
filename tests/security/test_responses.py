"""Responses that would be split or changed on their way (S24, S18 in part)."""

from __future__ import annotations

import io
import logging
import typing as t

import pytest
from werkzeug.wrappers import Response as WerkzeugResponse

from kolben import Kolben, Response, abort, after_this_request, make_response, redirect, request, send_file
from tests.security.raw import HOST, Raw

BAD = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\0b", "\r\n\r\n<script>", "a\x0bb", "a\x7f"]


def with_cookie(**options: t.Any) -> Response:
    response = Response("x")
    response.set_cookie(**{"key": "k", "value": "v", **options})
    return response


def with_header(response: t.Any, name: str, value: str) -> t.Any:
    """The response with a header that no check of Werkzeug's saw."""
    response.headers._list.append((name, value))
    return response


def changed_later(bad: str) -> str:
    @after_this_request
    def change(response: t.Any) -> t.Any:
        return with_header(response, "X-Later", bad)

    return "x"


def stream(bad: str) -> t.Any:
    return with_header(Response(iter(["x"])), "X-A", bad)


PLACES: dict[str, t.Callable[[str], t.Any]] = {
    "header value in a tuple": lambda bad: ("x", 200, {"X-A": bad}),
    "header value in a list": lambda bad: ("x", [("X-A", bad)]),
    "header name in a tuple": lambda bad: ("x", 200, {bad: "a"}),
    "header value by hand": lambda bad: with_header(Response("x"), "X-A", bad),
    "header name by hand": lambda bad: with_header(Response("x"), bad, "a"),
    "header of a copy": lambda bad: with_header(make_response("x"), "X-A", bad),
    "header of a stream": stream,
    "header of a response of Werkzeug": lambda bad: with_header(WerkzeugResponse("x"), "X-A", bad),
    "header added later": changed_later,
    "header of an aborting response": lambda bad: abort(with_header(Response("x"), "X-A", bad)),
    "status": lambda bad: ("x", f"200 {bad}"),
    "status of a response": lambda bad: Response("x", status=f"200 {bad}"),
    "content type": lambda bad: Response("x", content_type=bad),
    "mimetype": lambda bad: Response("x", mimetype=bad),
    "redirect by hand": lambda bad: with_header(Response("", 302), "Location", bad),
    "cookie name": lambda bad: with_cookie(key=bad),
    "cookie path": lambda bad: with_cookie(path=bad),
    "cookie domain": lambda bad: with_cookie(domain=bad),
    "cookie expires": lambda bad: with_cookie(expires=bad),
    "cookie samesite": lambda bad: with_cookie(samesite=bad),
    "file etag": lambda bad: send_file(io.BytesIO(b"x"), "a/b", etag=bad),
    "file type": lambda bad: send_file(io.BytesIO(b"x"), bad),
    "wsgi callable": lambda bad: wsgi_callable(bad),
}


def wsgi_callable(bad: str) -> t.Any:
    def application(environ: t.Any, start_response: t.Any) -> list[bytes]:
        start_response("200 OK", [("X-A", bad)])
        return [b"x"]

    return application


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", PLACES)
def test_s24_what_would_split_a_response_is_an_error(
    app: Kolben, raw: Raw, place: str, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def index() -> t.Any:
        return PLACES[place](bad)

    status, headers, body = raw(b"/")

    assert status == 500
    assert set(headers) <= {"Content-Type", "Content-Length", "Vary"}
    assert body.startswith(b"<!doctype html>")
    # NOTE: a function that spoils every response spoils that for the error too, which is told once more.
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * (2 if "later" in place else 1)


@pytest.mark.parametrize("bad", BAD)
def test_s24_a_value_of_a_cookie_is_quoted(app: Kolben, raw: Raw, bad: str) -> None:
    @app.get("/")
    def index() -> t.Any:
        return request.cookies["k"] if request.cookies else with_cookie(value=bad)

    status, headers, _ = raw(b"/")
    assert status == 200
    assert headers["Set-Cookie"].isprintable()
    crumb = headers["Set-Cookie"].partition("; Path")[0].encode("latin-1")
    assert raw(b"/", [HOST, (b"cookie", crumb)])[2].decode() == bad


@pytest.mark.parametrize("bad", [*BAD, "//a\r\nb", "/\u2028", "/\xff", "http://a/\r\n"])
def test_s24_the_target_of_a_redirect_is_quoted_or_an_error(app: Kolben, raw: Raw, bad: str) -> None:
    @app.get("/")
    def index() -> t.Any:
        return redirect(bad)

    status, headers, _ = raw(b"/")
    if status == 302:
        assert headers["Location"].isascii()
        assert headers["Location"].isprintable()
        assert " " not in headers["Location"]
    else:
        assert status == 500
    assert "X-Evil" not in headers


@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1.txt", 'a".txt; x="', "a\0.txt", "\u202egpj.exe", "a\nb"])
def test_s24_the_name_of_a_download_is_quoted_or_an_error(app: Kolben, raw: Raw, name: str) -> None:
    @app.get("/")
    def index() -> t.Any:
        return send_file(io.BytesIO(b"x"), "a/b", as_attachment=True, download_name=name)

    status, headers, _ = raw(b"/")
    assert status in {200, 500}
    assert "X-Evil" not in headers
    if status == 200:
        disposition = headers["Content-Disposition"]
        assert disposition.isascii()
        assert disposition.isprintable()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a(b)", "é", "\u0442", "a\tb", "a,b", "a/b"])
def test_s24_a_name_that_is_no_token_is_an_error(app: Kolben, raw: Raw, name: str) -> None:
    @app.get("/")
    def index() -> t.Any:
        return "x", 200, {name: "a"}

    assert raw(b"/")[0] == 500


@pytest.mark.parametrize("value", ["\u2603", "a\ud800"])
def test_s24_a_value_that_is_not_latin_1_is_an_error(app: Kolben, raw: Raw, value: str) -> None:
    @app.get("/")
    def index() -> t.Any:
        return "x", 200, {"X-A": value}

    assert raw(b"/")[0] == 500


def test_s24_a_value_in_latin_1_is_sent_as_such(app: Kolben, raw: Raw) -> None:
    @app.get("/")
    def index() -> t.Any:
        return "x", 200, {"X-A": "café\t!"}

    status, headers, _ = raw(b"/")
    assert (status, headers["X-A"]) == (200, "café\t!")


def test_s24_an_error_handler_cannot_split_its_answer_either(
    app: Kolben, raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/")
    def index() -> t.Any:
        raise ZeroDivisionError

    @app.errorhandler(500)
    def explain(error: Exception) -> t.Any:
        return "explained", 500, {"X-A": "a\r\nX-Evil: 1"}

    try:
        status, headers, _ = raw(b"/")
    except ValueError as exc:
        # To an exception the server itself answers 500.
        assert "newline" in str(exc)  # noqa: PT017 - either is right
    else:
        assert status == 500
        assert not any("\r" in value or "\n" in value for value in headers.values())


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_s24_a_status_without_a_body_is_sent_without_one(app: Kolben, raw: Raw, status: str) -> None:
    """S24 and S6: a body behind a 204 would be read as the beginning of the next response."""

    @app.get("/")
    def index() -> t.Any:
        return "HTTP/1.1 200 OK\r\n\r\nevil", status, {"Content-Length": "5"}

    _, headers, body = raw(b"/")
    assert body == b""
    assert status[:3] == "304" or "Content-Length" not in headers
