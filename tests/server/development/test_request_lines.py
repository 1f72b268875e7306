"""A line for each request: what it says of it, and what it does not let through to the terminal."""

from __future__ import annotations

import asyncio
import logging
import typing as t

import pytest

from kolben.server.development import request_lines
from kolben.server.development.request_lines import RequestLines

Lines: t.TypeAlias = t.Callable[..., list[str]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """`lines(scope, messages)` are those that are logged when an application sends the messages."""
    caplog.set_level(logging.INFO, "werkzeug")

    def run(scope: dict[str, t.Any], *messages: dict[str, t.Any] | Exception) -> list[str]:
        async def app(scope: t.Any, receive: t.Any, send: t.Any) -> None:
            for message in messages:
                if isinstance(message, Exception):
                    raise message
                await send(message)

        async def send(message: t.Any) -> None:
            sent.append(message)

        sent: list[t.Any] = []
        defaults = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "client": ("10.0.0.1", 1)}
        asyncio.run(RequestLines(app)({**defaults, **scope}, t.cast("t.Any", None), send))
        run.sent = sent  # type: ignore[attr-defined]  # for a test to look at
        return [record.getMessage().rpartition("] ")[2] for record in caplog.records]

    return run


def start(status: int) -> dict[str, t.Any]:
    return {"type": "http.response.start", "status": status, "headers": []}


def test_a_line_has_the_path_as_the_client_wrote_it(lines: Lines) -> None:
    scope = {
        "method": "POST",
        "path": "/ä b",
        "raw_path": b"/%C3%A4%20b",
        "query_string": b"q=1",
        "http_version": "1.1",
    }

    assert lines(scope, start(201)) == ['"POST /%C3%A4%20b?q=1 HTTP/1.1" 201 -']


def test_what_a_terminal_would_obey_is_escaped(lines: Lines) -> None:
    assert lines({"raw_path": b'/\x1b[31m\x9b1m"'}, start(404)) == ['"GET /\\x1b[31m\\x9b1m\\x22 HTTP/1.1" 404 -']


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"type": "websocket.accept"}, 101),
        ({"type": "websocket.close", "code": 1000}, 403),
        ({"type": "websocket.http.response.start", "status": 401, "headers": []}, 401),
    ],
)
def test_a_websocket_has_a_line_for_its_handshake(lines: Lines, message: dict[str, t.Any], status: int) -> None:
    scope = {"type": "websocket", "method": "GET"}

    assert lines(scope, message, {"type": "websocket.send", "text": ""}) == [f'"GET / HTTP/1.1" {status} -']


def test_an_exception_is_logged_and_answered(lines: Lines) -> None:
    error, line = lines({}, RuntimeError("oh no"))
    assert error.startswith("Error on request: GET /\nTraceback (most recent call last):\n")
    assert error.endswith("\nRuntimeError: oh no")
    assert "request_lines.py" not in error.replace("test_request_lines.py", "")
    assert line == '"GET / HTTP/1.1" 500 -'
    assert lines.sent[0]["status"] == 500  # type: ignore[attr-defined]  # put there by the fixture


def test_an_exception_after_the_response_has_begun_is_the_servers(lines: Lines) -> None:
    with pytest.raises(RuntimeError, match="oh no"):
        lines({}, start(200), RuntimeError("oh no"))


@pytest.mark.parametrize(
    ("is_terminal", "no_color", "expected"), [(True, "", "\x1b[33mx\x1b[0m"), (True, "1", "x"), (False, "", "x")]
)
def test_colours_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, no_color: str, expected: str
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)

    assert request_lines.paint("x", "33") == expected
