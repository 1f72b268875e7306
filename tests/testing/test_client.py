from __future__ import annotations

import inspect
import io
import threading
import typing as t

import pytest

from kolben import Kolben, Response, g, jsonify, redirect, request, session, stream_with_context
from kolben.globals import current
from kolben.protocols.pulling import MOST_CHUNKS
from kolben.testing import ASGIViolation, EnvironBuilder, KolbenClient

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Protocol: t.TypeAlias = t.Literal["wsgi", "asgi"]


def test_a_request_and_its_response(app: Kolben, client: KolbenClient) -> None:
    @app.post("/echo")
    def echo() -> Response:
        return jsonify(path=request.full_path, data=request.get_json(), header=request.headers["X-A"])

    response = client.post("/echo?x=1", json=[1], headers={"X-A": "b"})

    assert response.status == "200 OK"
    assert response.json == {"path": "/echo?x=1", "data": [1], "header": "b"}
    assert response.text.startswith("{")
    assert response.request.path == "/echo"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_each_method_has_a_call(app: Kolben, client: KolbenClient, method: str) -> None:
    @app.route("/", methods=[method])
    def index() -> str:
        return request.method

    assert getattr(client, method)("/").text == method.upper()


def test_a_form_with_files(app: Kolben, client: KolbenClient) -> None:
    @app.post("/")
    def index() -> dict[str, str]:
        return {"a": request.form["a"], "file": request.files["file"].read().decode()}

    response = client.post("/", data={"a": "b", "file": (io.BytesIO(b"content"), "name.txt")})

    assert response.json == {"a": "b", "file": "content"}


def test_where_the_request_comes_from_may_be_changed(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> str:
        return f"{request.remote_addr} {request.user_agent.string}"

    assert client.get("/").text.startswith("127.0.0.1 Werkzeug/")
    client.environ_base["REMOTE_ADDR"] = "10.0.0.1"
    assert client.get("/", headers={"User-Agent": "me"}).text == "10.0.0.1 me"
    assert client.get("/", environ_base={"REMOTE_ADDR": "10.0.0.2"}).text.startswith("10.0.0.2")
    assert client.get("/", environ_overrides={"REMOTE_ADDR": "10.0.0.3"}).text.startswith("10.0.0.3")


@pytest.mark.parametrize(
    ("kwargs", "url"),
    [
        ({}, "http://localhost/"),
        ({"base_url": "https://example.com:8443"}, "https://example.com:8443/"),
        ({"url_scheme": "https"}, "https://localhost/"),
        ({"path": "http://other.example/"}, "http://other.example/"),
        ({"base_url": "http://localhost/root"}, "http://localhost/root/"),
    ],
)
def test_the_url_may_be_given_whole_or_in_parts(
    app: Kolben, client: KolbenClient, kwargs: dict[str, str], url: str
) -> None:
    @app.get("/")
    def index() -> str:
        return request.url

    assert client.get(**kwargs).text == url


def test_a_builder_an_environ_or_a_request_may_be_sent(app: Kolben, client: KolbenClient) -> None:
    @app.get("/a")
    def index() -> str:
        return request.remote_addr or ""

    client.environ_base["REMOTE_ADDR"] = "10.0.0.9"
    builder = EnvironBuilder(app, path="/a")

    assert client.open(builder).text == "10.0.0.9"
    assert client.open(builder.get_environ()).text == "10.0.0.9"
    assert client.open(builder.get_request()).text == "10.0.0.9"


def test_cookies_are_kept(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def count() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    assert [client.get("/").text for _ in range(3)] == ["1", "2", "3"]
    client.delete_cookie("session")
    assert client.get("/").text == "1"


def test_a_client_without_cookies(app: Kolben, protocol: Protocol) -> None:
    @app.get("/")
    def count() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client(use_cookies=False, protocol=protocol)

    assert [client.get("/").text for _ in range(2)] == ["1", "1"]
    with pytest.raises(TypeError, match="Cookies are disabled"), client.session_transaction():
        pass


def test_redirects_are_followed(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/a", view_func=lambda: redirect("/b"), endpoint="a")
    app.add_url_rule("/b", view_func=lambda: redirect("/c", 301), endpoint="b")
    app.add_url_rule("/c", view_func=lambda: request.method, endpoint="c")

    response = client.get("/a", follow_redirects=True)

    assert response.text == "GET"
    assert [step.status_code for step in response.history] == [302, 301]
    assert client.get("/a").location == "/b"


def test_a_redirect_that_keeps_the_body_sends_it_again(app: Kolben, client: KolbenClient) -> None:
    @app.post("/a")
    def first() -> t.Any:
        assert request.get_data() == b"body"
        return redirect("/b", 307)

    @app.post("/b")
    def second() -> t.Any:
        return request.get_data()

    assert client.post("/a", data=b"body", follow_redirects=True).data == b"body"


def test_in_a_block_the_context_stays(app: Kolben, client: KolbenClient) -> None:
    @app.get("/<name>")
    def index(name: str) -> str:
        g.name = name
        session["name"] = name
        return ""

    with client:
        client.get("/ada")
        assert (request.view_args, g.name, session["name"]) == ({"name": "ada"}, "ada", "ada")
        client.get("/bob")
        assert g.name == "bob"
    assert current.get(None) is None


def test_in_a_block_a_redirect_leaves_the_context_of_the_last_request(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/a", view_func=lambda: redirect("/b"), endpoint="a")
    app.add_url_rule("/b", view_func=lambda: "", endpoint="b")

    with client:
        client.get("/a", follow_redirects=True)
        assert request.path == "/b"
    assert current.get(None) is None


def test_in_a_block_a_streamed_response_leaves_its_context_too(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> t.Any:
        return stream_with_context(iter(["a", "b"]))

    with client:
        response = client.get("/")
        assert request.path == "/"
        assert response.text == "ab"
    response.close()
    assert current.get(None) is None


def test_a_context_that_comes_late_is_not_taken_for_the_next_requests(app: Kolben) -> None:
    with app.test_client() as client:
        late = client._copy_environ({})["werkzeug.debug.preserve_context"]
        in_time = client._copy_environ({})["werkzeug.debug.preserve_context"]
        late("the first request's")
        in_time("the second request's")

        assert client._new_contexts == ["the second request's"]


def test_blocks_do_not_nest_but_may_follow(app: Kolben, client: KolbenClient) -> None:
    for _ in range(2):
        with client:
            assert client.get("/").status_code == 404
            with pytest.raises(RuntimeError, match="Cannot nest"), client:
                pass


def test_a_session_is_changed_between_requests(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> t.Any:
        session["seen"] = True
        return dict(session)

    with client.session_transaction() as transaction:
        transaction["foo"] = [42]
    assert client.get("/").json == {"foo": [42], "seen": True}
    with client.session_transaction() as transaction:
        assert transaction["seen"] is True


def test_a_session_that_fails_to_open_is_told(app: Kolben, client: KolbenClient) -> None:
    app.secret_key = None

    with pytest.raises(RuntimeError, match="did not open a session"), client.session_transaction():
        pass


def test_an_error_of_the_view_is_raised(app: Kolben, client: KolbenClient, view_kind: Callable[..., t.Any]) -> None:
    @app.get("/")
    @view_kind
    def index() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.get("/")
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/").status_code == 500


def test_a_stream_is_read_as_it_is_iterated(app: Kolben, client: KolbenClient, view_kind: Callable[..., t.Any]) -> None:
    made = []
    left = threading.Event()

    @app.get("/")
    def index() -> t.Any:
        return view_kind(count)()

    def count() -> Iterator[str]:
        try:
            for number in range(1000):
                made.append(number)
                yield str(number)
        finally:
            left.set()

    response = client.get("/")
    chunks = iter(response.response)

    assert [next(chunks), next(chunks)] == [b"0", b"1"]
    # NOTE: under ASGI a thread pulls a synchronous generator a turn ahead.
    is_pulled_in_turns = client.protocol == "asgi" and inspect.isgeneratorfunction(view_kind(count))
    assert len(made) <= (MOST_CHUNKS if is_pulled_in_turns else 9)
    response.close()
    assert left.is_set()


def test_a_buffered_response_is_read_at_once(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> t.Any:
        return iter(["a", "b"])

    assert client.get("/", buffered=True).data == b"ab"


def test_a_response_outlives_a_client_that_is_not_kept(app: Kolben, protocol: Protocol) -> None:
    @app.get("/")
    def index() -> t.Any:
        return iter(["a", "b"])

    assert app.test_client(protocol=protocol).get("/").data == b"ab"


def test_a_websocket_needs_no_other_protocol(app: Kolben, client: KolbenClient) -> None:
    @app.websocket("/ws")
    async def ws(websocket: t.Any) -> None:
        async for message in websocket:
            await websocket.send(message)

    with client.websocket("/ws") as websocket:
        websocket.send("hello")
        assert websocket.receive(timeout=10) == "hello"


def test_wsgi_needs_no_loop(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: "", endpoint="index")

    with app.test_client() as client:
        client.get("/")
        assert "kolben-test-server" not in [thread.name for thread in threading.enumerate()]


def test_the_block_starts_and_stops_what_asgi_needs(app: Kolben) -> None:
    log = []
    app.before_serving(lambda: log.append("up"))
    app.after_serving(lambda: log.append("down"))

    with app.test_client(protocol="asgi") as client:
        assert log == ["up"]
        client.get("/")
    assert log == ["up", "down"]


def test_the_block_stops_what_a_websocket_started(app: Kolben) -> None:
    log = []
    app.after_serving(lambda: log.append("down"))

    @app.websocket("/ws")
    async def ws(websocket: t.Any) -> None:
        await websocket.send("hello")

    with app.test_client(protocol="wsgi") as client, client.websocket("/ws") as websocket:
        assert websocket.receive(timeout=10) == "hello"
    assert log == ["down"]


def test_a_client_without_a_block_is_closed_by_hand(app: Kolben) -> None:
    log = []
    app.before_serving(lambda: log.append("up"))
    app.after_serving(lambda: log.append("down"))
    client = app.test_client(protocol="asgi")

    client.get("/")
    with client:
        client.get("/")
    assert log == ["up"]
    client.close()
    assert log == ["up", "down"]


def test_what_breaks_the_protocol_is_found(app: Kolben, protocol: Protocol) -> None:
    class Broken(Kolben):
        def wsgi_app(self, environ: t.Any, start_response: t.Any) -> t.Any:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return ["text"]

        async def asgi_app(self, scope: t.Any, receive: t.Any, send: t.Any) -> None:
            await send({"type": "http.response.body", "body": "text"})

    client = Broken(__name__).test_client(protocol=protocol, validate=True, **_no_lifespan(protocol))

    with pytest.raises(AssertionError if protocol == "wsgi" else ASGIViolation):
        client.get("/")


def _no_lifespan(protocol: Protocol) -> dict[str, t.Any]:
    return {"lifespan": False} if protocol == "asgi" else {}


def test_what_keeps_the_protocol_passes(app: Kolben, protocol: Protocol) -> None:
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="index")
    app.add_url_rule("/stream", view_func=lambda: iter(["a", "b"]), endpoint="stream")
    client = app.test_client(protocol=protocol, validate=True)

    assert client.get("/").data == b"hello"
    assert client.head("/").data == b""
    assert client.get("/stream").data == b"ab"
    assert client.get("/stream").status_code == 200
    assert client.post("/", data=b"x").status_code == 405


def test_defaults_may_be_set_by_a_subclass(app: Kolben) -> None:
    class Client(KolbenClient):
        protocol = "asgi"
        validate = True

        def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
            self.token = kwargs.pop("token")
            super().__init__(*args, **kwargs)

    app.test_client_class = Client
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="index")

    with app.test_client(token="x") as client:
        assert client.token == "x"
        assert client.get("/").text == "hello"
