from __future__ import annotations

import asyncio
import typing as t

import pytest
from werkzeug.exceptions import Forbidden

from kolben import Blueprint, Kolben, Response, g, request, session, signals, websocket
from kolben.testing import KolbenClient, WebSocketClosed, WebSocketRejected
from tests.kinds import Kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(app: Kolben) -> Iterator[KolbenClient]:
    client: KolbenClient = app.test_client(protocol="asgi", validate=True)
    yield client
    client.close()


def messages_before(error: type[Exception], app: Kolben) -> list[dict[str, t.Any]]:
    """What a WebSocket at '/ws' sends before the exception reaches the server."""
    scope = {
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": b"",
        "root_path": "",
        "scheme": "ws",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost")],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {"websocket.http.response": {}},
        "asgi": {"version": "3.0"},
    }
    sent: list[dict[str, t.Any]] = []
    waiting = [{"type": "websocket.connect"}]

    async def receive() -> t.Any:
        return waiting.pop() if waiting else await asyncio.Event().wait()

    async def send(message: t.Any) -> None:
        sent.append(message)

    with asyncio.Runner() as runner, pytest.raises(error):
        runner.run(t.cast("t.Any", app)(scope, receive, send))
    return sent


def test_events_of_a_websocket(app: Kolben, client: KolbenClient) -> None:
    events: list[str] = []
    blueprint = Blueprint("blueprint", __name__)
    for registrar, name in ((app, "app"), (blueprint, "blueprint")):

        def before(name: str = name) -> None:
            events.append(f"before {name}")

        def after(response: Response | None, name: str = name) -> Response | None:
            events.append(f"after {name} {response}")
            return response

        def teardown(exc: BaseException | None, name: str = name) -> None:
            events.append(f"teardown {name} {exc!r}")

        registrar.before_websocket(before)
        registrar.after_websocket(after)
        registrar.teardown_websocket(teardown)
    app.before_request(lambda: events.append("before request"))
    app.teardown_appcontext(lambda exc: events.append("teardown appcontext"))

    @blueprint.websocket("/<name>")
    async def view(ws: t.Any, name: str) -> None:
        events.append("view")
        await ws.send(f"{name} {request.endpoint}")

    app.register_blueprint(blueprint)
    with client.websocket("/Ann") as ws:
        assert ws.receive() == "Ann blueprint.view"
    client.close()
    assert events[:8] == [
        "before app",
        "before blueprint",
        "view",
        "after blueprint None",
        "after app None",
        "teardown blueprint None",
        "teardown app None",
        "teardown appcontext",
    ]


def test_hook_that_answers_refuses_the_socket(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.before_websocket(view_kind(lambda: ("not you", 401)))
    app.add_websocket("/ws", "ws", view_kind(lambda ws: None))
    with pytest.raises(WebSocketRejected) as refused, client.websocket("/ws"):
        pass
    assert (refused.value.response.status_code, refused.value.response.data) == (401, b"not you")


def test_http_exception_before_accepting_refuses_the_socket(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view(ws: t.Any) -> None:
        raise Forbidden

    app.add_websocket("/ws", "ws", view_kind(view))
    with pytest.raises(WebSocketRejected) as refused, client.websocket("/ws"):
        pass
    assert refused.value.response.status_code == 403


def test_unknown_path_refuses_the_socket(client: KolbenClient) -> None:
    with pytest.raises(WebSocketRejected) as refused, client.websocket("/ws"):
        pass
    assert refused.value.response.status_code == 404


def test_error_after_accepting_closes_with_1011(
    app: Kolben, client: KolbenClient, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    seen: list[object] = []
    app.teardown_websocket(lambda exc: seen.append(type(exc)))

    @app.websocket("/ws")
    async def view(ws: t.Any) -> None:
        await ws.send("hello")
        raise ValueError

    with client.websocket("/ws") as ws:
        assert ws.receive() == "hello"
        with pytest.raises(WebSocketClosed) as closed:
            ws.receive()
    client.close()
    assert closed.value.code == 1011
    assert seen == [ValueError]
    assert [record.getMessage() for record in caplog.records] == ["Exception on /ws [GET]"]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_a_view_that_ends_without_accepting_is_named_in_debug_mode(
    app: Kolben, client: KolbenClient, caplog: pytest.LogCaptureFixture
) -> None:
    @app.websocket("/forgetful")
    async def forgetful(ws: t.Any) -> None:
        ws.send("hi")

    @app.websocket("/refusing")
    async def refusing(ws: t.Any) -> None:
        await ws.close()

    logged = []
    for path, debug in (("/forgetful", True), ("/refusing", True), ("/forgetful", False)):
        app.debug = debug
        with pytest.raises(WebSocketRejected), client.websocket(path):
            pass
        logged.append([record.getMessage() for record in caplog.records])
        caplog.clear()

    ((message,), *others) = logged
    place = f"'forgetful' ('tests/dispatch/test_websocket.py', line {forgetful.__code__.co_firstlineno})"
    assert message.startswith(f"The view function {place} ended without accepting the WebSocket")
    assert "'await' is probably missing" in message
    assert others == [[], []]


def test_error_is_raised_in_tests(app: Kolben, client: KolbenClient) -> None:
    @app.websocket("/ws")
    async def view(ws: t.Any) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), client.websocket("/ws"):
        pass


@pytest.mark.parametrize("accepts", [True, False])
def test_an_error_that_propagates_is_told_to_the_client_first(app: Kolben, view_kind: Kind, accepts: bool) -> None:
    def view(ws: t.Any) -> None:
        raise ValueError("no")

    async def accepting(ws: t.Any) -> None:
        await ws.accept()
        raise ValueError("no")

    app.add_websocket("/ws", "ws", accepting if accepts else view_kind(view))
    sent = messages_before(ValueError, app)
    if accepts:
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
        assert sent[-1]["code"] == 1011
    else:
        assert [message.get("status") for message in sent] == [500, None]


def test_error_handler_answers_before_accepting(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view(ws: t.Any) -> None:
        raise ValueError

    app.register_error_handler(ValueError, view_kind(lambda exc: ("handled", 409)))
    app.add_websocket("/ws", "ws", view_kind(view))
    with pytest.raises(WebSocketRejected) as refused, client.websocket("/ws"):
        pass
    assert (refused.value.response.status_code, refused.value.response.data) == (409, b"handled")


def test_url_values_may_be_changed_by_preprocessors(app: Kolben, client: KolbenClient) -> None:
    @app.url_value_preprocessor
    def preprocess(endpoint: str | None, values: t.Any) -> None:
        g.lang = values.pop("lang")

    @app.websocket("/<lang>/ws")
    async def view(ws: t.Any) -> None:
        await ws.send(f"{g.lang} {request.view_args}")

    with client.websocket("/de/ws") as ws:
        assert ws.receive() == "de {}"


def test_proxies_in_views_of_either_kind(app: Kolben, client: KolbenClient) -> None:
    with client.session_transaction() as transaction:
        transaction["name"] = "Ann"

    @app.websocket("/async")
    async def with_await() -> None:
        await websocket.send(session["name"])

    @app.websocket("/sync")
    def without() -> None:
        t.cast(t.Any, websocket).send(session["name"])

    for path in ("/async", "/sync"):
        with client.websocket(path) as ws:
            assert ws.receive() == "Ann"


def test_signals(app: Kolben, client: KolbenClient) -> None:
    sent: list[str] = []
    receivers = []
    for name in ("websocket_started", "websocket_finished", "websocket_tearing_down"):

        def receive(sender: object, name: str = name, **values: object) -> None:
            sent.append(name)

        receivers.append(receive)
        getattr(signals, name).connect(receive, app)

    @app.websocket("/ws")
    async def view(ws: t.Any) -> None:
        await ws.send("x")

    with client.websocket("/ws") as ws:
        ws.receive()
    client.close()
    assert sent == ["websocket_started", "websocket_finished", "websocket_tearing_down"]
