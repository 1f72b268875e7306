from __future__ import annotations

import typing as t

import pytest
import werkzeug.wrappers
from werkzeug.datastructures import Headers

from kolben import Kolben, Response
from kolben.testing import EnvironBuilder, KolbenClient
from tests.kinds import Kind


def test_plain_response_says_what_werkzeugs_says() -> None:
    for body in ("text", "Grüße", b"bytes", ""):
        mine, theirs = Response(body), werkzeug.wrappers.Response(body, mimetype="text/html")
        assert list(mine.headers) == list(theirs.headers)
        assert (mine.status, mine.status_code, mine.data) == (theirs.status, theirs.status_code, theirs.data)
        assert (mine.mimetype, mine.content_length) == (theirs.mimetype, theirs.content_length)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"status": 201},
        {"status": "299 Odd"},
        {"headers": {"X-A": "1"}},
        {"headers": [("X-A", "1"), ("X-A", "2")]},
        {"mimetype": "text/plain"},
        {"mimetype": "image/png"},
        {"content_type": "text/x; a=b"},
        {"mimetype": "application/json", "headers": {"X-A": "1"}},
    ],
)
def test_constructor_is_werkzeugs(kwargs: dict[str, t.Any]) -> None:
    mine = Response("text", **kwargs)
    theirs = werkzeug.wrappers.Response("text", **{"mimetype": "text/html", **kwargs})
    if "content_type" in kwargs:
        theirs = werkzeug.wrappers.Response("text", **kwargs)
    assert sorted(mine.headers) == sorted(theirs.headers)
    assert mine.status == theirs.status


def test_headers_follow_the_body() -> None:
    response = Response("text")
    response.data = b"longer text"
    assert response.headers["Content-Length"] == "11"
    response.mimetype = "text/plain"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("location", "sent"),
    [("/a/b", "/a/b"), ("/ü?q=ü", "/%C3%BC?q=%C3%BC"), ("https://bücher.example/", "https://xn--bcher-kva.example/")],
)
def test_location_is_sent_as_a_uri(
    app: Kolben, client: KolbenClient, view_kind: Kind, location: str, sent: str
) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: ("", 302, {"Location": location})))
    assert client.get("/").headers["Location"] == sent


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, {"Content-Type", "Content-Length", "ETag"}),
        (204, {"ETag"}),
        (304, {"ETag"}),
        (103, {"ETag"}),
    ],
)
def test_headers_that_go_with_a_status(status: int, expected: set[str]) -> None:
    response = Response("text", status, {"ETag": '"a"'})
    assert {name for name, _ in response.wire_headers()} == expected
    assert set(response.get_wsgi_headers(EnvironBuilder(Kolben("app"), "/").get_environ()).keys()) == expected


def test_length_of_a_list_of_chunks_is_sent(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: Response(["a", b"b", bytearray(b"c")])))  # type: ignore[list-item]
    response = client.get("/")
    assert (response.data, response.headers["Content-Length"]) == (b"abc", "3")


def test_chunk_that_is_a_number_is_an_error() -> None:
    with pytest.raises(TypeError):
        Response([5]).body_chunks()  # type: ignore[list-item]


def test_cookies(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> Response:
        response = Response("x")
        response.set_cookie("a", "1", httponly=True, samesite="Lax")
        response.delete_cookie("b")
        return response

    app.add_url_rule("/", "view", view_kind(view))
    cookies = client.get("/").headers.getlist("Set-Cookie")
    assert cookies[0] == "a=1; HttpOnly; Path=/; SameSite=Lax"
    assert cookies[1].startswith("b=; Expires=Thu, 01 Jan 1970")


def test_size_of_cookies_is_a_setting(app: Kolben) -> None:
    app.config["MAX_COOKIE_SIZE"] = 20
    with app.app_context():
        assert Response().max_cookie_size == 20
        with pytest.warns(UserWarning, match="too large"):
            Response().set_cookie("name", "a long value indeed")
    assert Response().max_cookie_size == 4093


def test_json_of_a_response(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: {"a": [1]}))
    response = client.get("/")
    assert (response.is_json, response.json) == (True, {"a": [1]})


def test_conditional_response(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    from kolben import request

    def view() -> Response:
        response = Response("text")
        response.add_etag()
        return t.cast(Response, response.make_conditional(request))

    app.add_url_rule("/", "view", view_kind(view))
    etag = client.get("/").headers["ETag"]
    response = client.get("/", headers={"If-None-Match": etag})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)


def test_subclass_says_whether_it_may_be_made_and_sent_the_short_way() -> None:
    class Plain(Response):
        default_mimetype = "text/plain"

    class Constructed(Response):
        def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().__init__(*args, **kwargs)

    class Sending(Response):
        def get_wsgi_headers(self, environ: t.Any) -> t.Any:
            return super().get_wsgi_headers(environ)

    class Closing(Response):
        def close(self) -> None:
            super().close()

    assert (Plain.makes_plain, Plain.goes_plain, Plain.closes_itself) == (True, True, False)
    assert Plain.content_type_sent == "text/plain; charset=utf-8"
    assert not Constructed.makes_plain
    assert not Sending.goes_plain
    assert Closing.closes_itself


def _steps() -> list[t.Callable[[Headers], t.Any]]:
    return [
        lambda h: h.__setitem__("x-a", "new"),
        lambda h: h.__setitem__("X-New", "new"),
        lambda h: h.__setitem__("X-A", 3),
        lambda h: h.__setitem__("X-A", "tab\there"),
        lambda h: h.__setitem__("X-A", "two\r\nlines"),
        lambda h: h.__setitem__(0, ("X-First", "1")),
        lambda h: h.set("X-A", "new"),
        lambda h: h.set("Content-Disposition", "attachment", filename="a b"),
        lambda h: h.set("X-A", None),
        lambda h: h.add("X-A", "new"),
        lambda h: h.add("X-A", "attachment", filename="a"),
        lambda h: h.add("X-A", "two\nlines"),
        lambda h: h.setdefault("x-a", "new"),
        lambda h: h.setdefault("X-New", "new"),
        lambda h: h.extend({"X-A": ["1", "2"]}),
        lambda h: h.update({"X-A": ["1", "2"], "X-New": "3"}),
        lambda h: [h.get("x-a"), h.get("x-no"), h.get("x-no", "1"), h.get("x-a", type=int), h.get("x-a", 5, int)],
        lambda h: h.get("content-length", type=int),
        lambda h: ["x-A" in h, "x-no" in h, h["x-a"]],
        lambda h: h["x-no"],
        lambda h: t.cast(t.Any, 3) in h,
    ]


@pytest.mark.parametrize("step", _steps())
def test_headers_are_werkzeugs(step: t.Callable[[Headers], t.Any]) -> None:
    ours = Response("text").headers
    theirs = Headers(list(ours))
    outcomes = []
    for headers in (ours, theirs):
        for value in ("one", "two"):
            headers.add("X-A", value)
        headers.add("X-B", "b")
        try:
            outcomes.append((step(headers), list(headers)))
        except Exception as exc:
            outcomes.append((type(exc), str(exc), list(headers)))  # type: ignore[arg-type]
    assert outcomes[0] == outcomes[1]


def test_class_may_leave_the_length_out(app: Kolben, client: KolbenClient) -> None:
    class Unmeasured(Response):
        automatically_set_content_length = False

    app.add_url_rule("/", "view", lambda: Unmeasured("text"))
    response = client.get("/", buffered=False)
    assert "Content-Length" not in response.headers
    assert response.data == b"text"
