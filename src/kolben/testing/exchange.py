"""One HTTP request and its response, played against an ASGI application on the running loop."""

from __future__ import annotations

import asyncio
import typing as t
from collections import deque

from werkzeug.datastructures import Headers
from werkzeug.http import HTTP_STATUS_CODES

from .body import CHUNK, Hangup, pieces

if t.TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .body import Body, Piece
    from .scope import ASGIApp, Message, Scope

PATIENCE = 10.0
"""Seconds that an application gets to end after its client has gone."""


class ClientGone(OSError):
    """The client is not there any more.

    Sending raises it, from ASGI 2.4 on; and so does waiting for a response that one went away from.
    """


class AppTask:
    """An application at work on one connection, and those who wait for what it does next."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self.app = app
        self.scope = scope
        self.task: asyncio.Task[None] | None = None
        self._change = asyncio.Event()
        self._raised = False

    def begin(self, work: Coroutine[t.Any, t.Any, None]) -> None:
        """Let the application run, in a copy of the current context."""
        self.task = asyncio.create_task(work)
        self.task.add_done_callback(lambda _: self.changed())

    @property
    def ended(self) -> bool:
        """Whether the application has returned, or raised."""
        return self.task is not None and self.task.done()

    def changed(self) -> None:
        """Wake whoever waits, to look again."""
        self._change.set()

    async def until(self, condition: Callable[[], t.Any]) -> None:
        """Wait for ``condition``, which is looked at after every change."""
        while not condition():
            self._change.clear()
            await self._change.wait()

    async def refuse(self) -> None:
        """What sending does once the client has gone, as the spec version in the scope has it."""
        version = self.scope["asgi"].get("spec_version", "2.0")
        if tuple(map(int, version.split("."))) >= (2, 4):
            raise ClientGone("The client has gone.")
        # NOTE: lets the loop turn, so that an application which sends in an endless loop can be stopped.
        await asyncio.sleep(0)

    async def end(self, patience: float | None) -> None:
        """Wait until the application returns, and raise what it raised, once.

        :param patience: Seconds, after which it is cancelled; ``None`` to wait for ever.
        :raises RuntimeError: it had to be cancelled.
        """
        if self.task is None:
            return
        done, _ = await asyncio.wait({self.task}, timeout=patience)
        if not done:
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=patience)
            raise RuntimeError(
                f"The application still worked on '{self.scope['path']}' {patience} seconds after its client had gone,"
                " and was cancelled. A view or stream that runs for long has to end when receiving or sending says that"
                " the client is gone."
            )
        if not self.task.cancelled() and not self._raised:
            self._raised = True
            error = self.task.exception()
            if error is not None and not _follows_from_client_gone(error):
                raise error


class Exchange(AppTask):
    """One request and its response.

    The client's side of it: :meth:`started`, :meth:`next_chunk`, :meth:`disconnect`, :meth:`close`. The application is
    never more than one chunk ahead of the client: sending returns when the client has taken the chunk before.
    """

    def __init__(self, app: ASGIApp, scope: Scope, body: Body = b"", patience: float = PATIENCE) -> None:
        super().__init__(app, scope)
        self.status_code: int | None = None
        self.headers = Headers()
        self.complete = False
        self.disconnected = False
        self.abandoned = False
        self.patience = patience
        self._chunks: deque[bytes] = deque()
        self._body = pieces(body)
        self._piece: asyncio.Task[Piece] | None = None
        self._sent_all = False
        self._over = asyncio.get_running_loop().create_future()
        self.begin(self._run())

    @property
    def status(self) -> str:
        """The status line's text, such as ``200 OK``."""
        code = self.status_code or 0
        return f"{code} {HTTP_STATUS_CODES.get(code, 'Unknown').upper()}"

    # -- the client --------------------------------------------------------------------------------------------------

    async def started(self) -> None:
        """Wait for status and headers.

        :raises RuntimeError: the application returned without sending any. What it raised instead is raised here.
        :raises ClientGone: the client went away before there were any.
        """
        await self.until(lambda: self.status_code is not None or self.disconnected or self.ended)
        if self.status_code is None:
            await self.end(self.patience if self.disconnected else None)
            if self.disconnected:
                raise ClientGone("The client went away before there was a response.")
            raise RuntimeError(
                f"The application returned without a response to '{self.scope['path']}': it never sent"
                " 'http.response.start'."
            )

    async def settled(self) -> None:
        """Wait until the response is complete and the application has returned, or, if the response is streamed, until
        its first chunk is there."""
        await self.started()
        await self.until(lambda: self.ended or (self._chunks and not self.complete))

    async def next_chunk(self) -> bytes:
        """The next chunk of the response, ``b""`` after the last one.

        :raises RuntimeError: the application returned before its response was complete. What it raised instead is
            raised here.
        """
        await self.until(lambda: self._chunks or self.complete or self.disconnected or self.ended)
        if self._chunks:
            chunk = self._chunks.popleft()
            self.changed()
            return chunk
        if not self.disconnected:
            await self.end(None)
            if not self.complete:
                raise RuntimeError(
                    f"The application ended its response to '{self.scope['path']}' before it was complete: the last"
                    " 'http.response.body' said that more would follow."
                )
        return b""

    async def read(self) -> list[bytes]:
        """The rest of the response, to its end."""
        chunks = []
        while chunk := await self.next_chunk():
            chunks.append(chunk)
        return chunks

    def disconnect(self) -> None:
        """Go away, if the response is not complete: what was sent and not read is lost."""
        if not self.complete and not self.disconnected:
            self.disconnected = True
            self._chunks.clear()
            self._hang_up()

    def abandon(self) -> None:
        """Go away, and cancel the application."""
        self.abandoned = True
        self.disconnect()
        if self.task is not None:
            self.task.cancel()

    async def close(self) -> None:
        """Go away, and wait for the application to end."""
        self.disconnect()
        try:
            await self.end(self.patience if self.disconnected else None)
        finally:
            await self._drop_body()

    # -- the application ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self.app(self.scope, self._receive, self._send)
        finally:
            if not self._over.done():
                self._over.set_result(None)

    async def _receive(self) -> Message:
        if self._sent_all or self._over.done():
            # NOTE: wait() and not await: that the application stops listening must not cancel what it listened to.
            await asyncio.wait({self._over})
            return {"type": "http.disconnect"}
        if self._piece is None:
            self._piece = asyncio.create_task(self._next_piece())
        await asyncio.wait({self._piece, self._over}, return_when=asyncio.FIRST_COMPLETED)
        if self._over.done():
            return {"type": "http.disconnect"}
        piece, self._piece = self._piece, None
        try:
            chunk, more = piece.result()
        except Hangup:
            self.disconnect()
            return {"type": "http.disconnect"}
        self._sent_all = not more
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def _next_piece(self) -> Piece:
        return await anext(self._body)

    async def _send(self, message: Message) -> None:
        if self.disconnected:
            await self.refuse()
            return
        match message["type"]:
            case "http.response.start":
                self._take_start(message)
            case "http.response.body":
                await self._take_chunk(message.get("body", b""), more=message.get("more_body", False))
            case "http.response.pathsend":
                await self._take_file(message["path"])

    def _take_start(self, message: Message) -> None:
        self.status_code = message["status"]
        self.headers = headers_of(message)
        self.changed()

    async def _take_file(self, path: str) -> None:
        with open(path, "rb") as file:  # a test's own loop may wait for a disk
            while chunk := file.read(CHUNK):
                await self._take_chunk(chunk, more=True)
        await self._take_chunk(b"", more=False)

    async def _take_chunk(self, chunk: bytes, more: bool) -> None:
        if chunk:
            self._chunks.append(bytes(chunk))
        self.complete = not more
        if self.complete:
            self._hang_up()
        self.changed()
        await self.until(lambda: self.complete or self.disconnected or not self._chunks)

    def _hang_up(self) -> None:
        if not self._over.done():
            self._over.set_result(None)
        self.changed()

    async def _drop_body(self) -> None:
        if self._piece is not None:
            self._piece.cancel()
            await asyncio.wait({self._piece})
            if not self._piece.cancelled():
                self._piece.exception()  # so that it counts as seen
        await self._body.aclose()


def headers_of(message: Message) -> Headers:
    """The headers of a message, as text."""
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())])


def _follows_from_client_gone(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ClientGone):
        error = error.__cause__ or error.__context__
    return error is not None
