"""Hostile bodies, at the level of the modules that read them; the classes of docs/security.md that can be met there."""

from __future__ import annotations

import io
import logging
import os
import pathlib
import sys
import threading
import tracemalloc
import types
import typing as t

import pytest
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from kolben.http import multipart
from kolben.http.body import CHUNK_SIZE, SPOOL_SIZE, InputBody, ReceivedBody
from kolben.http.forms import MalformedForm, UploadedFile, parse_form
from kolben.http.head import parse_content_length
from kolben.http.multipart import NEED_DATA, File, MultipartError, MultipartParser
from kolben.http.urlencoded import parse_query

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nx\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="g"\r\n\r\nx\r\n'
OPEN_FIELD = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'


class Endless:
    """A `wsgi.input` of a client that starts with `start`, then repeats `unit` as long as somebody reads."""

    def __init__(self, start: bytes, unit: bytes) -> None:
        self.start = start
        self.unit = unit * (CHUNK_SIZE // len(unit) + 1)
        self.taken = 0

    def read(self, size: int, /) -> bytes:
        data = (self.start + self.unit)[:size]
        self.start = b""
        self.taken += len(data)
        return data


def endless(start: bytes, unit: bytes, limit: int | None = None) -> tuple[Endless, InputBody]:
    source = Endless(start, unit)
    return source, InputBody(t.cast("io.BytesIO", source), None, input_terminated=True, limit=limit)


# S8: many parts, many fields, big fields.


@pytest.mark.parametrize("unit", [FIELD, FILE])
def test_s8_too_many_parts_are_refused_with_the_first_one_too_many(unit: bytes) -> None:
    opened: list[io.BytesIO] = []

    def factory(*args: t.Any, **asked: t.Any) -> t.IO[bytes]:
        opened.append(io.BytesIO())
        return opened[-1]

    source, body = endless(b"", unit)
    with pytest.raises(RequestEntityTooLarge, match=r"more than 1000 .*'MAX_FORM_PARTS'"):
        parse_form(body, MULTIPART, stream_factory=factory)

    assert source.taken <= 1001 * len(unit) + CHUNK_SIZE
    assert len(opened) == (1000 if unit is FILE else 0)
    assert all(file.closed for file in opened)


@pytest.mark.parametrize("query", ["a&" * 1_000_000, "&" * 1_000_000, "a=%41&" * 1_000_000])
def test_s8_a_million_fields_are_counted_before_the_first_is_read(query: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(RequestEntityTooLarge, match="'MAX_FORM_PARTS'"):
            parse_query(query, 1000)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_s8_one_field_without_end_is_refused_at_the_limit() -> None:
    source, body = endless(OPEN_FIELD, b"x")
    with pytest.raises(RequestEntityTooLarge, match="'MAX_FORM_MEMORY_SIZE'"):
        parse_form(body, MULTIPART)

    assert source.taken <= 500_000 + 2 * CHUNK_SIZE


def test_s8_the_headers_of_a_part_without_end_are_refused() -> None:
    source, body = endless(b"--b\r\n", b"X-Y: z\r\n")
    with pytest.raises(RequestEntityTooLarge, match="8192 bytes"):
        parse_form(body, MULTIPART)

    assert source.taken <= CHUNK_SIZE


# S9: limits for every content type.


@pytest.mark.parametrize(
    ("content_type", "start"),
    [(URLENCODED, b"f="), (MULTIPART, OPEN_FIELD), (MULTIPART, OPEN_FIELD.replace(b'"f"', b'"f"; filename="g"'))],
)
def test_s9_the_limit_of_the_body_holds_for_every_kind_of_form(content_type: str, start: bytes) -> None:
    source, body = endless(start, b"x", limit=1_000_000)
    with pytest.raises(RequestEntityTooLarge, match=r"1000000 bytes.*'MAX_CONTENT_LENGTH'"):
        parse_form(body, content_type, max_form_memory_size=None)

    assert source.taken == 1_000_001


@pytest.mark.parametrize(
    ("content_type", "start", "most"),
    [(URLENCODED, b"f=", 500_001), (MULTIPART, OPEN_FIELD, 500_000 + 2 * CHUNK_SIZE)],
)
def test_s9_the_limit_of_memory_holds_for_every_kind_of_form(content_type: str, start: bytes, most: int) -> None:
    source, body = endless(start, b"x")
    with pytest.raises(RequestEntityTooLarge, match="'MAX_FORM_MEMORY_SIZE'"):
        parse_form(body, content_type)

    assert source.taken <= most


@pytest.mark.parametrize("read", [InputBody.read_all, lambda body: body.stream().readline()])
def test_s9_the_limit_of_the_body_holds_for_what_is_not_a_form(read: t.Callable[[InputBody], bytes]) -> None:
    source, body = endless(b"", b"x", limit=300_000)
    source.readline = source.read  # type: ignore[attr-defined]  # a line without end
    with pytest.raises(RequestEntityTooLarge, match="'MAX_CONTENT_LENGTH'"):
        read(body)

    assert source.taken == 300_001


# S10: a limit that begins anew with each field.


@pytest.mark.parametrize("content", [b"x" * 400_000, b"x" * 10_000])
def test_s10_fields_below_the_limit_exceed_it_together(content: bytes) -> None:
    source, body = endless(b"", OPEN_FIELD + content + b"\r\n")
    with pytest.raises(RequestEntityTooLarge, match=r"together.*'MAX_FORM_MEMORY_SIZE'"):
        parse_form(body, MULTIPART)

    assert source.taken <= 500_000 + 2 * CHUNK_SIZE


def test_s10_names_count_as_well() -> None:
    _, body = endless(b"", OPEN_FIELD.replace(b"f", b"n" * 8000) + b"\r\n")
    with pytest.raises(RequestEntityTooLarge):
        parse_form(body, MULTIPART)


# S11: limits that trust Content-Length.


@pytest.mark.parametrize(
    "value",
    ["-1", "+5", "5 5", "5,5", "5.0", "0x5", "1_0", "٣", "²", "five", " ", "5;", str(2**63), str(2**64), "9" * 99],
)
def test_s11_a_content_length_that_is_no_length_is_a_bad_request(value: str) -> None:
    for header in (value, value.encode()):
        with pytest.raises(BadRequest, match="Content-Length"):
            parse_content_length(header)


def test_s11_an_understated_length_reads_no_further() -> None:
    source = io.BytesIO(b"12345GET /admin")

    assert InputBody(source, 5).read_all() == b"12345"
    assert source.tell() == 5


def test_s11_an_understated_length_of_what_arrives_is_a_bad_request() -> None:
    body = ReceivedBody(limit=10, content_length=5)
    body.feed(b"1234567")

    assert not body.wants_more
    with pytest.raises(BadRequest, match="longer than the 5 bytes"):
        body.read_all()


def test_s11_an_overstated_length_allocates_nothing_for_it() -> None:
    body = InputBody(io.BytesIO(b"123"), 2**62)
    tracemalloc.start()
    try:
        with pytest.raises(ClientDisconnected):
            body.read_all()
        assert tracemalloc.get_traced_memory()[1] < 2 * CHUNK_SIZE
    finally:
        tracemalloc.stop()


def test_s11_without_a_length_what_is_received_is_counted() -> None:
    body = ReceivedBody(limit=100)
    fed = 0
    while body.wants_more:
        body.feed(b"x" * 7)
        fed += 7

    assert fed == 105
    with pytest.raises(RequestEntityTooLarge):
        body.stream()


# S12: quadratic parsing.

BOUNDARIES = [b"b", b"----WebKitFormBoundary7MA4YWxkTrZu0gW", b"-" * 100]
DENSE = {
    "CR": b"\r",
    "LF": b"\n",
    "CR LF": b"\r\n",
    "dashes": b"-",
    "CR LF dashes": b"\r\n-",
    "text": b"x",
    "text and CR": b"xxxxxxxxxxxxxxxx\r",
}


class Counted(bytearray):
    """What the parser gathers headers in, told how far it is searched."""

    searched = 0

    def find(self, sub: t.Any, start: t.Any = 0, end: t.Any = None, /) -> int:
        Counted.searched += min(len(self), end) - start
        return super().find(sub, start, end)


def steps(chunks: list[bytes], boundary: bytes, **limits: t.Any) -> int:
    """What it takes to parse: Python calls, the bytes in which C functions search, and those that are carried over."""
    count = 0

    def profile(frame: types.FrameType, event: str, arg: t.Any) -> None:
        nonlocal count
        if event == "call":
            count += 1
        elif event == "c_call":
            owner = getattr(arg, "__self__", None)
            count += len(owner) if isinstance(owner, bytes) else 1

    parser = MultipartParser(boundary, **limits)
    Counted.searched = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multipart, "bytearray", Counted, raising=False)
        for chunk in chunks:
            carried = parser._buffer[parser._position :]
            sys.setprofile(profile)
            try:
                parser.receive_data(chunk)
                while parser.next_event() is not NEED_DATA:
                    pass
            except MultipartError:
                break
            finally:
                sys.setprofile(None)
            count += len(carried)
    return count + Counted.searched


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: f"{boundary[:1].decode()}{len(boundary)}")
@pytest.mark.parametrize("dense", DENSE)
@pytest.mark.parametrize("place", ["content", "preamble", "epilogue", "headers", "padding"])
def test_s12_parsing_is_linear_at_every_chunk_size(place: str, dense: str, boundary: bytes) -> None:
    opening = b'--%s\r\nContent-Disposition: form-data; name="f"; filename="g"\r\n\r\n' % boundary
    around = {
        "content": (opening, b"\r\n--%s--" % boundary),
        "preamble": (b"", b"\r\n" + opening + b"\r\n--%s--" % boundary),
        "epilogue": (opening + b"\r\n--%s--" % boundary, b""),
        "headers": (b"--%s\r\n" % boundary, b""),
        "padding": (opening + b"\r\n--" + boundary + b" ", b"\r\n"),
    }
    before, after = around[place]
    unit = b" \t" if place == "padding" else DENSE[dense]

    def cost(size: int, chunk_size: int) -> int:
        chunks = cut(before + (unit * size)[:size] + after, chunk_size)
        return steps(chunks, boundary, max_part_header_size=1 << 30)

    for chunk_size, size in ((1, 2_000), (2, 3_000), (7, 5_000), (75, 10_000), (1000, 50_000), (1 << 30, 50_000)):
        once, twice = cost(size, chunk_size), cost(2 * size, chunk_size)
        assert twice / once < 2.3, f"chunks of {chunk_size}"


def test_s12_the_steps_see_what_is_quadratic() -> None:
    """The measure of the test above: a parser that keeps what it searched fails it."""

    def cost(size: int) -> int:
        return steps(cut(b"x" * size, 100), b"boundary")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MultipartParser, "_delimiter_start", lambda parser: parser._position)
        assert cost(20_000) / cost(10_000) > 3.5
    assert cost(20_000) / cost(10_000) < 2.3


@pytest.mark.parametrize("size", [1, 10, 100, 100_000])
def test_s12_no_more_is_kept_than_the_beginning_of_a_delimiter(size: int) -> None:
    boundary = b"b" * 100
    parser = MultipartParser(boundary)
    parser.receive_data(b"--%s\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\n" % boundary)
    assert isinstance(parser.next_event(), File)
    for chunk in cut((b"\r\n--" + b"b" * 99 + b"\r") * 1000, size):
        parser.receive_data(chunk)
        while parser.next_event() is not NEED_DATA:
            pass
        assert len(parser._buffer) - parser._position < 104


# S13: a line in the log for every malformed part.


def test_s13_a_hundred_thousand_malformed_parts_are_one_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = b"--b\r\nnonsense\r\n\r\n\r\n" * 100_000 + b"--b--"

    with pytest.raises(MalformedForm, match="Part 1 has a malformed header"):
        parse_form(ReceivedBody.of(data), MULTIPART)

    assert caplog.records == []


# S15: two parsers that read one form differently. The tables stand in tests/http/test_urlencoded.py, test_multipart.py.


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        (URLENCODED, b"user=guest;role=admin"),
        (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nguest;role=admin\r\n--b--'),
    ],
)
def test_s15_a_semicolon_separates_nothing(content_type: str, data: bytes) -> None:
    assert parse_form(ReceivedBody.of(data), content_type)[0].to_dict() == {"user": "guest;role=admin"}


def test_s15_a_part_is_not_hidden_behind_a_bare_line_feed() -> None:
    hidden = b'1\n--b\nContent-Disposition: form-data; name="role"\n\nadmin'
    form, _ = parse_form(ReceivedBody.of(OPEN_FIELD + hidden + b"\r\n--b--"), MULTIPART)

    assert form.to_dict() == {"f": hidden.decode()}


def test_s15_a_transfer_encoding_of_a_part_is_not_undone() -> None:
    data = FIELD.replace(b"\r\n\r\nx", b"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==") + b"--b--"

    assert parse_form(ReceivedBody.of(data), MULTIPART)[0]["f"] == "eA=="


# S17: many tiny chunks.


def test_s17_tiny_chunks_cost_a_call_each_and_no_memory() -> None:
    body = ReceivedBody(spool_size=1 << 20)
    tracemalloc.start()
    try:
        must_flush = [body.feed(chunk) for chunk in [b"xy", b"z"] * 50_000]
        held = tracemalloc.get_traced_memory()[0] - sys.getsizeof(must_flush)
    finally:
        tracemalloc.stop()

    assert not any(must_flush)
    assert held < 2 * body.size


def test_s17_tiny_chunks_are_written_to_disk_in_large_pieces() -> None:
    body = ReceivedBody(spool_size=SPOOL_SIZE)
    flushes = 0
    for _ in range(1_200_000):
        if body.feed(b"x"):
            body.flush()
            flushes += 1

    assert flushes == 1_200_000 // SPOOL_SIZE
    body.close()


def test_s17_no_more_than_so_many_large_bodies_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kolben.http.body.ROOMS", threading.Semaphore(2))
    chunk = b"x" * 100_000

    def received(chunks: int = 10) -> ReceivedBody:
        body = ReceivedBody()
        for _ in range(chunks):
            if body.feed(chunk):
                body.flush()
        body.complete()
        return body

    first, second, third = received(), received(), received()
    assert [body.is_in_memory for body in (first, second, third)] == [True, True, False]
    assert first.read_all() == third.read_all() == chunk * 10
    first.close()
    fourth = received(30)
    assert not fourth.is_in_memory  # NOTE: too large for a room, which it leaves.
    fourth.close()
    assert received().is_in_memory
    del second
    assert received().is_in_memory
    third.close()


# S23: the name of an upload as a path.


@pytest.mark.parametrize(
    "filename",
    ["../x", "a/../../x", "..", "/etc/cron.d/x", "\\x", "..\\x", "C:\\x", "c:x", "cod\u202egpj.exe", "a\u2066b"],
)
def test_s23_save_refuses_a_path_that_the_client_chose(filename: str, tmp_path: pathlib.Path) -> None:
    data = FILE.replace(b'"g"', f'"{filename}"'.encode()) + b"--b--"
    file = parse_form(ReceivedBody.of(data), MULTIPART)[1]["f"]
    before = list(tmp_path.iterdir())

    assert file.filename == filename
    for path in (os.path.join(tmp_path, filename), tmp_path / filename, f"{tmp_path}/{filename}", filename):
        with pytest.raises(BadRequest, match=r"secure_filename\(file.filename\)"):
            file.save(path)
    assert list(tmp_path.iterdir()) == before


@pytest.mark.parametrize("character", [b"\0", b"\r", b"\n", b"\x1b", b"\x7f"])
def test_s23_a_control_character_in_a_filename_is_malformed(character: bytes) -> None:
    data = FILE.replace(b'"g"', b'"x%s.png"' % character) + b"--b--"
    with pytest.raises(MalformedForm):
        parse_form(ReceivedBody.of(data), MULTIPART)
    with pytest.raises(BadRequest):
        UploadedFile(io.BytesIO(), "x\0.png").save("x\0.png")
