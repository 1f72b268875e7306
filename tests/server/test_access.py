from __future__ import annotations

import json
import typing as t

import pytest

from kolben import Kolben, Response
from kolben.server.access import AccessLog, Style
from tests.server.driving import drive, scope


def log(style: Style, asgi: t.Any, request: dict[str, t.Any]) -> str:
    lines: list[bytes] = []
    logged = AccessLog(asgi, style, lines.append)
    try:
        drive(logged, request)
    except ZeroDivisionError:
        pass
    (line,) = lines
    assert line.endswith(b"\n")
    return line.decode("ascii").removesuffix("\n")


@pytest.fixture
def hello(app: Kolben) -> Kolben:
    app.add_url_rule("/<path:rest>", view_func=lambda rest: Response("hello", headers={"X-Request-Id": "r-1"}))
    return app


def test_fields(hello: Kolben) -> None:
    headers = [(b"host", b"localhost"), (b"user-agent", b"curl/8"), (b"referer", b"http://x/")]
    entry = json.loads(log("json", hello, scope(target="/a%20b?c=d", headers=headers)))
    assert entry.pop("duration_ms") >= 0
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/a%20b?c=d",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 5,
        "user_agent": "curl/8",
        "referer": "http://x/",
        "request_id": "r-1",
    }


def test_line_for_people(hello: Kolben) -> None:
    line = log("human", hello, scope(target="/x"))
    assert ' 192.0.2.7 "GET /x HTTP/1.1" 200 5 ' in line
    assert line.endswith('"-" "-" r-1')


@pytest.mark.parametrize("style", ["human", "json"])
def test_nothing_that_a_client_sends_ends_or_forges_a_line(hello: Kolben, style: Style) -> None:
    nasty = b'a\n127.0.0.1 "\x1b[31m\x7f\\\r\xff'
    line = log(style, hello, scope(target="/x", headers=[(b"host", b"localhost"), (b"user-agent", nasty)]))
    assert line.isprintable()
    assert '\\"' in line or "\\x22" in line
    assert "\x1b" not in line


def test_field_has_an_end(hello: Kolben) -> None:
    assert len(log("human", hello, scope(target="/" + "x" * 100_000))) < 3000


def test_unhandled_exception_is_a_500(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: 1 / 0)
    assert json.loads(log("json", app, scope()))["status"] == 500


def test_websocket_is_logged_when_it_ends() -> None:
    async def accepting(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    async def refusing(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        await send({"type": "websocket.close", "code": 1000})

    request = {**scope(), "type": "websocket"}
    assert json.loads(log("json", accepting, request))["status"] == 101
    assert json.loads(log("json", refusing, request))["status"] == 403


def test_request_without_a_peer(hello: Kolben) -> None:
    assert json.loads(log("json", hello, scope(target="/x", client=None)))["client"] is None
    assert ' - "GET' in log("human", hello, scope(target="/x", client=None))
