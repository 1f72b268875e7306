from __future__ import annotations

import asyncio
import json
import threading
import typing as t
from wsgiref.validate import validator

import pytest

from kolben import Kolben, Response, request, stream_with_context
from kolben.http.sse import EventStream
from kolben.protocols.drain import Drain
from kolben.server.wsgi.gateway import Gateway
from tests.server.driving import conversation, drive, scope


def post(target: str = "/", *chunks: bytes, length: bool = True) -> dict[str, t.Any]:
    size = str(sum(map(len, chunks))).encode()
    framing = (b"content-length", size) if length else (b"transfer-encoding", b"chunked")
    return scope("POST", target, headers=[(b"host", b"localhost"), framing])


def test_answers_in_two_messages(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: "hello")
    answer = drive(Gateway(app), scope())
    assert (answer.status, answer.body, len(answer.messages)) == (200, b"hello", 2)
    assert answer.headers["content-length"] == "5"


def test_view_runs_in_a_thread_and_sees_the_loop(app: Kolben) -> None:
    async def where() -> int:
        return threading.get_ident()

    @app.route("/")
    def view() -> dict[str, t.Any]:
        return {"own": threading.get_ident(), "loop": app.async_to_sync(where)()}

    seen = json.loads(drive(Gateway(app), scope()).body)
    assert seen["own"] != threading.get_ident()
    assert seen["loop"] == threading.get_ident()


def test_async_view_runs_on_the_servers_loop(app: Kolben) -> None:
    @app.route("/")
    async def view() -> str:
        await asyncio.sleep(0)
        return str(threading.get_ident())

    assert drive(Gateway(app), scope()).body == str(threading.get_ident()).encode()


@pytest.mark.parametrize("length", [True, False])
def test_body_arrives(app: Kolben, length: bool) -> None:
    app.add_url_rule("/", view_func=lambda: request.get_data(), methods=["POST"])
    chunks = (b"a" * 300_000, b"b" * 300_000, b"c")
    answer = drive(Gateway(app), post("/", *chunks, length=length), *chunks)
    assert answer.body == b"".join(chunks)


def test_follows_the_letter_of_pep_3333(app: Kolben) -> None:
    @app.route("/", methods=["GET", "POST"])
    def view() -> str:
        return f"seen: {request.get_data(as_text=True)}"

    @app.route("/stream")
    def stream() -> Response:
        return Response(f"{number}" for number in range(3))

    app.wsgi_app = validator(app.wsgi_app)  # type: ignore[method-assign,assignment]  # as middleware is put around it
    gateway = Gateway(app)
    assert drive(gateway, scope()).body == b"seen: "
    assert drive(gateway, post("/", b"abc"), b"abc").body == b"seen: abc"
    assert drive(gateway, scope(target="/stream")).body == b"012"
    assert drive(gateway, scope("HEAD")).body == b""


def wsgi(app: Kolben, func: t.Callable[..., t.Any]) -> Gateway:
    app.wsgi_app = func  # type: ignore[method-assign]  # as middleware is put around it
    return Gateway(app)


def test_write_sends_at_once(app: Kolben) -> None:
    def old(environ: t.Any, start_response: t.Any) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        write(b"two ")
        return [b"three"]

    answer = drive(wsgi(app, old), scope())
    assert answer.body == b"one two three"
    assert [message.get("body") for message in answer.messages[1:3]] == [b"one ", b"two "]


def test_response_may_start_with_its_first_piece(app: Kolben) -> None:
    def late(environ: t.Any, start_response: t.Any) -> t.Iterator[bytes]:
        start_response("201 Created", [])
        yield b"a"
        yield b"b"

    answer = drive(wsgi(app, late), scope())
    assert (answer.status, answer.body) == (201, b"ab")


def test_close_is_called_once_also_after_an_error(app: Kolben) -> None:
    closed = []

    class Body:
        def __iter__(self) -> t.Iterator[bytes]:
            yield b"a"
            raise ZeroDivisionError

        def close(self) -> None:
            closed.append(True)

    def failing(environ: t.Any, start_response: t.Any) -> Body:
        start_response("200 OK", [])
        return Body()

    with pytest.raises(ZeroDivisionError):
        drive(wsgi(app, failing), scope())
    assert closed == [True]


def test_error_may_replace_a_response_that_was_not_sent(app: Kolben) -> None:
    def failing(environ: t.Any, start_response: t.Any) -> list[bytes]:
        import sys

        start_response("200 OK", [])
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response("503 Away", [], sys.exc_info())
        return [b"later"]

    assert drive(wsgi(app, failing), scope()).status == 503


def test_error_after_the_start_is_raised_again(app: Kolben) -> None:
    def failing(environ: t.Any, start_response: t.Any) -> t.Iterator[bytes]:
        import sys

        start_response("200 OK", [])
        yield b"a"
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            start_response("503 Away", [], sys.exc_info())

    with pytest.raises(ZeroDivisionError):
        drive(wsgi(app, failing), scope())


def test_application_that_says_nothing_is_an_error(app: Kolben) -> None:
    with pytest.raises(AssertionError, match="start_response"):
        drive(wsgi(app, lambda environ, start_response: []), scope())


def test_exception_before_the_start_goes_to_the_server(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drive(Gateway(app), scope())


def test_s7_header_that_must_be_alone_is_refused(app: Kolben) -> None:
    headers = [(b"host", b"a"), (b"host", b"b")]
    assert drive(Gateway(app), scope(headers=headers)).status == 400


def test_websocket_is_refused_with_426(app: Kolben) -> None:
    answer = drive(Gateway(app), {**scope(), "type": "websocket"})
    assert answer.status == 426
    assert b"--protocol asgi" in answer.body


def test_stream_keeps_its_request_and_is_torn_down(app: Kolben) -> None:
    torn_down = []
    app.teardown_request(lambda exc: torn_down.append(request.path))

    @app.route("/stream")
    def view() -> t.Iterator[str]:
        for _ in range(3):
            yield request.path

    assert drive(Gateway(app), scope(target="/stream")).body == b"/stream" * 3
    assert torn_down == ["/stream"]


def test_stream_ends_with_its_client(app: Kolben) -> None:
    ended = threading.Event()

    @app.route("/")
    @stream_with_context
    def view() -> t.Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            ended.set()

    async def main() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, t.Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: t.Any) -> None:
            if message.get("body"):
                gone.set()

        await Gateway(app)(scope(), receive, send)

    asyncio.run(main())
    assert ended.is_set()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_stream_of_events_is_completed_when_the_server_stops(app: Kolben, kind: str) -> None:
    started = threading.Event()

    def events() -> t.Iterator[str]:
        while True:
            started.set()
            yield "x"

    async def events_async() -> t.AsyncIterator[str]:
        yield "x"
        started.set()
        await asyncio.sleep(300)

    def view() -> EventStream:
        return EventStream(events() if kind == "sync" else events_async(), farewell="bye")

    app.add_url_rule("/", view_func=view)

    async def main() -> bytes:
        app.serving.drain = Drain()
        answer = asyncio.ensure_future(conversation(Gateway(app), scope()))
        while not started.is_set():
            await asyncio.sleep(0.01)
        app.serving.drain.begin(30)
        messages = (await answer).messages
        assert messages[-1] == {"type": "http.response.body", "body": b"data: bye\n\n"}
        return (await answer).body

    assert b"data: x" in asyncio.run(main())
    assert app.draining


def test_lifespan_starts_and_stops_the_application(app: Kolben) -> None:
    from kolben.server.lifespan import Lifespan

    seen = []
    app.before_serving(lambda: seen.append("start"))
    app.after_serving(lambda: seen.append("stop"))

    async def main() -> None:
        lifespan = Lifespan(Gateway(app))
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(main())
    assert seen == ["start", "stop"]
