"""What the development server writes to the terminal: a line for each request, and what it has to say itself."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
import typing as t
from urllib.parse import quote

from ...logging import has_level_handler

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope = MutableMapping[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]

# FLASK: programs silence these lines, or redirect them, by 'logging.getLogger("werkzeug")'.
logger = logging.getLogger("werkzeug")

_COLOURS = {1: "1", 3: "32", 4: "31;1", 5: "35;1"}
_COLOUR_OF = {304: "36", 404: "33"}
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0), ord('"'))}
_FAILED = b"<!doctype html>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"


def say(message: str, *values: t.Any, level: int = logging.INFO, colour: str = "") -> None:
    """Log a line of the server's own; to standard error where logging is not set up otherwise."""
    if not logger.level:
        logger.setLevel(logging.INFO)
    if not has_level_handler(logger):
        logger.addHandler(logging.StreamHandler())
    logger.log(level, paint(message, colour), *values)


def paint(text: str, colour: str) -> str:
    """Colour a text, by the code of ECMA-48's SGR, if standard error is a terminal that shows colours."""
    if not colour or sys.stderr is None or not sys.stderr.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


class RequestLines:
    """An ASGI application around another: one line per request, as its response begins.

    An exception that comes out of a request is logged with its traceback, from the program's own file on, and answered
    by 500. One that broke off a stream was logged by the application.

    :param shows_errors: whether exceptions are logged at all.
    """

    def __init__(self, app: ASGIApp, shows_errors: bool = True) -> None:
        self.app = app
        self._shows_errors = shows_errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        has_begun = False

        async def send_and_log(message: Message) -> None:
            nonlocal has_begun
            status = _status(message)
            if status is not None and not has_begun:
                has_begun = True
                _log(scope, status)
            await send(message)

        try:
            await self.app(scope, receive, send_and_log)
        except Exception as exc:
            is_http = scope["type"] == "http"
            if self._shows_errors and not (is_http and has_begun and _is_of_stream(exc)):
                _log_error(scope, exc)
            if is_http and not has_begun:
                headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(_FAILED))]
                await send_and_log({"type": "http.response.start", "status": 500, "headers": headers})
                await send({"type": "http.response.body", "body": _FAILED})
            else:
                raise


def _log_error(scope: Scope, exc: Exception) -> None:
    from ...cli.crash import format_crash

    target = f"{scope.get('method', 'WEBSOCKET')} {_target(scope)}"
    say("Error on request: %s\n%s", target, format_crash(exc).rstrip(), level=logging.ERROR)


def _is_of_stream(exc: Exception) -> bool:
    """Whether an exception, raised after the response began, comes from a body that Kolben was sending."""
    return any(
        frame.f_globals.get("__name__", "").startswith("kolben.protocols.")
        for frame, _ in traceback.walk_tb(exc.__traceback__)
    )


def _status(message: Message) -> int | None:
    """The status of the response that a message begins."""
    match message["type"]:
        case "http.response.start" | "websocket.http.response.start":
            return t.cast("int", message["status"])
        case "websocket.accept":
            return 101
        case "websocket.close":
            return 403
    return None


def _log(scope: Scope, status: int) -> None:
    line = f"{scope.get('method', 'GET')} {_target(scope)} HTTP/{scope.get('http_version', '1.1')}"
    colour = _COLOUR_OF.get(status) or _COLOURS.get(status // 100, "")
    client = (scope.get("client") or ("-",))[0]
    moment = time.strftime("%d/%b/%Y %H:%M:%S")
    # FLASK: Werkzeug's format; its last field would be a size, which it never writes.
    say('%s - - [%s] "%s" %s -', client, moment, paint(line, colour), status)


def _target(scope: Scope) -> str:
    """The path and the query as the client wrote them, without what a terminal would obey."""
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = b"?" + scope["query_string"] if scope.get("query_string") else b""
    return bytes(path + query).decode("latin-1").translate(_ESCAPED)
