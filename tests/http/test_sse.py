"""Server-sent events: their bytes, and streams that beat, end and are closed."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
import typing as t
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.globals import current
from kolben.http import sse
from kolben.http.request import Request
from kolben.http.sse import PING, Event, EventStream, encode_event, last_event_id

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from kolben import Kolben, Response
    from kolben.testing import KolbenClient

OPENING = b":\n\n"


# -- the bytes of an event -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "data"),
    [
        ("hi", b"data: hi\n\n"),
        ("", b"data: \n\n"),
        (" a", b"data:  a\n\n"),
        ("a\nb\r\nc\rd", b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("a\n", b"data: a\ndata: \n\n"),
        ("\u2028\x85\u20ac", "data: \u2028\x85\u20ac\n\n".encode()),
        ({"a": [1]}, b'data: {"a":[1]}\n\n'),
        ([1, 2], b"data: [1,2]\n\n"),
        (1.5, b"data: 1.5\n\n"),
        (False, b"data: false\n\n"),
        (b"event: raw\n\n", b"event: raw\n\n"),
        (None, b": ping\n\n"),
        (Event("x", event="e", id="1", retry=5, comment="c\nd"), b": c\n: d\nevent: e\nid: 1\nretry: 5\ndata: x\n\n"),
        (Event({"a": 1}), b'data: {"a":1}\n\n'),
        (Event(id=7), b"id: 7\n\n"),
        (Event(id=""), b"id: \n\n"),
        (Event("", event=""), b"event: \ndata: \n\n"),
    ],
)
def test_an_item_is_sent_as(item: t.Any, data: bytes) -> None:
    assert encode_event(item).replace(b", ", b",").replace(b'": ', b'":') == data


@pytest.mark.parametrize("text", ["a\nb", "a\r", "a\0", "\ndata: evil", "\r\n\r\ndata: evil"])
@pytest.mark.parametrize("field", ["event", "id"])
def test_s24_a_line_break_or_nul_in_id_or_event_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"'{field}' of an event"):
        Event("x", **{field: text})  # type: ignore[arg-type]  # Both are text.


@pytest.mark.parametrize("retry", [-1, 1.5, "3000", "1\ndata: evil"])
def test_s24_a_retry_that_is_no_number_is_refused(retry: t.Any) -> None:
    with pytest.raises(ValueError, match="'retry' of an event"):
        Event("x", retry=retry)


def browser(stream: bytes) -> list[tuple[str, str, str]]:
    """What a page is told, by the algorithm of the WHATWG: (event, data, last event id) for each."""
    told = []
    data, event, last_id = "", "", ""
    for line in stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line == "":
            if data:
                told.append((event or "message", data.removesuffix("\n"), last_id))
            data, event = "", ""
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data += value + "\n"
            elif field == "event":
                event = value
            elif field == "id":
                last_id = value
    return told


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = words.filter(lambda text: not set(text) & set("\r\n\0"))


@given(st.lists(st.tuples(words, names, names, st.none() | words), max_size=4))
def test_s24_a_page_is_told_what_was_sent_and_nothing_else(items: list[tuple[str, str, str, str | None]]) -> None:
    stream = b"".join(Event(data, event, id, comment=comment).encode() for data, event, id, comment in items)
    told = browser(stream)
    assert [(event, id) for event, _, id in told] == [(event or "message", id) for _, event, id, _ in items]
    for (_, seen, _), (data, _, _, _) in zip(told, items, strict=True):
        assert seen == data.replace("\r\n", "\n").replace("\r", "\n")


# -- streams ---------------------------------------------------------------------------------------------------------


async def collect(stream: EventStream, limit: int = 1000) -> list[bytes]:
    """Pull a stream as the ASGI protocol does, and close it."""
    body: t.Any = stream.response
    chunks = []
    try:
        async for chunk in body:
            chunks.append(chunk)
            if len(chunks) == limit:
                break
    finally:
        await body.aclose()
    return chunks


@pytest.fixture
def over_asgi() -> Iterator[None]:
    """A request that came through ASGI is being answered."""
    asked = Request.from_scope({"type": "http", "method": "GET", "path": "/", "headers": []})
    token = current.set(t.cast("t.Any", SimpleNamespace(request=asked, app=SimpleNamespace(json=json))))
    try:
        yield
    finally:
        current.reset(token)


def test_the_headers_keep_proxies_from_storing_and_buffering() -> None:
    stream = EventStream([])
    assert stream.status_code == 200
    assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["Cache-Control"] == "no-cache, no-transform"
    assert stream.headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in stream.headers
    assert stream.direct_passthrough
    assert stream.is_streamed


def test_headers_may_be_added_and_replaced() -> None:
    stream = EventStream([], headers={"Cache-Control": "no-store", "X-A": "1"}, status=202)
    assert (stream.status_code, stream.headers["Cache-Control"], stream.headers["X-A"]) == (202, "no-store", "1")
    stream.set_cookie("a", "b")
    assert "a=b" in stream.headers["Set-Cookie"]


@pytest.mark.parametrize("heartbeat", [0, -1])
def test_a_heartbeat_takes_time(heartbeat: float) -> None:
    with pytest.raises(ValueError, match="heartbeat"):
        EventStream([], heartbeat=heartbeat)


def test_what_is_no_generator_is_refused() -> None:
    def forgotten() -> Iterator[str]:
        yield "a"

    for wrong in (forgotten, "text", b"bytes", {"a": 1}, 5, None):
        with pytest.raises(TypeError, match="generator of events"):
            EventStream(t.cast("t.Any", wrong))
    with pytest.raises(TypeError, match="not called"):
        EventStream(t.cast("t.Any", forgotten))


def test_a_sync_generator_is_iterated_on_the_servers_thread() -> None:
    threads = []
    closed = []

    def items() -> Iterator[t.Any]:
        try:
            for item in ("a", None, {"b": 1}):
                threads.append(threading.get_ident())
                yield item
        finally:
            closed.append(1)

    stream = EventStream(items(), retry=500)
    assert b"".join(stream.response) == b'retry: 500\n\ndata: a\n\n: ping\n\ndata: {"b": 1}\n\n'  # type: ignore[arg-type]
    assert set(threads) == {threading.get_ident()}
    abandoned = items()
    stream = EventStream(abandoned)
    chunks = iter(stream.response)
    assert [next(chunks), next(chunks)] == [OPENING, b"data: a\n\n"]
    stream.close()
    stream.close()
    assert closed == [1, 1]


def test_a_list_of_events_is_a_stream_too() -> None:
    assert list(EventStream(["a"]).response) == [OPENING, b"data: a\n\n"]


def test_an_async_generator_is_pulled_only_as_far_as_it_is_read() -> None:
    made = []

    async def items() -> AsyncIterator[str]:
        for n in range(100):
            made.append(n)
            yield str(n)

    async def main() -> None:
        assert await collect(EventStream(items()), 3) == [OPENING, b"data: 0\n\n", b"data: 1\n\n"]
        assert made == [0, 1]
        assert len(await collect(EventStream(items(), heartbeat=None))) == 101

    asyncio.run(main())


def test_the_headers_are_followed_by_a_byte_before_the_first_event() -> None:
    async def silent() -> AsyncIterator[str]:
        await asyncio.sleep(60)
        yield "never"

    async def main() -> None:
        assert await asyncio.wait_for(collect(EventStream(silent()), 1), 5) == [OPENING]

    asyncio.run(main())


def test_heartbeats_do_not_disturb_the_generator() -> None:
    tasks = set()

    async def items() -> AsyncIterator[str]:
        async with asyncio.timeout(30):  # NOTE: held across a yield: only within one task.
            for n in range(3):
                tasks.add(asyncio.current_task())
                await asyncio.sleep(0.03)
                yield str(n)

    async def main() -> list[bytes]:
        return await collect(EventStream(items(), heartbeat=0.005))

    chunks = asyncio.run(main())
    assert [chunk for chunk in chunks if chunk.startswith(b"data")] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert chunks[1] == PING
    assert chunks.count(PING) >= 3
    assert len(tasks) == 1


@pytest.mark.usefixtures("over_asgi")
def test_a_sync_generator_has_heartbeats_under_asgi() -> None:
    release = threading.Event()
    threads = set()

    def items() -> Iterator[str]:
        threads.add(threading.get_ident())
        release.wait(5)
        yield "a"
        threads.add(threading.get_ident())
        yield "b"

    async def main() -> list[bytes]:
        stream = EventStream(items(), heartbeat=0.01)
        body: t.Any = stream.response
        chunks = [await anext(body) for _ in range(3)]
        release.set()
        chunks += [chunk async for chunk in body]
        await body.aclose()
        return chunks

    chunks = asyncio.run(main())
    assert chunks[:3] == [OPENING, PING, PING]
    assert [chunk for chunk in chunks[3:] if chunk != PING] == [b"data: a\n\n", b"data: b\n\n"]
    assert threading.get_ident() not in threads


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.mark.usefixtures("over_asgi")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_generator_keeps_the_context_of_its_view(kind: str) -> None:
    def items() -> Iterator[str]:
        yield variable.get()
        variable.set("generator")
        yield variable.get()

    async def items_async() -> AsyncIterator[str]:
        for item in items():
            yield item

    async def main() -> list[bytes]:
        variable.set("view")
        stream = EventStream(items() if kind == "sync" else items_async())
        variable.set("elsewhere")
        return await collect(stream)

    assert asyncio.run(main())[1:] == [b"data: view\n\n", b"data: generator\n\n"]


Ledger = list[str]


def sync_items(ledger: Ledger, wait: t.Any) -> Iterator[str]:
    try:
        yield "a"
        wait.wait(5)
        yield "b"
    except BaseException as exc:
        ledger.append(type(exc).__name__)
        raise
    finally:
        ledger.append("closed")


async def async_items(ledger: Ledger, wait: t.Any) -> AsyncIterator[str]:
    try:
        yield "a"
        await asyncio.sleep(5)
        yield "b"
    except BaseException as exc:
        ledger.append(type(exc).__name__)
        raise
    finally:
        ledger.append("closed")


@pytest.mark.usefixtures("over_asgi")
@pytest.mark.parametrize("make", [sync_items, async_items])
def test_a_stream_that_is_given_up_at_a_yield_is_closed_once(make: Callable[..., t.Any]) -> None:
    ledger: Ledger = []

    async def main() -> None:
        body: t.Any = EventStream(make(ledger, threading.Event())).response
        assert [await anext(body), await anext(body)] == [OPENING, b"data: a\n\n"]
        assert ledger == []
        await body.aclose()
        await body.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(body)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert ledger[-1] == "closed"
    assert ledger.count("closed") == 1
    assert ledger[0] in {"GeneratorExit", "CancelledError"}


def test_an_async_generator_that_waits_is_cancelled_there() -> None:
    ledger: Ledger = []

    async def main() -> None:
        body: t.Any = EventStream(async_items(ledger, None), heartbeat=0.01).response
        assert [await anext(body) for _ in range(3)] == [OPENING, b"data: a\n\n", PING]
        await body.aclose()

    asyncio.run(main())
    assert ledger == ["CancelledError", "closed"]


@pytest.mark.usefixtures("over_asgi")
def test_a_sync_generator_that_waits_is_closed_when_it_yields() -> None:
    ledger: Ledger = []
    wait = threading.Event()

    async def main() -> None:
        body: t.Any = EventStream(sync_items(ledger, wait), heartbeat=0.01).response
        assert [await anext(body) for _ in range(3)] == [OPENING, b"data: a\n\n", PING]
        closing = asyncio.ensure_future(body.aclose())
        await asyncio.sleep(0.02)
        assert not closing.done()
        assert ledger == []
        wait.set()
        await closing

    asyncio.run(main())
    assert ledger == ["GeneratorExit", "closed"]


@pytest.mark.usefixtures("over_asgi")
@pytest.mark.parametrize("make", [sync_items, async_items])
def test_a_reader_that_is_cancelled_loses_nothing(make: Callable[..., t.Any]) -> None:
    wait = threading.Event()

    async def main() -> list[bytes]:
        body: t.Any = EventStream(make([], wait)).response
        chunks = [await anext(body), await anext(body)]
        reading = asyncio.ensure_future(anext(body))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        wait.set()
        if make is sync_items:
            chunks.append(await anext(body))
        await body.aclose()
        return chunks

    assert asyncio.run(main())[:2] == [OPENING, b"data: a\n\n"]


@pytest.mark.usefixtures("over_asgi")
@pytest.mark.parametrize("make", [sync_items, async_items])
def test_a_stream_that_never_began_is_closed(make: Callable[..., t.Any]) -> None:
    async def main() -> None:
        generator = make([], None)
        body: t.Any = EventStream(generator).response
        await body.aclose()
        assert getattr(generator, "gi_frame", None) is None
        assert getattr(generator, "ag_frame", None) is None

    asyncio.run(main())


@pytest.mark.usefixtures("over_asgi")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("wrong", ["raises", "yields"])
def test_an_error_reaches_the_reader_and_the_generator_is_closed(kind: str, wrong: str) -> None:
    ledger: Ledger = []

    def items() -> Generator[t.Any, None, None]:
        try:
            yield "a"
            if wrong == "raises":
                raise LookupError("mine")
            yield object()
        finally:
            ledger.append("closed")

    async def items_async() -> AsyncIterator[t.Any]:
        generator = items()
        try:
            for item in generator:
                yield item
        finally:
            generator.close()

    async def main() -> None:
        body: t.Any = EventStream(items() if kind == "sync" else items_async()).response
        chunks = [await anext(body), await anext(body)]
        assert chunks == [OPENING, b"data: a\n\n"]
        with pytest.raises(LookupError if wrong == "raises" else TypeError):
            await anext(body)
        await body.aclose()

    asyncio.run(main())
    assert ledger == ["closed"]


def test_an_error_while_closing_is_raised() -> None:
    async def items() -> AsyncIterator[str]:
        try:
            yield "a"
        finally:
            raise LookupError("on the way out")

    async def main() -> None:
        body: t.Any = EventStream(items()).response
        await anext(body)
        await anext(body)
        with pytest.raises(LookupError, match="on the way out"):
            await body.aclose()

    asyncio.run(main())


def test_a_generator_that_ignores_its_cancellation_is_closed_at_its_next_yield() -> None:
    ledger: Ledger = []

    async def items() -> AsyncIterator[str]:
        try:
            while True:
                try:
                    await asyncio.sleep(5)
                except asyncio.CancelledError:
                    ledger.append("ignored")
                yield "still here"
        finally:
            ledger.append("closed")

    async def main() -> None:
        body: t.Any = EventStream(items(), heartbeat=0.01).response
        assert [await anext(body), await anext(body)] == [OPENING, PING]
        await asyncio.wait_for(body.aclose(), 5)

    asyncio.run(main())
    assert ledger == ["ignored", "closed"]


@pytest.mark.parametrize(
    ("sent", "expected"), [(None, None), ("", None), ("7", "7"), ("\xe2\x82\xac", "\u20ac"), ("\xff", "\ufffd")]
)
def test_last_event_id(sent: str | None, expected: str | None) -> None:
    headers = [] if sent is None else [(b"last-event-id", sent.encode("latin-1"))]
    asked = Request.from_scope({"type": "http", "method": "GET", "path": "/", "headers": headers})
    token = current.set(t.cast("t.Any", SimpleNamespace(request=asked)))
    try:
        assert last_event_id() == expected
    finally:
        current.reset(token)


# -- through both protocols ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_view_answers_with_a_stream(app: Kolben, client: KolbenClient, kind: str) -> None:
    from kolben import g, request

    @app.get("/sync")
    def sync_view() -> EventStream:
        def items() -> Iterator[t.Any]:
            yield Event(request.args["q"], event="q", id=1)
            yield {"g": g.value}

        g.value = 5
        return EventStream(items())

    @app.get("/async")
    async def async_view() -> EventStream:
        async def items() -> AsyncIterator[t.Any]:
            await asyncio.sleep(0.001)
            yield Event(request.args["q"], event="q", id=1)
            yield {"g": g.value}

        g.value = 5
        return EventStream(items())

    @app.after_request
    def stamp(response: Response) -> Response:
        response.headers["X-Stamp"] = "1"
        return response

    response = client.get(f"/{kind}?q=a")
    assert response.content_type == "text/event-stream; charset=utf-8"
    assert response.headers["X-Stamp"] == "1"
    assert browser(response.data)[0] == ("q", "a", "1")
    assert json.loads(browser(response.data)[1][1]) == {"g": 5}


def test_the_doctests_hold() -> None:
    import doctest

    assert doctest.testmod(sse).failed == 0
