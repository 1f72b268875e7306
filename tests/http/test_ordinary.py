"""What the short way reads of a form is what the parser reads; what it cannot read, it leaves."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage

from kolben.http.body import ReceivedBody
from kolben.http.forms import MalformedForm, parse_form, read_parts
from kolben.http.multipart import MAX_PART_HEADER_SIZE, Data, Event, Field, File, encode

TYPE = "multipart/form-data; boundary=x1"
LIMITS: dict[str, t.Any] = {
    "max_form_memory_size": 500_000,
    "max_form_parts": 1000,
    "max_part_headers": 8,
    "max_part_header_size": MAX_PART_HEADER_SIZE,
}


def contents(files: t.Any) -> list[t.Any]:
    return [(n, f.filename, list(f.headers), f.read()) for n, f in files.items(multi=True)]


def slowly(body: bytes, **limits: t.Any) -> t.Any:
    form, files = parse_form(ReceivedBody.of(body), TYPE, **LIMITS | limits)
    return list(form.items(multi=True)), contents(files)


def quickly(body: bytes, **limits: t.Any) -> t.Any:
    parts = read_parts(body, TYPE, **LIMITS | limits)
    return None if parts is None else (list(parts[0].items(multi=True)), contents(parts[1]))


def written(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    events: list[Event] = []
    for name, filename, content in parts:
        if filename is None:
            events.append(Field(name))
        else:
            events.append(File(name, filename, (("Content-Type", "text/plain"),)))
        events.append(Data(content, False))
    return encode(events, b"x1")


def test_ordinary_forms_are_read() -> None:
    body = written([("a", None, b"1"), ("f", "n.txt", bytes(range(256))), ("a", None, b""), ("b", None, "ü".encode())])
    assert quickly(body) == slowly(body) is not None
    assert quickly(body)[0] == [("a", "1"), ("a", ""), ("b", "ü")]


@given(st.lists(st.tuples(st.sampled_from("abü"), st.none() | st.just("n.txt"), st.binary(max_size=20)), max_size=4))
def test_forms_are_read_as_the_parser_reads_them(parts: list[tuple[str, str | None, bytes]]) -> None:
    body = written(parts)
    quick = quickly(body)
    if quick is None:
        assert not parts or any(filename is None and not _is_text(content) for _, filename, content in parts)
    else:
        assert quick == slowly(body)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


PIECES = [
    b"--x1",
    b"\r\n",
    b"--",
    b"\r\n--x1",
    b'Content-Disposition: form-data; name="a"',
    b"\r\n\r\n",
    b"v",
    b"\r",
    b" ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_s16_what_is_read_quickly_is_read_the_same_slowly(pieces: list[bytes]) -> None:
    body = b'--x1\r\nContent-Disposition: form-data; name="a"\r\n' + b"".join(pieces)
    quick = quickly(body)
    if quick is not None:
        assert quick == slowly(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"preamble\r\n" + written([("a", None, b"1")]),
        written([("a", None, b"1")])[:-4],
        written([("a", None, b"1")]).replace(b"Content-Disposition", b"X-A: 1\r\nContent-Disposition"),
        written([("a", None, b"1")]).replace(b"--x1\r\n", b"--x1 \r\n"),
        written([("a", None, b"1")]).replace(b'"a"', b'"a"\r\nContent-Type: text/plain; charset=latin-1'),
    ],
)
def test_what_is_out_of_the_ordinary_is_left(body: bytes) -> None:
    assert quickly(body) is None


def test_s17_limits_are_left_to_the_parser() -> None:
    body = written([("a", None, b"1" * 100), ("b", None, b"2")])
    for limits in ({"max_form_parts": 1}, {"max_form_memory_size": 90}, {"max_part_header_size": 20}):
        assert quickly(body, **limits) is None
    assert quickly(body, max_part_headers=1) is None
    assert quickly(body, max_form_parts=2) == slowly(body)


def test_an_epilogue_is_ignored() -> None:
    body = written([("a", None, b"1")]) + b"more\r\n--x1\r\nand more"
    assert quickly(body) == slowly(body) is not None


def test_a_form_that_ends_early_is_an_error() -> None:
    body = written([("a", None, b"1")])[:-4]
    with pytest.raises(MalformedForm):
        slowly(body)


def test_files_are_those_of_werkzeug() -> None:
    parts = read_parts(written([("f", "n.txt", b"1")]), TYPE, **LIMITS)
    assert parts is not None
    assert isinstance(parts[1]["f"], FileStorage)
    assert parts[1]["f"].content_type == "text/plain"
