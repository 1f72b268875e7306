"""The body of a request: three sources, one behaviour."""

from __future__ import annotations

import asyncio
import io
import typing as t
from wsgiref.validate import InputWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from kolben.http.body import (
    CHUNK_SIZE,
    Body,
    InputBody,
    ReceivedBody,
    StreamedBody,
)

Message = dict[str, t.Any]
KINDS = ["received", "spooled", "input", "terminated", "loaded", "streamed"]


class Input(io.BytesIO):
    """A `wsgi.input` that counts what is taken from it, and hands out no more than `at_once` bytes at a time."""

    def __init__(self, data: bytes, at_once: int = 1 << 30) -> None:
        super().__init__(data)
        self.at_once = at_once

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0
        return super().read(min(size, self.at_once))


def chunked(data: bytes, size: int = 4) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def messages(chunks: list[bytes]) -> t.Callable[[], t.Awaitable[t.MutableMapping[str, t.Any]]]:
    """ASGI's `receive` for these chunks; an exhausted one says that the client left."""
    left: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if left:
        left[-1]["more_body"] = False

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "http.disconnect"}

    return receive


async def in_thread(fn: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
    return fn(*args)


def make(
    kind: str, data: bytes, chunks: list[bytes] | None = None, limit: int | None = None, declared: int | None = None
) -> Body:
    """A body of `kind` that holds `data`, which a client sends in `chunks` and declares as `declared` bytes long."""
    receive = messages(chunks or [data])
    if kind in ("received", "spooled"):
        received = ReceivedBody(limit, declared, **({"spool_size": 3} if kind == "spooled" else {}))
        asyncio.run(received.fill(receive, in_thread))
        return received
    if kind == "streamed":
        return StreamedBody(receive, declared, limit, wait=lambda receive: asyncio.run(_once(receive)))
    at_once = max(map(len, chunks)) if chunks else 1 << 30
    length = declared if declared is not None or kind == "terminated" else len(data)
    body = InputBody(Input(data, at_once), length, kind == "terminated", limit)
    if kind == "loaded":
        body.load()
    return body


async def _once(receive: t.Callable[[], t.Awaitable[t.Any]]) -> t.Any:
    return await receive()


async def collect(chunks: t.AsyncIterable[bytes]) -> list[bytes]:
    return [chunk async for chunk in chunks]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_read_all_returns_the_whole_body_once(kind: str) -> None:
    body = make(kind, b"hello world", chunked(b"hello world"))

    assert not body.is_exhausted
    assert body.read_all() == b"hello world"
    assert body.is_exhausted
    assert body.read_all() == b""
    assert body.stream().read() == b""
    body.close()


def test_stream_reads_lines_like_a_file(kind: str) -> None:
    data = b"one\ntwo\n\n" + b"x" * 50 + b"\nlast"
    body = make(kind, data, chunked(data))
    stream = body.stream()

    assert stream is body.stream()
    assert stream.readline() == b"one\n"
    assert stream.readline(2) == b"tw"
    assert stream.readline(0) == b""
    assert stream.readline(100) == b"o\n"
    assert list(stream) == [b"\n", b"x" * 50 + b"\n", b"last"]
    assert body.is_exhausted
    body.close()


def test_stream_fills_a_buffer_and_can_be_wrapped_as_text(kind: str) -> None:
    data = "grüße\nan alle\n".encode()
    body = make(kind, data, chunked(data, 5))
    stream = t.cast("io.BytesIO", body.stream())
    buffer = bytearray(2)

    assert stream.readable()
    assert stream.readinto(buffer) == 2
    rest = io.TextIOWrapper(stream, "utf-8", newline="\n")
    assert bytes(buffer) + b"".join(line.encode() for line in rest) == data
    rest.detach()
    body.close()


@given(st.sampled_from(KINDS), st.binary(max_size=200), st.lists(st.integers(-1, 50), max_size=20), st.integers(1, 60))
def test_any_reading_of_any_chunks_gives_the_same_bytes(kind: str, data: bytes, sizes: list[int], at_once: int) -> None:
    body = make(kind, data, chunked(data, at_once) or [b""], limit=200)
    stream = body.stream()
    read = b""
    for size in sizes:
        piece = stream.readline(size) if size % 3 == 0 else stream.read(size)
        assert len(piece) <= size or size < 0
        read += piece

    assert read + body.read_all() == data
    body.close()


def test_a_body_of_exactly_the_limit_is_accepted(kind: str) -> None:
    body = make(kind, b"12345678", limit=8)

    assert body.read_all() == b"12345678"
    body.close()


@pytest.mark.parametrize("declared", [None, 9])
def test_a_body_over_the_limit_is_refused_when_it_is_asked_for(kind: str, declared: int | None) -> None:
    body = make(kind, b"123456789", [b"12345", b"6789"], limit=8, declared=declared)

    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge, match=r"8 bytes.*'MAX_CONTENT_LENGTH'.*request.max_content_length"):
            body.read_all()
    body.close()


def test_a_body_that_ends_early_is_a_disconnected_client(kind: str) -> None:
    body = make(kind, b"1234", [b"12", b"34"], declared=5)

    for _ in range(2):
        with pytest.raises(ClientDisconnected, match="after 4 bytes of the 5"):
            body.read_all()
    body.close()


def test_chunks_yields_the_body_without_empty_pieces(kind: str) -> None:
    body = make(kind, b"123456", [b"123", b"", b"456"])
    if isinstance(body, StreamedBody):
        body = StreamedBody(messages([b"123", b"", b"456"]))

    pieces = asyncio.run(collect(body.chunks(in_thread)))

    assert b"".join(pieces) == b"123456"
    assert all(pieces)
    body.close()


def test_closing_twice_is_harmless(kind: str) -> None:
    body = make(kind, b"123")
    body.read_all()

    body.close()
    body.close()


# Received over ASGI before the view runs.


def test_one_chunk_is_not_copied() -> None:
    chunk = b"x" * 1000
    body = ReceivedBody()
    body.feed(chunk)
    body.complete()

    assert body.read_all() is chunk


def test_a_complete_body_of_given_bytes() -> None:
    body = ReceivedBody.of(b"data")

    assert (body.length, body.is_complete, body.wants_more, body.read_all()) == (4, True, False, b"data")
    assert ReceivedBody.of().is_exhausted


def test_a_body_beyond_the_spool_size_goes_to_a_file_when_a_thread_flushes_it() -> None:
    body = ReceivedBody(spool_size=10)

    assert [body.feed(b"12345") for _ in range(3)] == [False, False, True]
    assert body.is_in_memory
    body.flush()
    assert not body.is_in_memory
    assert [body.feed(b"abcde"), body.complete()] == [False, True]
    assert body.read_all() == b"123451234512345abcde"
    body.close()


def test_what_was_not_flushed_is_written_when_the_body_is_asked_for() -> None:
    body = ReceivedBody(spool_size=10)
    body.feed(b"x" * 11)
    body.flush()
    body.feed(b"yz")
    body.complete()

    assert body.read_all() == b"x" * 11 + b"yz"
    body.close()


def test_close_closes_the_temporary_file() -> None:
    body = ReceivedBody(spool_size=1)
    body.feed(b"123")
    body.flush()
    body.complete()
    stream = body.stream()

    body.close()

    assert stream.closed
    assert body.is_exhausted
    with pytest.raises(RuntimeError, match="is closed"):
        ReceivedBody.read_all(_closed())


def _closed() -> ReceivedBody:
    body = ReceivedBody.of(b"1")
    body.close()
    return body


def test_a_flush_that_comes_after_close_leaves_no_file_open(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: file)
    body = ReceivedBody(spool_size=1)
    body.feed(b"123")
    body.close()

    body.flush()

    assert file.closed


def test_the_limit_may_be_raised_until_the_body_is_asked_for() -> None:
    body = ReceivedBody(limit=4)
    body.feed(b"12345")
    body.complete()
    body.limit = 5

    assert body.read_all() == b"12345"


@pytest.mark.parametrize(("declared", "before"), [(6, b""), (None, b"1234")])
def test_a_body_left_at_its_limit_is_resumed_when_the_limit_is_raised(declared: int | None, before: bytes) -> None:
    body = ReceivedBody(limit=3, content_length=declared)
    if before:
        body.feed(before)
    assert not body.wants_more

    def resume() -> None:
        while body.wants_more:
            body.feed(b"123456"[body.size : body.size + 2])
            if body.size == 6:
                body.complete()

    body.limit = 6
    body.resume = resume

    assert body.read_all() == b"123456"


def test_a_limit_that_is_raised_too_late_says_so() -> None:
    body = ReceivedBody(limit=3, content_length=6)
    body.limit = 6

    with pytest.raises(RequestEntityTooLarge, match=r"too late.*MAX_CONTENT_LENGTH.*max_content_length"):
        body.read_all()


def test_feeding_a_body_that_is_over_its_limit_is_a_mistake_of_the_caller() -> None:
    body = ReceivedBody(limit=3)
    body.feed(b"1234")

    with pytest.raises(RuntimeError, match="wants_more"):
        body.feed(b"5")


def test_a_client_that_leaves_is_noticed_when_the_body_is_asked_for() -> None:
    body = ReceivedBody()
    receive = messages([b"12", b"34"])

    async def cut() -> t.MutableMapping[str, t.Any]:
        return await receive() if body.size == 0 else {"type": "http.disconnect"}

    asyncio.run(body.fill(cut, in_thread))

    assert not body.wants_more
    with pytest.raises(ClientDisconnected, match="after 2 bytes"):
        body.stream()


def test_a_body_longer_than_declared_is_a_bad_request() -> None:
    body = make("received", b"123456", [b"123", b"456"], declared=4)

    with pytest.raises(BadRequest, match="longer than the 4 bytes"):
        body.read_all()


def test_fill_stops_receiving_at_the_limit_and_flushes_in_a_thread() -> None:
    asked = flushed = 0

    async def receive() -> t.MutableMapping[str, t.Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 10, "more_body": True}

    async def count_flush(fn: t.Callable[[], None]) -> None:
        nonlocal flushed
        flushed += 1
        fn()

    body = ReceivedBody(limit=55, spool_size=15)
    asyncio.run(body.fill(receive, count_flush))

    assert (asked, flushed, body.size) == (6, 3, 60)
    body.close()


def test_a_spooled_body_is_read_in_a_thread_and_one_in_memory_is_not() -> None:
    calls: list[object] = []

    async def record(fn: t.Callable[..., t.Any], *args: t.Any) -> t.Any:
        calls.append(fn)
        return fn(*args)

    for kind, expected in (("received", 0), ("spooled", 2)):
        calls.clear()
        body = make(kind, b"123456")
        asyncio.run(collect(body.chunks(record)))
        assert len(calls) == expected
        body.close()


# Read from wsgi.input.


def test_an_input_is_read_to_its_declared_length_and_no_further() -> None:
    source = Input(b"first, second")
    body = InputBody(source, 5)

    assert body.read_all() == b"first"
    assert body.stream().read(10) == b""
    assert source.tell() == 5


def test_an_input_that_hands_out_less_than_asked_is_read_to_its_end() -> None:
    body = InputBody(Input(b"123456789", at_once=2), 9)

    assert body.read_all() == b"123456789"


def test_a_large_declared_input_is_read_in_chunks() -> None:
    sizes = []

    class Sized(Input):
        def read(self, size: int | None = -1, /) -> bytes:
            sizes.append(size)
            return super().read(size)

    data = b"x" * (CHUNK_SIZE + 10)

    assert InputBody(Sized(data), len(data)).read_all() == data
    assert sizes == [CHUNK_SIZE, 10]


def test_an_input_of_undeclared_length_is_empty_and_untouched() -> None:
    source = Input(b"next request")
    body = InputBody(source)

    assert body.is_exhausted
    assert body.length == 0
    assert body.read_all() == b""
    assert body.stream().read() == b""
    assert source.tell() == 0


def test_an_input_that_the_server_terminates_needs_no_length() -> None:
    body = InputBody(Input(b"x" * 1000), None, input_terminated=True)

    assert body.length is None
    assert body.read_all() == b"x" * 1000


def test_an_ended_input_is_not_read_again() -> None:
    source = Input(b"12")
    body = InputBody(source, None, input_terminated=True)
    body.read_all()
    source.close()

    assert body.stream().read(5) == b""


def test_a_body_declared_over_the_limit_is_not_read_at_all() -> None:
    source = Input(b"123456")
    body = InputBody(source, 6, limit=5)

    with pytest.raises(RequestEntityTooLarge):
        body.stream()
    assert source.tell() == 0
    body.limit = 6
    assert body.read_all() == b"123456"


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("I/O on closed file")])
def test_an_input_that_fails_is_a_disconnected_client(error: Exception) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise error

    for body in (InputBody(Broken(), 5), InputBody(Broken(), None, input_terminated=True)):
        with pytest.raises(ClientDisconnected):
            body.read_all()
    loaded = InputBody(Broken(), 5)
    loaded.load()
    with pytest.raises(ClientDisconnected):
        loaded.read_all()


def test_loading_reads_nothing_over_the_limit_and_raises_nothing() -> None:
    source = Input(b"x" * 100)
    body = InputBody(source, 100, limit=50)

    body.load()

    assert source.tell() == 0
    with pytest.raises(RequestEntityTooLarge):
        body.stream()


def test_loading_twice_or_after_reading_changes_nothing() -> None:
    body = InputBody(Input(b"123456"), 6)
    assert body.stream().read(2) == b"12"

    body.load()
    body.load()

    assert body.read_all() == b"3456"


def test_a_server_that_ignores_the_size_of_readline_does_not_matter() -> None:
    class Careless(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            return super().readline()

    body = InputBody(Careless(b"long line\nnext\nrest"), 19)
    stream = body.stream()

    assert stream.readline(4) == b"long"
    assert stream.read(1) == b" "
    assert stream.readline() == b"line\n"
    assert stream.read() == b"next\nrest"


def test_a_closed_input_stream_is_not_read() -> None:
    body = InputBody(Input(b"123456"), 6)
    stream = body.stream()
    stream.read(2)

    body.close()

    with pytest.raises(ValueError, match="closed"):
        stream.read(2)


def test_the_input_is_used_as_pep_3333_allows() -> None:
    data = b"line\n" * 3 + b"rest"
    for read in (InputBody.read_all, lambda body: b"".join(body.stream()), InputBody.load):
        # It asserts how it is called.
        read(InputBody(t.cast("io.BytesIO", InputWrapper(io.BytesIO(data))), len(data)))


# Streamed over ASGI.


def test_a_streamed_body_asks_for_a_message_only_when_a_chunk_is_wanted() -> None:
    asked = 0
    receive = messages([b"one", b"two", b"three"])

    async def counted() -> t.MutableMapping[str, t.Any]:
        nonlocal asked
        asked += 1
        return await receive()

    async def scenario() -> None:
        chunks = StreamedBody(counted).chunks()
        assert (asked, await anext(chunks), asked, await anext(chunks), asked) == (0, b"one", 1, b"two", 2)
        assert [chunk async for chunk in chunks] == [b"three"]

    asyncio.run(scenario())
    assert asked == 3


def test_a_streamed_body_is_cut_at_the_limit() -> None:
    async def scenario() -> None:
        chunks = StreamedBody(messages([b"1234", b"5678", b"9"]), limit=8).chunks()
        assert [await anext(chunks), await anext(chunks)] == [b"1234", b"5678"]
        with pytest.raises(RequestEntityTooLarge, match="MAX_CONTENT_LENGTH"):
            await anext(chunks)

    asyncio.run(scenario())


def test_a_streamed_body_declared_over_the_limit_is_not_received() -> None:
    async def receive() -> t.MutableMapping[str, t.Any]:
        raise AssertionError

    with pytest.raises(RequestEntityTooLarge):
        asyncio.run(collect(StreamedBody(receive, 9, limit=8).chunks()))


def test_a_client_that_leaves_a_streamed_body_is_noticed() -> None:
    left: list[Message] = [{"type": "http.request", "body": b"12", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return left.pop(0)

    with pytest.raises(ClientDisconnected, match="after 2 bytes"):
        asyncio.run(collect(StreamedBody(receive).chunks()))


def test_an_async_view_cannot_block_on_a_streamed_body() -> None:
    with pytest.raises(RuntimeError, match=r"async for chunk in request.body_chunks\(\)"):
        StreamedBody(messages([b"1"])).read_all()
