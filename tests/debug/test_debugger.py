"""What answers for an exception, to which client, and what is kept of it."""

from __future__ import annotations

import asyncio
import gc
import re
import typing as t
import weakref

import pytest

from kolben import Kolben, websocket
from kolben.debug import Debugger, failing, render_error, static_file
from kolben.debug.errors import MAX_ERRORS
from tests.debug.visitor import HTML, ViewKind, Visitor, answer_of, exchange

if t.TYPE_CHECKING:
    from collections.abc import Iterator


def broken(app: Kolben, exc: BaseException, decorate: ViewKind[t.Any] = lambda fn: fn) -> None:
    @decorate
    def view() -> t.NoReturn:
        raise exc

    app.add_url_rule("/broken", view_func=view)


def test_an_exception_is_a_page(app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any]) -> None:
    broken(app, ValueError("no such order"), view_kind)
    answer = visitor.get("/broken")

    assert answer.status == 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "ValueError" in answer.text
    assert "no such order" in answer.text
    assert "<mark>raise exc</mark>" in answer.text
    assert "GET http://127.0.0.1:5000/broken" in answer.text


def test_the_traceback_is_printed(app: Kolben, visitor: Visitor) -> None:
    broken(app, ValueError("no such order"))
    visitor.get("/broken")

    place, printed = visitor.log
    assert place == "GET http://127.0.0.1:5000/broken"
    assert "Traceback (most recent call last):" in printed
    assert "ValueError: no such order" in printed


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/html", "text/html"),
        ("application/json", "application/json"),
        ("application/problem+json", "application/json"),
        ("application/json;q=0.5, text/html;q=0.9", "text/html"),
        ("text/html;q=0, application/json", "application/json"),
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("", "text/plain"),
    ],
)
def test_the_client_says_what_it_wants(app: Kolben, visitor: Visitor, accept: str, content_type: str) -> None:
    broken(app, ValueError("no such order"))
    answer = visitor.get("/broken", {"accept": accept})

    assert answer.headers["content-type"].partition(";")[0] == content_type
    assert answer.headers["vary"] == "accept"


def test_text_is_the_traceback_and_its_page_is_named_in_the_terminal(app: Kolben, visitor: Visitor) -> None:
    broken(app, ValueError("no such order"))
    answer = visitor.get("/broken", {})

    assert re.match(
        r"In your code: tests/debug/test_debugger.py, line \d+, in \S*view\n\nTraceback \(most recent call last\):\n",
        answer.text,
    )
    assert answer.text.endswith("ValueError: no such order\n")
    page = visitor.log[-1].removeprefix("See http://127.0.0.1:5000")
    assert "no such order" in visitor.get(page).text


def test_json_has_type_message_and_traceback(app: Kolben, visitor: Visitor) -> None:
    broken(app, ValueError("no such order"))
    error = visitor.get("/broken", {"accept": "application/json"}).json["error"]

    assert (error["type"], error["message"]) == ("ValueError", "no such order")
    assert error["traceback"][-1] == "ValueError: no such order"


def test_head_has_no_body(app: Kolben, visitor: Visitor) -> None:
    broken(app, ValueError("no such order"))
    answer = visitor.get("/broken", method="HEAD")

    assert (answer.status, answer.body) == (500, b"")
    assert int(answer.headers["content-length"]) > 0


def test_other_answers_pass_untouched(app: Kolben, visitor: Visitor) -> None:
    app.get("/")(lambda: "fine")

    assert visitor.get("/").body == b"fine"
    assert visitor.get("/nowhere").status == 404
    assert visitor.log == []


def test_a_stream_that_fails_is_named_in_the_terminal(
    app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any]
) -> None:
    @view_kind
    def chunks() -> Iterator[str]:
        yield "first"
        raise RuntimeError("torn")

    app.get("/stream")(lambda: chunks())
    with pytest.raises(RuntimeError, match="torn"):
        visitor.get("/stream")

    (line,) = visitor.log
    assert line.startswith("GET http://127.0.0.1:5000/stream: RuntimeError: torn")
    assert "torn" in visitor.get(line.rpartition(" http://127.0.0.1:5000")[2]).text


def test_a_websocket_that_fails_is_named_in_the_terminal(app: Kolben, visitor: Visitor) -> None:
    @app.websocket("/socket")
    async def socket() -> None:
        await websocket.accept()
        raise RuntimeError("torn")

    scope = {"type": "websocket", "path": "/socket", "scheme": "ws", "headers": [(b"host", b"127.0.0.1:5000")]}
    with asyncio.Runner() as runner, pytest.raises(RuntimeError, match="torn"):
        runner.run(exchange(visitor.debugger, {**scope, "subprotocols": []}))

    (line,) = visitor.log
    assert line.startswith("WebSocket ws://127.0.0.1:5000/socket: RuntimeError: torn. See http://127.0.0.1:5000")
    assert "torn" in visitor.get(line.rpartition(" http://127.0.0.1:5000")[2]).text


def test_an_exception_outside_of_kolben_is_a_page() -> None:
    async def plain(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        raise LookupError("plain")

    with asyncio.Runner() as runner:
        visitor = Visitor(plain, runner)
        assert "LookupError" in visitor.get("/").text


def test_what_ends_a_process_passes(app: Kolben, visitor: Visitor) -> None:
    async def ended(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        raise asyncio.CancelledError

    visitor.debugger.app = ended
    with pytest.raises(asyncio.CancelledError):
        visitor.get("/")


def test_few_errors_are_kept_and_the_others_are_freed(
    app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any]
) -> None:
    class Big:
        pass

    seen: list[weakref.ref[Big]] = []

    @app.get("/broken")
    @view_kind
    def view() -> t.NoReturn:
        big = Big()
        seen.append(weakref.ref(big))
        raise ValueError(id(big))

    for _ in range(MAX_ERRORS + 3):
        visitor.get("/broken")
        visitor.run("big", "view")
    gc.collect()

    assert len(visitor.debugger.errors.newest_first()) == MAX_ERRORS
    assert [ref() is None for ref in seen] == [True] * 3 + [False] * MAX_ERRORS


def test_a_handled_exception_leaves_nothing_to_the_collector(app: Kolben, visitor: Visitor) -> None:
    class Big:
        pass

    seen: list[weakref.ref[Big]] = []

    @app.get("/fine")
    async def view() -> str:
        big = Big()
        seen.append(weakref.ref(big))
        return "fine"

    gc.disable()
    try:
        visitor.get("/fine")
        assert seen[0]() is None
    finally:
        gc.enable()


def test_what_cannot_be_imported_is_served_as_its_error() -> None:
    with pytest.raises(SyntaxError) as raised:
        compile("x = 1\ndef f(:\n    pass\n", "broken.py", "exec")
    with asyncio.Runner() as runner:
        visitor = Visitor(failing(raised.value), runner)
        pages = [visitor.get("/a").text, visitor.get("/b").text]

    assert all("SyntaxError" in page and "broken.py<wbr>:2" in page for page in pages)


def test_the_error_of_an_import_lives_through_a_lifespan() -> None:
    sent: list[str] = []
    received = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(received)}

    async def send(message: t.Any) -> None:
        sent.append(message["type"])

    debugger: t.Any = Debugger(failing(ValueError()))
    asyncio.run(debugger({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_an_error_outside_of_a_request_is_rendered() -> None:
    body, headers = render_error(ValueError("too early"))
    text, text_headers = render_error(ValueError("too early"), "*/*")

    assert b"too early" in body
    assert b"data-error" not in body
    assert dict(headers)[b"content-length"] == str(len(body)).encode()
    assert text == b"ValueError: too early\n"
    assert dict(text_headers)[b"content-type"].startswith(b"text/plain")


@pytest.mark.parametrize(("name", "content_type"), [("debugger.css", "text/css"), ("debugger.js", "text/javascript")])
def test_static_files_are_served(visitor: Visitor, name: str, content_type: str) -> None:
    answer = visitor.get(f"/__debugger__/static/{name}")

    assert answer.status == 200
    assert answer.headers["content-type"] == f"{content_type}; charset=utf-8"
    found = static_file(f"/__debugger__/static/{name}")
    assert found is not None
    assert found[0] == answer.body


def test_other_files_are_not_served(visitor: Visitor) -> None:
    for name in ("../debugger.py", "debugger.py", "", "/etc/passwd"):
        assert visitor.get(f"/__debugger__/static/{name}").status == 404
    assert static_file("debugger.css") is None


def test_an_error_that_is_not_kept_is_not_found(visitor: Visitor) -> None:
    visitor.enter()

    assert visitor.get("/__debugger__/errors/unknown").status == 404
    assert "There was no error yet." in visitor.get("/__debugger__/").text


def test_the_list_of_errors_links_their_pages(app: Kolben, visitor: Visitor) -> None:
    broken(app, ValueError("no such order"))
    visitor.get("/broken")
    visitor.enter()
    (error,) = visitor.debugger.errors.newest_first()

    assert (
        f'<a href="/__debugger__/errors/{error.id}">ValueError: no such order</a>' in visitor.get("/__debugger__/").text
    )


def test_pages_are_only_read(visitor: Visitor) -> None:
    answer = visitor.get("/__debugger__/", HTML, method="POST")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_an_answer_has_all_its_messages() -> None:
    messages = asyncio.run(
        exchange(Debugger(failing(ValueError("x")), log=lambda line: None), {"path": "/", "headers": []})
    )

    assert [message["type"] for message in messages] == ["http.response.start", "http.response.body"]
    assert answer_of(messages).status == 500
