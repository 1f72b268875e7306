from __future__ import annotations

import typing as t

import pytest

from kolben import Kolben, Request, Response, g, request, session, signals
from kolben.globals import current
from kolben.testing import EnvironBuilder, KolbenClient
from tests.kinds import Kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(app: Kolben) -> KolbenClient:
    return t.cast("KolbenClient", app.test_client(protocol="wsgi", validate=True))


def answer(app: Kolben, **environ: t.Any) -> tuple[str, dict[str, str], list[bytes]]:
    """Status, headers and body that the application answers an environ with."""
    started: list[t.Any] = []
    body = app(
        EnvironBuilder(app, "/").get_environ() | environ, lambda status, headers: started.append((status, headers))
    )
    try:
        chunks = list(body)
    finally:
        getattr(body, "close", lambda: None)()
    (status, headers), *_ = started
    return status, dict(headers), chunks


def test_plain_response_names_its_type_and_length(app: Kolben) -> None:
    app.add_url_rule("/", "view", lambda: "Grüße")
    assert answer(app) == (
        "200 OK",
        {"Content-Type": "text/html; charset=utf-8", "Content-Length": "7"},
        ["Grüße".encode()],
    )


@pytest.mark.parametrize(
    ("script_name", "path", "expected"),
    [
        ("", "/", "/  /"),
        ("/app", "/", "/ /app /app/"),
        ("/app", "", "/ /app /app/"),
        ("/app/", "/x", None),
    ],
)
def test_mounted_below_a_prefix(app: Kolben, script_name: str, path: str, expected: str | None) -> None:
    from kolben import url_for

    app.add_url_rule("/", "view", lambda: f"{request.path} {request.root_path} {url_for('view')}")
    status, _, body = answer(app, SCRIPT_NAME=script_name, PATH_INFO=path)
    if expected is None:
        assert status.startswith("404")
    else:
        assert b"".join(body).decode() == expected


def test_path_arrives_as_bytes_in_latin1(app: Kolben) -> None:
    app.add_url_rule("/<name>", "view", lambda name: f"{name} {request.path}")
    _, _, body = answer(app, PATH_INFO="/Jörg".encode().decode("latin-1"))
    assert b"".join(body).decode() == "Jörg /Jörg"


@pytest.mark.parametrize(
    "environ", [{"HTTP_HOST": "a b"}, {"PATH_INFO": "/\xff"}, {"PATH_INFO": "/\0"}, {"CONTENT_LENGTH": "-1"}]
)
def test_malformed_head_is_refused_before_anything_runs(app: Kolben, environ: dict[str, str]) -> None:
    ran: list[object] = []
    app.before_request(lambda: ran.append(1))
    app.teardown_request(lambda exc: ran.append(1))
    status, _, _ = answer(app, **environ)
    assert status.startswith("400")
    assert ran == []


def test_request_class_with_a_constructor_of_its_own(app: Kolben, client: KolbenClient) -> None:
    class Numbered(Request):
        def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().__init__(*args, **kwargs)
            self.number = 7

    app.request_class = Numbered
    app.add_url_rule("/<name>", "view", lambda name: f"{name} {t.cast(Numbered, request).number} {request.path}")
    assert client.get("/Ann").text == "Ann 7 /Ann"


def test_response_class_may_override_how_it_is_sent(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    class Signed(Response):
        def get_wsgi_headers(self, environ: t.Any) -> t.Any:
            headers = super().get_wsgi_headers(environ)
            headers["X-Path"] = environ["PATH_INFO"]
            return headers

    app.response_class = Signed
    app.add_url_rule("/page", "view", view_kind(lambda: "x"))
    response = client.get("/page")
    assert (response.text, response.headers["X-Path"]) == ("x", "/page")


def test_response_that_wants_to_be_closed_is(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    closed: list[str] = []

    class Closing(Response):
        def close(self) -> None:
            closed.append("class")
            super().close()

    def view() -> Response:
        response = app.response_class("x")
        response.call_on_close(lambda: closed.append("function"))
        return response

    app.response_class = Closing
    app.add_url_rule("/", "view", view_kind(view))
    client.get("/").close()
    assert closed == ["class", "function"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 304])
@pytest.mark.parametrize("is_stream", [False, True])
def test_bodies_that_are_not_sent(app: Kolben, client: KolbenClient, method: str, status: int, is_stream: bool) -> None:
    closed: list[int] = []

    def view() -> Response:
        response = Response(iter(["text"]) if is_stream else "text", status)
        response.call_on_close(lambda: closed.append(status))
        return response

    app.add_url_rule("/", "view", view)
    response = client.open("/", method=method)
    has_body = method == "GET" and status == 200
    assert response.data == (b"text" if has_body else b"")
    assert response.headers.get("Content-Length") == ("4" if status == 200 and not is_stream else None)
    response.close()
    assert closed == [status]


def test_no_context_is_left_on_the_thread(app: Kolben, view_kind: Kind) -> None:
    def chunks() -> Iterator[str]:
        yield request.path
        yield g.name

    def view() -> t.Any:
        g.name = "Ann"
        return view_kind(chunks)()

    app.add_url_rule("/", "view", view_kind(view))
    body = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    assert current.get(None) is None
    assert next(iter(body)) == b"/"
    assert current.get(None) is None
    assert list(body) == [b"Ann"]
    assert current.get(None) is None


def test_application_context_in_force_is_shared(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    ended: list[object] = []
    app.teardown_appcontext(ended.append)
    app.add_url_rule("/", "view", view_kind(lambda: g.name))
    with app.app_context():
        g.name = "Ann"
        assert client.get("/").text == "Ann"
        assert ended == []
    assert ended == [None]


def test_context_is_popped_when_the_stream_is_over(app: Kolben, client: KolbenClient) -> None:
    events: list[str] = []

    def popped(sender: object) -> None:
        events.append("popped")

    signals.appcontext_popped.connect(popped, app)
    app.teardown_request(lambda exc: events.append("teardown"))

    def chunks() -> Iterator[str]:
        events.append("chunk")
        yield "x"

    app.add_url_rule("/", "view", chunks)
    client.get("/").close()
    assert events == ["chunk", "teardown", "popped"] or events == ["teardown", "popped"]
    events.clear()
    assert client.get("/", buffered=True).text == "x"
    assert events == ["chunk", "teardown", "popped"]


def test_session_is_saved_before_the_headers_are_sent(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> str:
        session["name"] = "Ann"
        return "x"

    app.add_url_rule("/", "view", view_kind(view))
    assert "session=" in client.get("/").headers["Set-Cookie"]


def test_error_of_a_stream_goes_to_the_server_and_to_teardown(app: Kolben, view_kind: Kind) -> None:
    seen: list[object] = []
    app.teardown_request(lambda exc: seen.append(type(exc)))

    def chunks() -> Iterator[str]:
        yield "x"
        raise ValueError("no")

    app.add_url_rule("/", "view", view_kind(lambda: view_kind(chunks)()))
    body = iter(app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None))
    assert next(body) == b"x"
    with pytest.raises(ValueError, match="no"):
        next(body)
    assert seen == [ValueError]
    t.cast(t.Any, body).close()
    assert seen == [ValueError]
