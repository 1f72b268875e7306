"""The body of a request: where its bytes come from, how many are taken, and where they are kept until asked for."""

from __future__ import annotations

import io
import threading
import typing as t

from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from .head import LARGEST_LENGTH

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import InputStream as WSGIInput

    from .pace import Arrival

    Message: t.TypeAlias = t.MutableMapping[str, t.Any]
    Receive: t.TypeAlias = Callable[[], Awaitable[Message]]
    InThread: t.TypeAlias = Callable[..., Awaitable[t.Any]]

SPOOL_SIZE: t.Final = 500_000
"""Bytes that a body, or an uploaded file, holds in memory before it goes to a temporary file.

What Werkzeug keeps of an upload in memory, and enough that JSON and ordinary forms never touch the disk; a hundred
uploads at once hold 50 MB. It is also the size of one write to that file, so that a thread is asked for once in half a
megabyte, not once a chunk.
"""

LARGE_SIZE: t.Final = 2 * 1024 * 1024
"""Bytes that a few bodies at a time, :data:`ROOMS`, may hold in memory instead."""

ROOMS: t.Final = threading.Semaphore(32)
"""Room for bodies of up to :data:`LARGE_SIZE`: 64 MB, however many clients there are. A body that finds none goes to a
temporary file, as all larger ones do."""

_SMALL_PIECE: t.Final = 4096
"""Bytes of a chunk below which it is copied to the one before."""

CHUNK_SIZE: t.Final = 256 * 1024
"""Bytes that are asked for at a time when a body is read piece by piece."""


class Body:
    """The body of one request; the subclasses say where its bytes come from.

    It holds one stream, which is used up by reading, as ``request.stream`` is in Flask. Nothing is opened, read or
    checked before the body is asked for, so that a bad body does not disturb a view that never looks at it. Asking
    raises :exc:`RequestEntityTooLarge` for more than `limit` bytes, :exc:`ClientDisconnected` for fewer than
    `content_length`, and :exc:`BadRequest` for more than that.

    :param limit: the most bytes to take, ``MAX_CONTENT_LENGTH``; ``None`` is no limit. May be changed until the body is
        asked for.
    :param content_length: what the client declared (see :func:`.parse_content_length`); ``None`` where it declared
        nothing, or where ``Transfer-Encoding`` overrules it.
    """

    __slots__ = ("content_length", "limit")

    def __init__(self, limit: int | None = None, content_length: int | None = None) -> None:
        self.limit = limit
        self.content_length = content_length

    @property
    def length(self) -> int | None:
        """How many bytes there are to read at most, where that is known before reading them."""
        return self.content_length

    @property
    def is_exhausted(self) -> bool:
        """Whether there is nothing left to read."""
        raise NotImplementedError

    def stream(self) -> t.IO[bytes]:
        """The body as a file, always the same one."""
        raise NotImplementedError

    def read_all(self) -> bytes:
        """What the stream still holds."""
        return self.stream().read()

    def pieces(self) -> Iterator[bytes]:
        """What the stream still holds, piece by piece."""
        read = self.stream().read
        while chunk := read(CHUNK_SIZE):
            yield chunk

    async def chunks(self, in_thread: InThread) -> AsyncIterator[bytes]:
        """What the stream still holds, piece by piece; ``in_thread(fn, *args)`` runs what blocks."""
        read = self.stream().read
        while chunk := await in_thread(read, CHUNK_SIZE):
            yield chunk

    def load(self) -> None:
        """Take in the whole body now, blocking, so that asking for it later does not block. Raises nothing."""

    def close(self) -> None:
        """Free what the body holds, a temporary file above all. May be called again."""

    def _check_declared(self) -> None:
        if self.limit is not None and self.content_length is not None and self.content_length > self.limit:
            raise too_large(self.limit)


class ReceivedBody(Body):
    """A body that the protocol hands over as it arrives, before the view runs.

    The protocol loops (:meth:`fill` is that loop)::

        while body.wants_more:
            message = await receive()
            if body.feed(message["body"]):
                await in_thread(body.flush)

    :param spool_size: bytes to hold in memory before they go to a temporary file. Unless given, :data:`SPOOL_SIZE`, or
        :data:`LARGE_SIZE` while there is room.
    """

    __slots__ = (
        "_file",
        "_has_room",
        "_held",
        "_is_closed",
        "_is_disconnected",
        "_may_have_room",
        "_memory",
        "_stream",
        "is_complete",
        "is_late",
        "resume",
        "size",
        "spool_size",
    )

    resume: Callable[[], None] | None
    """What receives the rest, blocking, when the limit was raised after the body had been left at the old one."""

    def __init__(
        self, limit: int | None = None, content_length: int | None = None, spool_size: int | None = None
    ) -> None:
        self.limit = limit
        self.content_length = content_length
        self.spool_size = SPOOL_SIZE if spool_size is None else spool_size
        self._may_have_room = spool_size is None
        self.resume = None
        self.size = 0
        self.is_complete = False
        self.is_late = False
        self._is_disconnected = False
        self._is_closed = False
        self._has_room = False
        self._memory: list[bytes | bytearray] = []
        self._held = 0
        self._file: t.IO[bytes] | None = None
        self._stream: t.IO[bytes] | None = None

    @classmethod
    def of(cls, data: bytes = b"", limit: int | None = None) -> ReceivedBody:
        """A complete body of `data`."""
        body = cls(limit, None, max(len(data), SPOOL_SIZE))
        body.feed(data)
        body.complete()
        return body

    @property
    def wants_more(self) -> bool:
        """Whether the protocol should go on receiving: no end was seen, and no limit was exceeded."""
        return not (
            self.is_complete or self._is_disconnected or self.is_late or self._is_over_limit or self._is_overlong
        )

    @property
    def length(self) -> int | None:
        return self.size if self.is_complete else self.content_length

    @property
    def is_exhausted(self) -> bool:
        if self._stream is None:
            return self.is_complete and self.size == 0
        return self._stream.closed or self._stream.tell() >= self.size

    @property
    def is_in_memory(self) -> bool:
        """Whether reading it touches no disk."""
        return self._file is None

    def feed(self, chunk: bytes) -> bool:
        """Take the next chunk. Returns whether :meth:`flush` should now be called, in a thread: it writes to a file."""
        if self.limit is not None and self.size > self.limit:
            raise RuntimeError("The body is over its limit: ask 'wants_more' before feeding it another chunk.")
        size = len(chunk)
        self.size += size
        memory = self._memory
        if size >= _SMALL_PIECE or not memory:
            # PERF: benchmarks/inprocess.py, kinds "json body" and "upload": chunks are kept as they came.
            memory.append(chunk)
        elif type(memory[-1]) is bytearray:
            memory[-1] += chunk
        elif len(memory[-1]) < _SMALL_PIECE:
            memory[-1] = bytearray(memory[-1] + chunk)
        else:
            memory.append(bytearray(chunk))
        self._held += size
        return self._held > self.spool_size and self._must_go(self._held)

    def _must_go(self, size: int) -> bool:
        """Whether what is in memory, more than may always be there, has to go to a file."""
        # PERF: benchmarks/inprocess.py, kind "upload": most of the time went into files that were read at once.
        if self._may_have_room and not self._has_room and self._file is None:
            self._has_room = ROOMS.acquire(blocking=False)
        return not self._has_room or size > LARGE_SIZE

    def _leave_room(self) -> None:
        if self._has_room:
            self._has_room = False
            ROOMS.release()

    __del__ = _leave_room

    def complete(self) -> bool:
        """Note the end of the body. Returns whether :meth:`flush` should now be called, in a thread."""
        self.is_complete = True
        return self._file is not None and bool(self._memory)

    def disconnect(self) -> None:
        """Note that the client left before the end."""
        self._is_disconnected = True

    def flush(self) -> None:
        """Move what was fed from memory to the temporary file. Blocks."""
        memory = self._take_memory()
        self._leave_room()
        if self._file is None:
            from tempfile import TemporaryFile

            self._file = TemporaryFile()  # noqa: SIM115 - close() closes it
        # NOTE: the request may have been cancelled, and its body closed, while a thread was on its way here. Each side
        # writes its own word before it reads the other's, so that one of the two sees both.
        if not self._is_closed:
            self._file.writelines(memory)
        if self._is_closed:
            self._file.close()

    async def fill(self, receive: Receive, in_thread: InThread, arrival: Arrival | None = None) -> None:
        """Receive the body over ASGI until it ends, the client leaves, or a limit is exceeded; none of it raises.

        :param in_thread: ``await in_thread(fn)`` runs a function that blocks.
        :param arrival: what sees to it that this does not take too long.
        """
        while self.wants_more:
            try:
                message = await (receive() if arrival is None else arrival.receive(receive))
            except RequestTimeout:
                self.is_late = True
                return
            if message["type"] == "http.disconnect":
                self.disconnect()
                return
            must_flush = self.feed(message.get("body", b""))
            if not message.get("more_body", False):
                must_flush = self.complete() or must_flush
            if must_flush:
                await in_thread(self.flush)

    def lateness(self) -> RequestTimeout:
        """The error for a body that did not arrive in time."""
        from .pace import SlowBody

        return SlowBody()

    def stream(self) -> t.IO[bytes]:
        if self._stream is None:
            self._require_all()
            if self._file is not None:
                if self._memory:
                    self.flush()
                self._stream = self._file
            else:
                self._stream = io.BytesIO(_joined(self._take_memory()))
            self._stream.seek(0)
        return self._stream

    def read_all(self) -> bytes:
        if self._stream is not None or self._file is not None:
            return self.stream().read()
        self._require_all()
        data = _joined(self._take_memory())
        self._stream = io.BytesIO(data)
        self._stream.seek(len(data))
        return data

    def pieces(self) -> Iterator[bytes]:
        """What the stream still holds, as it came; where it is in memory, without putting it together."""
        if self._stream is not None or self._file is not None:
            read = self.stream().read
            while chunk := read(CHUNK_SIZE):
                yield chunk
        else:
            self._require_all()
            self._stream = io.BytesIO()
            self._stream.seek(self.size)
            yield from map(bytes, self._take_memory())

    def _take_memory(self) -> list[bytes | bytearray]:
        memory, self._memory, self._held = self._memory, [], 0
        return memory

    async def chunks(self, in_thread: InThread) -> AsyncIterator[bytes]:
        stream = self.stream()
        while chunk := stream.read(CHUNK_SIZE) if self._file is None else await in_thread(stream.read, CHUNK_SIZE):
            yield chunk

    def close(self) -> None:
        self._is_closed = True
        self._memory = []
        self._leave_room()
        self.resume = None
        if self._stream is not None:
            self._stream.close()
        if self._file is not None:
            self._file.close()

    @property
    def _is_over_limit(self) -> bool:
        return self.limit is not None and max(self.size, self.content_length or 0) > self.limit

    @property
    def _is_overlong(self) -> bool:
        return self.content_length is not None and self.size > self.content_length

    def _require_all(self) -> None:
        if self._is_closed:
            raise RuntimeError("The body of the request is closed: it can be read only while the request is answered.")
        if self.wants_more and self.resume is not None:
            self.resume()
        if self.limit is not None and self._is_over_limit:
            raise too_large(self.limit)
        if self.is_late:
            raise self.lateness()
        if self.wants_more:
            raise RequestEntityTooLarge(
                "The limit of the request body, 'request.max_content_length', was raised too late: the body is received"
                " before an async view runs. Raise the 'MAX_CONTENT_LENGTH' setting, or give the route a"
                " 'max_content_length' of its own."
            )
        if self.content_length is not None and self.size != self.content_length:
            raise _wrong_length(self.size, self.content_length)
        if not self.is_complete:
            raise ClientDisconnected(f"The client disconnected after {self.size} bytes of the request body.")


class InputBody(Body):
    """A body that a WSGI server has in ``wsgi.input``, read when it is asked for.

    NOTE: a declared length counts even if the server ends the input itself (``wsgi.input_terminated``), where Werkzeug
    ignores it: Granian 2.8.7 ends the input of a client that left halfway as if it were complete.

    :param source: ``wsgi.input``.
    :param input_terminated: whether the server ends the input at the end of the body. If not, a body of undeclared
        length is empty, for reading it could wait for ever.
    """

    __slots__ = ("_received", "_source", "_stream")

    def __init__(
        self,
        source: WSGIInput,
        content_length: int | None = None,
        input_terminated: bool = False,
        limit: int | None = None,
    ) -> None:
        self.limit = limit
        self.content_length = 0 if content_length is None and not input_terminated else content_length
        self._source = source
        self._stream: InputStream | io.BytesIO | None = None
        self._received: ReceivedBody | None = None

    @property
    def is_exhausted(self) -> bool:
        if self._received is not None:
            return self._received.is_exhausted
        if isinstance(self._stream, InputStream):
            return self._stream.is_exhausted
        return self._stream is not None or self.content_length == 0

    def stream(self) -> t.IO[bytes]:
        if self._received is not None:
            self._received.limit = self.limit
            return self._received.stream()
        if self._stream is None:
            self._check_declared()
            if self.content_length == 0:
                self._stream = io.BytesIO()
            else:
                self._stream = InputStream(self._source, self.content_length, self.limit)
        return t.cast("t.IO[bytes]", self._stream)

    def read_all(self) -> bytes:
        length = self.content_length
        if length is None or length > CHUNK_SIZE or self._stream is not None or self._received is not None:
            return self.stream().read()
        # PERF: benchmarks/inprocess.py, kind "json body": one call of the server, and no stream object.
        self._check_declared()
        data = read_from(self._source.read, length) if length else b""
        if len(data) == length:
            self._stream = io.BytesIO()
            return data
        return data + self.after(data)

    def after(self, data: bytes) -> bytes:
        """What follows the `data` that was read from the source already."""
        self._stream = InputStream(self._source, self.content_length, self.limit, position=len(data))
        return self._stream.readall()

    def load(self) -> None:
        if self._received is not None or self._stream is not None:
            return
        self._received = body = ReceivedBody(self.limit, self.content_length)
        while body.wants_more:
            remaining = CHUNK_SIZE if self.content_length is None else self.content_length - body.size
            try:
                chunk = read_from(self._source.read, min(CHUNK_SIZE, remaining)) if remaining else b""
            except (ClientDisconnected, RequestTimeout) as error:
                body.is_late = isinstance(error, RequestTimeout)
                body.disconnect()
                return
            if body.feed(chunk):
                body.flush()
            if not chunk:
                body.complete()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._received is not None:
            self._received.close()


class StreamedBody(Body):
    """A body that a view declared ``stream_body=True`` reads under ASGI while it arrives.

    :param receive: ASGI's callable.
    :param wait: ``wait(receive)`` calls it on the event loop and blocks until there is a message; what the stream needs
        in a sync view. ``None`` for an async view, which uses :meth:`chunks`.
    :param arrival: what sees to it that the client is not waited for too long.
    """

    __slots__ = ("_receive", "_source", "_stream", "_wait")

    def __init__(
        self,
        receive: Receive,
        content_length: int | None = None,
        limit: int | None = None,
        wait: Callable[[Receive], Message] | None = None,
        arrival: Arrival | None = None,
    ) -> None:
        self.limit = limit
        self.content_length = content_length
        self._receive = receive if arrival is None else lambda: arrival.receive(receive)
        self._wait = wait
        self._source: MessageStream | None = None
        self._stream: t.IO[bytes] | None = None

    @property
    def is_exhausted(self) -> bool:
        return self._source is not None and self._source.is_exhausted

    def stream(self) -> t.IO[bytes]:
        if self._wait is None:
            raise RuntimeError(
                "The body of this view is streamed ('stream_body=True'), and the view is async: read it with"
                " 'async for chunk in request.body_chunks()', or declare the view without 'stream_body'."
            )
        if self._stream is None:
            self._stream = io.BufferedReader(self._open(), CHUNK_SIZE)
        return self._stream

    async def chunks(self, in_thread: InThread | None = None) -> AsyncIterator[bytes]:
        """The chunks as the client sends them, none of them empty; no thread is needed."""
        source = self._open()
        while not source.is_ended:
            if chunk := source.accept(await self._receive()):
                yield chunk

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _open(self) -> MessageStream:
        if self._source is None:
            self._check_declared()
            self._source = MessageStream(self._receive, self._wait, self.content_length, self.limit)
        return self._source


class InputStream(io.RawIOBase):
    """``wsgi.input``, read no further than the body goes.

    :param content_length: where the body ends; ``None``: where the server ends the input.
    :param limit: the most bytes to read.
    :param position: bytes of it that were read already.
    """

    def __init__(self, source: WSGIInput, content_length: int | None, limit: int | None, position: int = 0) -> None:
        self._source = source
        self._content_length = content_length
        self._limit = limit
        self._position = position
        self._surplus = b""
        self._is_ended = False

    @property
    def is_exhausted(self) -> bool:
        """Whether the end of the body was reached."""
        return self._is_ended or self._position == self._content_length

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        return self._take(size, is_line=False)

    def readall(self) -> bytes:
        chunks = []
        while chunk := self._take(CHUNK_SIZE, is_line=False):
            chunks.append(chunk)
        return b"".join(chunks)

    def exhaust(self) -> bytes:
        """The same as :meth:`readall`; Werkzeug's name for it."""
        return self.readall()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._take(len(view), is_line=False)
        view[: len(data)] = data
        return len(data)

    def readline(self, size: int | None = -1, /) -> bytes:
        remaining = -1 if size is None else size
        pieces = []
        while remaining:
            piece = self._take(CHUNK_SIZE if remaining < 0 else remaining, is_line=True)
            pieces.append(piece)
            if not piece or piece.endswith(b"\n"):
                break
            if remaining > 0:
                remaining -= len(piece)
        return b"".join(pieces)

    def _take(self, size: int, is_line: bool) -> bytes:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        size = min(size, self._allowance())
        if size <= 0 or self._is_ended:
            return b""
        data = self._surplus
        if not data:
            data = read_from(self._source.readline if is_line else self._source.read, size)
        end = (data.find(b"\n", 0, size) + 1 or size) if is_line else size
        # NOTE: Granian 2.8.7 does not heed the size that readline() is given.
        data, self._surplus = data[:end], data[end:]
        self._position += len(data)
        if not data:
            if self._content_length is not None:
                raise _wrong_length(self._position, self._content_length)
            self._is_ended = True
        elif self._content_length is None and self._limit is not None and self._position > self._limit:
            raise too_large(self._limit)
        return data

    def _allowance(self) -> int:
        """How many bytes may be read next: where the end is not known, one more than the limit, to see it exceeded."""
        if self._content_length is not None:
            return self._content_length - self._position
        if self._limit is None:
            return LARGEST_LENGTH
        if self._position > self._limit:
            raise too_large(self._limit)
        return self._limit - self._position + 1


class MessageStream(io.RawIOBase):
    """The messages of ASGI's ``receive`` as a file, for a thread that waits for them."""

    def __init__(
        self,
        receive: Receive,
        wait: Callable[[Receive], Message] | None,
        content_length: int | None,
        limit: int | None,
    ) -> None:
        self._receive = receive
        self._wait = wait
        self._content_length = content_length
        self._limit = limit
        self._position = 0
        self._pending = memoryview(b"")
        self._is_disconnected = False
        self.is_ended = False

    @property
    def is_exhausted(self) -> bool:
        """Whether the last message was accepted and read."""
        return self.is_ended and not self._pending

    def accept(self, message: Message) -> bytes:
        """The chunk that a message holds, counted."""
        chunk: bytes = message.get("body", b"")
        self._position += len(chunk)
        self._is_disconnected = message["type"] == "http.disconnect"
        self.is_ended = not message.get("more_body", False)
        self._check()
        return chunk

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._wait is None:
            raise RuntimeError("There is no thread to wait in for the body.")
        self._check()
        while not self._pending and not self.is_ended:
            self._pending = memoryview(self.accept(self._wait(self._receive)))
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._pending))
        view[:size] = self._pending[:size]
        self._pending = self._pending[size:]
        return size

    def _check(self) -> None:
        position, declared = self._position, self._content_length
        if self._is_disconnected:
            raise ClientDisconnected(f"The client disconnected after {position} bytes of the request body.")
        if self._limit is not None and position > self._limit:
            raise too_large(self._limit)
        if declared is not None and (position > declared or (self.is_ended and position < declared)):
            raise _wrong_length(position, declared)


def _joined(pieces: list[bytes | bytearray]) -> bytes:
    first = pieces[0] if len(pieces) == 1 else b""
    return first if type(first) is bytes and len(pieces) == 1 else b"".join(pieces)


def too_large(limit: int) -> RequestEntityTooLarge:
    """The error for a body of more than `limit` bytes; it names the setting."""
    return RequestEntityTooLarge(
        f"The request body is larger than the limit of {limit} bytes. To accept it, raise the 'MAX_CONTENT_LENGTH'"
        " setting, give the route a 'max_content_length' of its own, or set 'request.max_content_length' before the"
        " body is read."
    )


def _wrong_length(size: int, content_length: int) -> BadRequest:
    if size < content_length:
        return ClientDisconnected(
            f"The request body ended after {size} bytes of the {content_length} that its Content-Length declares:"
            " the client disconnected, or the header is wrong."
        )
    return BadRequest(f"The request body is longer than the {content_length} bytes that its Content-Length declares.")


def read_from(read: Callable[[int], bytes], size: int) -> bytes:
    """What ``wsgi.input`` gives; whatever goes wrong there is :exc:`ClientDisconnected`."""
    try:
        return read(size)
    except Exception as error:
        refuse_unreadable(error)


def refuse_unreadable(error: Exception) -> t.NoReturn:
    """Raise what an error of ``wsgi.input`` means: :exc:`ClientDisconnected`, whatever went wrong there."""
    if isinstance(error, (AssertionError, RequestTimeout)):
        raise error  # wsgiref.validate found fault with this end; or the client was too slow.
    # NOTE: OSError and ValueError by custom; gunicorn has errors of its own for malformed chunks and trailers.
    raise ClientDisconnected(
        "The request body could not be read: the client disconnected, or its transfer encoding is malformed."
    ) from error
