"""The development server's wrapper around an application: a page for each unhandled exception, with consoles in it."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import sys
import typing as t
from contextvars import copy_context
from urllib.parse import parse_qs

from .. import bridge
from .access import Access, is_of_another_site
from .console import Result
from .errors import RecentErrors, RecordedError
from .page import PREFIX, error_page, list_page, plain_page
from .reply import Reply, error_reply, html_reply, json_reply, static_reply, text_reply

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, MutableMapping

    from .console import Console
    from .reply import Headers

    Scope = MutableMapping[str, t.Any]
    Message = MutableMapping[str, t.Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]

MAX_COMMAND = 1_000_000
"""Bytes of one command to a console."""


class Debugger:
    """An ASGI application around another: answers for the exceptions that come out of it, and passes on all else.

    .. code-block:: python

        debugger = Debugger(app, url="http://127.0.0.1:5000", secret=secret)
        print("Debugger:", debugger.link)

    Lifespan and WebSocket scopes pass through; exceptions out of WebSockets are recorded and raised again, as are those
    of a response that began. :exc:`BaseException` beside :exc:`Exception` passes through unseen.

    :param app: the application.
    :param url: where the server listens, without a slash at the end: for the links that are printed, and its host is
        one under which the debugger answers, beside ``localhost``, names below it, ``127.0.0.1`` and ``[::1]``.
    :param secret: what all that is secret is derived from. A server that starts one process after the other passes
        the same to all (not by an environment variable), so that a browser that was let in stays in after a reload.
        Random if not passed.
    :param links_used: how many links were used up in earlier processes of this server.
    :param on_link_used: called with that number when it grows, for the process to come.
    :param log: takes a line, or a traceback, for the terminal. Standard error if not passed.
    :param hosts: further host names under which the debugger answers, without port.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        url: str = "http://127.0.0.1:5000",
        secret: str | None = None,
        links_used: int = 0,
        on_link_used: Callable[[int], None] | None = None,
        log: Callable[[str], None] | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        self.app = app
        self.url = url.rstrip("/")
        self.errors = RecentErrors()
        self.access = Access(secret, url, hosts, links_used, on_link_used)
        self._log = log or _print

    @property
    def link(self) -> str:
        """The URL that lets the browser that opens it first use the consoles. For the terminal, and nowhere else."""
        return f"{self.url}{PREFIX}enter?token={self.access.token()}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith(PREFIX):
                reply = await self._answer(scope, receive)
                await reply.send(send, scope["method"])
            else:
                await self._watch(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._watch_websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    # -- the application's exceptions ----------------------------------------------------------------------------------

    async def _watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as exc:
            recorded = await self._record(exc, scope)
            if has_begun:
                self._say(
                    f"{recorded.place}: {recorded.summary}, after the response began. See {self._url_of(recorded)}"
                )
                del recorded
                raise
            self._say(recorded.place)
            self._log(printable(recorded.located_text, "\n\t"))
            reply = self._reply(recorded, scope)
            del recorded
        else:
            return
        await reply.send(send, scope["method"])

    async def _watch_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as exc:
            recorded = await self._record(exc, scope)
            self._say(f"{recorded.place}: {recorded.summary}. See {self._url_of(recorded)}")
            del recorded
            raise

    async def _record(self, exc: Exception, scope: Scope) -> RecordedError:
        record = functools.partial(RecordedError, exc, scope, copy_context(), asyncio.get_running_loop())
        try:
            # NOTE: in a thread, since values are asked for their repr(), which may block.
            recorded: RecordedError = await bridge.in_own_thread(record)()
        finally:
            del record, exc  # NOTE: its traceback knows this frame; together they would wait for the collector.
        self.errors.add(recorded)
        return recorded

    def _say(self, line: str) -> None:
        self._log(printable(line))

    def _url_of(self, error: RecordedError) -> str:
        return f"{self.url}{PREFIX}errors/{error.id}"

    def _reply(self, error: RecordedError, scope: Scope) -> Reply:
        if not self.access.trusts(scope):
            return text_reply(500, "Internal Server Error")
        reply = error_reply(error, _accept(scope))
        if reply.content_type != "text/html" or scope["method"] == "HEAD":
            self._say(f"See {self._url_of(error)}")
        return reply

    # -- the debugger's own paths --------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        path = scope["path"].removeprefix(PREFIX)
        if not self.access.trusts(scope):
            return text_reply(403, "The debugger answers to the computer it runs on only.")
        static = static_reply(scope["path"])
        parts = path.split("/")
        is_command = len(parts) == 3 and (parts[0], parts[2]) == ("errors", "console")
        if scope["method"] not in (("POST",) if is_command else ("GET", "HEAD")):
            return html_reply(405, plain_page("Method Not Allowed"), ("allow", "POST" if is_command else "GET, HEAD"))
        if is_command:
            return await self._command(parts[1], scope, receive)
        if static is not None:
            return static
        if path == "enter":
            return self._enter(scope)
        if path == "access":
            return json_reply(200, {"console": self.access.lets_in(scope)})
        if path == "":
            return self._list(scope)
        error = self.errors.get(parts[1]) if len(parts) == 2 and parts[0] == "errors" else None
        if error is None:
            return html_reply(404, plain_page("Not Found", _GONE))
        return html_reply(200, error_page(error))

    def _list(self, scope: Scope) -> Reply:
        if not self.access.lets_in(scope):
            return html_reply(403, plain_page("The debugger", _LOCKED))
        return html_reply(200, list_page(self.errors.newest_first(), "This browser may use the consoles."))

    def _enter(self, scope: Scope) -> Reply:
        """Let a browser in by the link from the terminal."""
        if not self.access.lets_in(scope):
            if scope["method"] == "HEAD" or is_of_another_site(scope):
                return html_reply(403, plain_page("The debugger", _LOCKED, _FROM_ELSEWHERE))
            tokens = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10).get("token", [""])
            outcome = self.access.opens(tokens[0])
            if outcome == "used":
                self._log(f"A link to the debugger was opened again. One that works: {self.link}")
                return html_reply(403, plain_page("This link was used", _USED))
            if outcome == "wrong":
                return html_reply(403, plain_page("This link does not work", _LOCKED))
        headers = [("location", PREFIX), ("set-cookie", self.access.cookie(PREFIX))]
        return html_reply(303, plain_page("See the debugger"), *headers)

    async def _command(self, id: str, scope: Scope, receive: Receive) -> Reply:
        objection = self.access.objection(scope)
        if objection is not None:
            return json_reply(403, {"error": objection})
        if not _content_type(scope).startswith("application/json"):
            return json_reply(415, {"error": "Commands are sent as application/json."})
        try:
            command = json.loads(await _read(receive))
            source, number, is_final = command["source"], command["frame"], command.get("is_final", False)
        except (ValueError, LookupError, TypeError, RecursionError):
            return json_reply(400, {"error": "This is not a command."})
        if type(source) is not str or type(number) is not int:
            return json_reply(400, {"error": "This is not a command."})
        console = self._console(id, number)
        if console is None:
            return json_reply(404, {"error": _GONE})
        result = await _until_gone(console.run(source, is_final is True), receive)
        return json_reply(200, dataclasses.asdict(result))

    def _console(self, id: str, number: int) -> Console | None:
        error = self.errors.get(id)
        return None if error is None else error.console(number)


_GONE = "This error is not kept any more: newer ones took its place, or the server was restarted."
_LOCKED = (
    "To use the consoles, open the link that the server printed in its terminal. It works once, in the browser that"
    " opens it first; opened again, it makes the server print a new one. After too many wrong links, the server must be"
    " restarted."
)
_FROM_ELSEWHERE = "A link in a page of another site does not work: copy it into the address bar."
_USED = "A link works once. The server has printed a new one in its terminal."


def failing(exc: Exception) -> ASGIApp:
    """An ASGI application that raises ``exc`` for every request: to serve below a :class:`Debugger` what could not be
    imported. It lives through a lifespan, and refuses WebSockets."""
    tb = exc.__traceback__

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raise exc.with_traceback(tb)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1011})
            return
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})

    return app


def render_error(exc: BaseException, accept: str = "text/html") -> tuple[bytes, Headers]:
    """The page, or for clients that want none the text or JSON, of an exception outside any request.

    It has no consoles. Its style is ``/__debugger__/static/...``, which :func:`static_file` gives.

    :param accept: the request's ``Accept`` header.
    :return: the body and the headers of a response with status 500.
    """
    reply = error_reply(RecordedError(exc, None, copy_context()), accept)
    return reply.body, reply.headers


def static_file(path: str) -> tuple[bytes, Headers] | None:
    """The file of the debugger's pages at this path (``/__debugger__/static/...``), and its headers; else ``None``."""
    reply = static_reply(path)
    return None if reply is None else (reply.body, reply.headers)


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > MAX_COMMAND:
            raise ValueError("The command did not come, or is too long.")
        if not message.get("more_body"):
            return bytes(body)


async def _until_gone(running: Coroutine[t.Any, t.Any, Result], receive: Receive) -> Result:
    """The result of a command, which is cancelled if the client goes away before, as a page does that is closed."""
    task = asyncio.ensure_future(running)

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    watching = asyncio.ensure_future(watch())
    try:
        await asyncio.wait({task})
        return Result("failed", value="The command was cancelled.") if task.cancelled() else task.result()
    finally:
        watching.cancel()
        task.cancel()


def printable(text: str, kept: str = "") -> str:
    """The text with control characters as Python writes them: what a client sent should not steer a terminal."""
    return "".join(char if char.isprintable() or char in kept else repr(char)[1:-1] for char in text)


def _accept(scope: Scope) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")


def _content_type(scope: Scope) -> str:
    return next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"content-type"), "")


def _print(text: str) -> None:
    sys.stderr.write(text.rstrip("\n") + "\n")
