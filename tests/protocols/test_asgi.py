from __future__ import annotations

import asyncio
import inspect
import threading
import typing as t

import pytest

from kolben import Kolben, Request, Response, g, request, url_for
from kolben.testing import EnvironBuilder, KolbenClient
from kolben.testing.scope import scope_from_environ
from tests.kinds import Kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    Message = t.MutableMapping[str, t.Any]


@pytest.fixture
def client(app: Kolben) -> Iterator[KolbenClient]:
    client: KolbenClient = app.test_client(protocol="asgi", validate=True)
    yield client
    client.close()


def scope_for(app: Kolben, path: str = "/", **changes: t.Any) -> dict[str, t.Any]:
    return {**scope_from_environ(EnvironBuilder(app, path).get_environ()), **changes}


async def never() -> Message:
    await asyncio.sleep(60)
    return {"type": "http.disconnect"}


async def exchange(app: Kolben, scope: dict[str, t.Any]) -> list[Message]:
    """The messages that the application answers a scope with."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, never, send)
    return messages


def answer(app: Kolben, scope: dict[str, t.Any]) -> str:
    _, body = asyncio.run(exchange(app, scope))
    return t.cast(bytes, body["body"]).decode()


def test_servers_that_guess_see_an_asgi_application(app: Kolben) -> None:
    assert inspect.iscoroutinefunction(app.__call__)
    assert app.__call__.__code__.co_argcount == 3


def test_plain_response_names_its_type_and_length(app: Kolben, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: "Grüße"))
    start, body = asyncio.run(exchange(app, scope_for(app)))
    assert start == {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"7")],
    }
    assert body == {"type": "http.response.body", "body": "Grüße".encode()}


@pytest.mark.parametrize(
    ("root_path", "path", "expected"),
    [
        ("", "/page", "/page  /page"),
        ("/app", "/app/page", "/page /app /app/page"),
        ("/app/", "/app/page", "/page /app /app/page"),
        ("/app", "/application", "/application /app /app/application"),
        ("/app", "/page", "/page /app /app/page"),
        ("/app", "/app", "/ /app /app/"),
    ],
)
def test_mounted_below_a_prefix(app: Kolben, root_path: str, path: str, expected: str) -> None:
    view = lambda name="": f"{request.path} {request.root_path} {url_for('view', name=name or None)}"  # noqa: E731
    app.add_url_rule("/<name>", "view", view)
    app.add_url_rule("/", "view", view)
    scope = scope_for(app, root_path=root_path, path=path, raw_path=path.encode())
    assert answer(app, scope) == expected


def test_environ_is_made_of_the_scope_when_asked_for(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> dict[str, t.Any]:
        environ = request.environ
        names = ["REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "HTTP_X_NAME", "SERVER_PROTOCOL"]
        return {name: environ[name] for name in names} | {"body": environ["wsgi.input"].read().decode()}

    app.add_url_rule("/<name>", "view", view_kind(lambda name: view()), methods=["POST"])
    response = client.post("/Jörg?a=b", data="text", content_type="text/x", headers={"X-Name": "value"})
    assert response.json == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/Jörg".encode().decode("latin-1"),
        "QUERY_STRING": "a=b",
        "CONTENT_TYPE": "text/x",
        "HTTP_X_NAME": "value",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "body": "text",
    }


def test_request_class_with_a_constructor_of_its_own(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    class Numbered(Request):
        def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().__init__(*args, **kwargs)
            self.number = 7

    app.request_class = Numbered
    app.add_url_rule("/<name>", "view", view_kind(lambda name: f"{name} {t.cast(Numbered, request).number}"))
    assert client.get("/Ann").text == "Ann 7"


def test_response_that_wants_to_be_closed_is(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    closed: list[str] = []

    class Closing(Response):
        def close(self) -> None:
            closed.append("class")
            super().close()

    app.response_class = Closing
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    client.get("/")
    client.close()
    assert closed == ["class"]


def test_next_request_of_a_connection_does_not_share_the_context_of_the_one_before(app: Kolben) -> None:
    seen: list[object] = []
    ended: list[object] = []
    app.teardown_appcontext(ended.append)

    @app.route("/")
    async def view() -> str:
        seen.append(g.get("name"))
        g.name = "Ann"
        return "x"

    async def two() -> None:
        following: list[asyncio.Task[list[Message]]] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                # As servers do that read the next request while the end of a response is sent.
                following.append(asyncio.create_task(exchange(app, scope_for(app))))

        await app(scope_for(app), never, send)
        await asyncio.gather(*following)

    asyncio.run(two())
    assert (seen, ended) == ([None, None], [None, None])


def test_application_context_of_a_test_is_shared(app: Kolben, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: g.name))
    with app.app_context():
        g.name = "Ann"
        assert answer(app, scope_for(app)) == "Ann"


@pytest.mark.parametrize("is_async", [False, True])
def test_cancelled_request_is_torn_down_once_when_its_view_has_ended(app: Kolben, is_async: bool) -> None:
    events: list[str] = []
    entered, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @app.teardown_request
    def teardown(exc: object) -> None:
        events.append("teardown")
        ended.set()

    def view() -> str:
        entered.set()
        go_on.wait(5)
        events.append("view")
        return "x"

    async def async_view() -> str:
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            events.append("view")
        return "x"

    app.add_url_rule("/", "view", async_view if is_async else view)

    async def cancel() -> None:
        task = asyncio.create_task(exchange(app, scope_for(app)))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task}, timeout=0.01)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not ended.is_set():
            await asyncio.sleep(0.001)

    asyncio.run(cancel())
    assert events == ["view", "teardown"]


def test_unknown_kind_of_connection_is_an_error(app: Kolben) -> None:
    with pytest.raises(ValueError, match="'smoke'"):
        asyncio.run(exchange(app, {"type": "smoke"}))


def test_teardown_is_done_before_the_response_is_sent(app: Kolben, view_kind: Kind) -> None:
    events: list[str] = []
    app.teardown_request(lambda exc: events.append("teardown"))
    app.add_url_rule("/", "view", view_kind(lambda: "x"))

    async def send(message: Message) -> None:
        events.append(message["type"])

    async def serve() -> None:
        await app(scope_for(app), never, send)

    asyncio.run(serve())
    assert events == ["teardown", "http.response.start", "http.response.body"]


async def exchange_body(app: Kolben, messages: list[Message], *, waits: bool) -> str:
    """What is answered to a body that comes in these messages, at once or each after a while."""
    sent: list[Message] = []
    arriving = iter(messages)

    async def receive() -> Message:
        if waits:
            await asyncio.sleep(0)
        return next(arriving)

    async def send(message: Message) -> None:
        sent.append(message)

    length = sum(len(message.get("body", b"")) for message in messages)
    headers = [(b"host", b"localhost"), (b"content-length", b"%d" % length)]
    await app(scope_for(app, method="POST", headers=headers), receive, send)
    return t.cast(bytes, sent[1]["body"]).decode()


def piece(body: bytes, more_body: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more_body}


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_body_is_complete_however_it_arrives(app: Kolben, view_kind: Kind, waits: bool, pieces: int) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: request.get_data(as_text=True)), methods=["POST"])
    messages = [piece(b"%d" % n, more_body=n < pieces - 1) for n in range(pieces)]
    assert asyncio.run(exchange_body(app, messages, waits=waits)) == "012"[:pieces]


@pytest.mark.parametrize("waits", [False, True])
def test_body_may_be_read_as_a_stream_and_is_then_used_up(app: Kolben, view_kind: Kind, waits: bool) -> None:
    def view() -> str:
        assert request.stream.read() == b"abc"
        return f"{request.get_data(as_text=True)}."

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert asyncio.run(exchange_body(app, [piece(b"abc")], waits=waits)) == "."


def test_limit_that_a_view_lowers_holds_for_a_body_that_is_there(app: Kolben, view_kind: Kind) -> None:
    def view() -> str:
        request.max_content_length = 2
        return str(len(request.get_data()))

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert "413" in asyncio.run(exchange_body(app, [piece(b"abc")], waits=False))


def test_client_that_leaves_before_its_body_is_an_error_when_it_is_read(app: Kolben, view_kind: Kind) -> None:
    app.add_url_rule("/", "view", view_kind(lambda: str(len(request.get_data()))), methods=["POST"])
    messages: list[Message] = [{"type": "http.disconnect"}]
    assert "400" in asyncio.run(exchange_body(app, messages, waits=False))


@pytest.mark.parametrize("lost", ["http.response.start", "http.response.body"])
def test_response_is_closed_though_its_client_has_gone(app: Kolben, view_kind: Kind, lost: str) -> None:
    closed: list[str] = []

    def view() -> Response:
        response = Response("text")
        response.call_on_close(lambda: closed.append("closed"))
        return response

    async def send(message: Message) -> None:
        if message["type"] == lost:
            raise OSError("gone")

    app.add_url_rule("/", "view", view_kind(view))
    with pytest.raises(OSError, match="gone"):
        asyncio.run(app(scope_for(app), never, send))
    assert closed == ["closed"]
