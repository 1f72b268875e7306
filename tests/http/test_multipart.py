"""The multipart parser and encoder, event by event."""

from __future__ import annotations

import dataclasses
import string
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header

from kolben.http.multipart import (
    END,
    NEED_DATA,
    Data,
    End,
    Event,
    Field,
    File,
    MultipartEncoder,
    MultipartError,
    MultipartParser,
    check_boundary,
    encode,
    parse_options,
)

B = b"boundary"


def parse(chunks: t.Iterable[bytes], boundary: bytes = B, **limits: int | None) -> list[Event]:
    """All events, the pieces of a part's content joined."""
    parser = MultipartParser(boundary, **t.cast("dict[str, t.Any]", limits))
    events: list[Event] = []
    for chunk in (*chunks, None):
        parser.receive_data(chunk)
        while (event := parser.next_event()) is not NEED_DATA:
            previous = events[-1] if events else None
            if isinstance(event, Data) and isinstance(previous, Data) and previous.more_data:
                events[-1] = Data(bytes(previous.data) + bytes(event.data), event.more_data)
            else:
                events.append(event)
    return events


def splits(body: bytes) -> t.Iterator[list[bytes]]:
    """`body` in one, cut in two at every place, and cut into pieces of each small size."""
    yield [body]
    yield from ([body[:at], body[at:]] for at in range(len(body)))
    yield from ([body[at : at + size] for at in range(0, len(body), size)] for size in range(1, 6))


def part(content: bytes, *headers: bytes, boundary: bytes = B) -> bytes:
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary, b"\r\n".join(headers), content)


def first_part(*headers: bytes) -> Event:
    return parse([part(b"x", *headers) + b"--boundary--"])[0]


def test_a_field_and_a_file_at_every_split() -> None:
    body = (
        b"--boundary\r\n"
        b'Content-Disposition: form-data; name="title"\r\n'
        b"\r\n"
        b"Gr\xc3\xbc\xc3\x9fe\r\n"
        b"--boundary\r\n"
        b'Content-Disposition: form-data; name="photo"; filename="me.png"\r\n'
        b"Content-Type: image/png\r\n"
        b"\r\n"
        b"\r\n--bound\r\r\n--\r\n-\r\n"
        b"--boundary--\r\n"
    )
    title = 'form-data; name="title"'
    photo = 'form-data; name="photo"; filename="me.png"'
    for chunks in splits(body):
        assert parse(chunks) == [
            Field("title", (("Content-Disposition", title),)),
            Data("Grüße".encode(), False),
            File("photo", "me.png", (("Content-Disposition", photo), ("Content-Type", "image/png"))),
            Data(b"\r\n--bound\r\r\n--\r\n-", False),
            End(),
        ]


def test_chunks_that_end_within_headers_and_between_parts() -> None:
    parts = [part(b"1", b"X-Long: " + b"x" * 200, b"Content-Disposition: form-data; name=a")]
    parts += [part(b"2", b"Content-Disposition: form-data; name=b"), b"--boundary--"]
    for at in range(len(parts[0])):
        chunks = [parts[0][:at], parts[0][at:], *parts[1:]]
        assert [event.name for event in parse(chunks) if isinstance(event, Field)] == ["a", "b"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b""), (b"preamble\r\n", b"\r\nepilogue"), (b"\r\n", b"\r\n"), (b"--\r\n--bound\r\n", b"\r\n--boundary\r\n")],
)
def test_preamble_and_epilogue_are_ignored_at_every_split(before: bytes, after: bytes) -> None:
    form = encode([Field("a"), Data(b"1", False)], B).removesuffix(b"\r\n")
    for chunks in splits(before + form + after):
        assert [type(event) for event in parse(chunks)] == [Field, Data, End]


def test_white_space_after_the_boundary_is_ignored_at_every_split() -> None:
    body = b"--boundary \t \r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--boundary\t\r\n"
    body += b"Content-Disposition: form-data; name=b\r\n\r\n2\r\n--boundary-- \r\n"
    for chunks in splits(body):
        assert [event.data for event in parse(chunks) if isinstance(event, Data)] == [b"1", b"2"]


def test_a_part_without_content_needs_no_line_break_of_its_own() -> None:
    body = b'--boundary\r\nContent-Disposition: form-data; name="a"\r\n\r\n--boundary--'
    for chunks in splits(body):
        assert [event.data for event in parse(chunks) if isinstance(event, Data)] == [b""]


def test_an_empty_form() -> None:
    for chunks in splits(b"--boundary--\r\n"):
        assert parse(chunks) == [END]


names = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", codec="utf-8"), max_size=8).filter(
    lambda name: "%22" not in name
)
contents = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"b", b"\r\n--", b"\r\n--b", b"x"]), max_size=8).map(b"".join)
parts = st.tuples(names, st.none() | names, contents)
boundaries = st.binary(min_size=1, max_size=100).map(
    lambda raw: bytes(string.ascii_letters.encode()[byte % 52] for byte in raw)
)


@given(st.lists(parts, max_size=4), boundaries, st.data())
@example([("a", None, b"")], b"b", None)
def test_what_the_encoder_writes_is_parsed_at_any_split(
    form: list[tuple[str, str | None, bytes]], boundary: bytes, data: st.DataObject | None
) -> None:
    events: list[Event] = []
    for name, filename, content in form:
        if b"\r\n--" + boundary in b"\r\n" + content:
            content = b""
        headers = (("X-Note", name.strip() or "ü"),)
        events += Field(name, headers) if filename is None else File(name, filename, headers), Data(content, False)
    body = encode(events, boundary)
    size = data.draw(st.integers(1, len(body))) if data else 1

    decoded = parse([body[at : at + size] for at in range(0, len(body), size)], boundary)

    assert decoded.pop() == END
    for event, original in zip(decoded, events, strict=True):
        if isinstance(event, (Field, File)):
            assert event.headers[0][0] == "Content-Disposition"
            event = dataclasses.replace(event, headers=event.headers[1:])
        assert event == original


@given(st.lists(st.sampled_from([b"\r\n", b"--", b"b", b"\r", b"x", b'C: a; name="c"', b": ", b" "]), max_size=30))
def test_any_input_gives_the_same_events_at_any_split(pieces: list[bytes]) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"".join(pieces)
    outcomes = set()
    for size in (1, 2, 3, 5, len(body)):
        try:
            events = parse([body[at : at + size] for at in range(0, len(body), size)], b"b")
        except MultipartError:
            outcomes.add("malformed")
        else:
            outcomes.add(str([(type(e), bytes(e.data) if isinstance(e, Data) else e) for e in events]))

    assert len(outcomes) == 1


@given(st.binary(max_size=300), st.integers(1, 20))
def test_hostile_bytes_raise_nothing_else(data: bytes, size: int) -> None:
    body = b"--b\r\n" + data
    try:
        parse([body[at : at + size] for at in range(0, len(body), size)], b"b")
    except MultipartError:
        pass


def test_large_content_is_not_copied() -> None:
    chunk = b"x" * 100_000
    parser = MultipartParser(B)
    parser.receive_data(part(b"", b"Content-Disposition: form-data; name=a; filename=b").removesuffix(b"\r\n"))
    assert isinstance(parser.next_event(), File)
    assert parser.next_event() is NEED_DATA
    parser.receive_data(b"-" + chunk)
    first = parser.next_event()
    parser.receive_data(chunk)
    second = parser.next_event()

    assert isinstance(first, Data)
    assert isinstance(second, Data)
    assert isinstance(first.data, memoryview)
    assert first.data[:3].tobytes() == b"-xx"
    assert second.data is chunk


def test_events_are_immutable() -> None:
    with pytest.raises(AttributeError):
        Field("a").name = "b"  # type: ignore[misc]  # the point of the test
    assert not hasattr(Data(b"", False), "__dict__")


# The headers of a part.


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        (b'form-data; name="a"', "a", None),
        (b"form-data; name=a", "a", None),
        (b'FORM-DATA;NAME="a"', "a", None),
        (b'form-data ; name="a" ;', "a", None),
        (b'form-data; name=""', "", None),
        (b'form-data; name="a"; filename=""', "a", ""),
        (b'form-data; filename="f"; name="a"', "a", "f"),
        ('form-data; name="ü"; filename="€.txt"'.encode(), "ü", "€.txt"),
        ("form-data; name=ü; filename=€.txt".encode(), "ü", "€.txt"),
        (b'form-data; name="a;b=c"; filename="d; name=e"', "a;b=c", "d; name=e"),
        (b'form-data; name="say %22hi%22"', 'say "hi"', None),
        (b'form-data; name="100%"; filename="a%20b%0D%0A"', "100%", "a%20b%0D%0A"),
        (b'form-data; name="say \\"hi\\""', 'say "hi"', None),
        (b'form-data; name="a"; filename="C:\\dir\\me.png"', "a", "C:\\dir\\me.png"),
        (b'form-data; name="a"; filename="\\\\\\\\host\\\\x"', "a", "\\\\host\\x"),
        (b'form-data; name="a"; size=3; x-y="z"', "a", None),
    ],
)
def test_s15_content_disposition(disposition: bytes, name: str, filename: str | None) -> None:
    event = first_part(b"Content-Disposition: " + disposition)

    assert isinstance(event, Field if filename is None else File)
    assert event.name == name
    assert getattr(event, "filename", None) == filename


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="a"; name="b"',
        b'form-data; name="a"; NAME="a"',
        b'form-data; name="a"; filename="b"; filename=c',
        b'attachment; name="a"',
        b"form-data",
        b'form-data; filename="b"',
        b'form-data; name="a',
        b"form-data; name=",
        b'form-data; name="a" b',
        b"form-data; name=a b",
        b'form-data, name="a"',
        b'form-data; name="a\x00b"',
        b'form-data; name="a\nb"',
        b'form-data; name="a\rb"',
        b'form-data; name="\xff"',
    ],
)
def test_s15_a_content_disposition_that_can_be_read_in_two_ways_is_an_error(disposition: bytes) -> None:
    with pytest.raises(MultipartError, match=r"part 1|Part 1|parameter"):
        first_part(b"Content-Disposition: " + disposition)


def test_s15_an_extended_filename_never_names_the_file() -> None:
    sent = b"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''evil.php"

    event = first_part(sent + b'; filename="good.png"')
    assert isinstance(event, File)
    assert event.filename == "good.png"
    with pytest.raises(MultipartError, match="RFC 7578"):
        first_part(sent)


def test_s15_an_extended_or_continued_name_is_not_the_name() -> None:
    event = first_part(b"Content-Disposition: form-data; name*=UTF-8''b; name=\"a\"; name*0=c")

    assert isinstance(event, Field)
    assert event.name == "a"


def test_s15_header_names_are_of_any_case_and_order() -> None:
    event = first_part(b"CONTENT-type:text/plain", b"content-DISPOSITION:form-data; name=a", b"X-Y: \t z\t")

    assert event == Field(
        "a", (("CONTENT-type", "text/plain"), ("content-DISPOSITION", "form-data; name=a"), ("X-Y", "z"))
    )


def test_a_folded_header_is_one_line() -> None:
    event = first_part(b'Content-Disposition: form-data;\r\n\tname="a";\r\n  filename="b"')

    assert isinstance(event, File)
    assert (event.name, event.filename) == ("a", "b")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [b"Content-Type: text/plain"],
        [b"Content-Disposition: form-data; name=a", b"Content-Disposition: form-data; name=b"],
        [b"Content-Disposition : form-data; name=a"],
        [b"Content-Disposition"],
        [b": form-data; name=a"],
        [b"Content-Disposition: form-data; name=a", b"X-\xff: 1"],
        [b"Content-Disposition: form-data; name=a\nX-Y: 1"],
        [b"Content-Disposition: form-data; name=a", b"X Y: 1"],
    ],
)
def test_malformed_headers_of_a_part(headers: list[bytes]) -> None:
    with pytest.raises(MultipartError, match=r"[Pp]art 1"):
        first_part(*headers)


ordinary = st.text(st.characters(min_codepoint=32, exclude_characters='"\\\x7f', codec="utf-8"), max_size=10)


@given(ordinary, ordinary)
def test_names_are_read_as_werkzeug_reads_them(name: str, filename: str) -> None:
    value = f'form-data; name="{name}"; filename="{filename}"'

    assert parse_options(value) == parse_options_header(value)
    event = first_part(f"Content-Disposition: {value}".encode())
    assert isinstance(event, File)
    assert {"name": event.name, "filename": event.filename} == parse_options_header(value)[1]


# What is not a form.


@pytest.mark.parametrize("boundary", [b"", b"x" * 101, b"a ", b" a", b"a\r\nb", b"a\0", "ü".encode()])
def test_an_invalid_boundary(boundary: bytes) -> None:
    with pytest.raises(MultipartError, match="boundary"):
        MultipartParser(boundary)


@pytest.mark.parametrize("boundary", [b"x", b"x" * 100, b"a b", b"'()+_,-./:=?", b"----=_Part_1_2.3"])
def test_a_valid_boundary(boundary: bytes) -> None:
    assert check_boundary(boundary) is boundary
    assert len(parse([encode([Field("a"), Data(b"1", False)], boundary)], boundary)) == 3


def test_a_form_that_was_cut_off_anywhere() -> None:
    body = encode([Field("a"), Data(b"1", False), File("b", "c"), Data(b"2", False)], B).removesuffix(b"\r\n")
    for end in range(len(body)):
        with pytest.raises(MultipartError, match="cut off"):
            parse([body[:end]])


def test_a_form_of_another_boundary() -> None:
    with pytest.raises(MultipartError, match="without one part"):
        parse([encode([Field("a"), Data(b"1", False)], b"other")])


@pytest.mark.parametrize("line", [b"--boundaryX", b"--boundary X", b"--boundary --", b"--boundary-", b"--boundary\n"])
def test_a_line_that_begins_with_the_boundary_is_a_delimiter_or_an_error(line: bytes) -> None:
    body = part(b"1\r\n" + line, b"Content-Disposition: form-data; name=a") + b"--boundary--"
    for chunks in splits(body):
        with pytest.raises(MultipartError, match="not a delimiter"):
            parse(chunks)


def test_lines_that_end_in_lf_alone_are_not_a_form() -> None:
    with pytest.raises(MultipartError):
        parse([encode([Field("a"), Data(b"1", False)], B).replace(b"\r\n", b"\n")])


# Limits.


def fields(count: int, content: bytes = b"1") -> bytes:
    return encode([event for n in range(count) for event in (Field(f"{n:02}"), Data(content, False))], B)


def test_as_many_parts_as_allowed() -> None:
    assert len(parse([fields(3)], max_parts=3)) == 7
    with pytest.raises(RequestEntityTooLarge, match=r"more than 2 .*'MAX_FORM_PARTS'"):
        parse([fields(3)], max_parts=2)


def test_memory_counts_names_and_values_of_all_fields() -> None:
    assert len(parse([fields(10, b"x" * 8)], max_form_memory_size=100)) == 21
    for chunks in ([fields(10, b"x" * 8)], [fields(10, b"x" * 8)[at : at + 1] for at in range(2000)]):
        with pytest.raises(RequestEntityTooLarge, match=r"99 bytes together.*'MAX_FORM_MEMORY_SIZE'"):
            parse(chunks, max_form_memory_size=99)


def test_memory_does_not_count_files() -> None:
    assert len(parse([encode([File("a", "b"), Data(b"x" * 1000, False)], B)], max_form_memory_size=0)) == 3


def test_headers_of_a_part_are_limited_in_number() -> None:
    headers = [b"Content-Disposition: form-data; name=a", *(b"X-%d: 1" % n for n in range(7))]

    assert isinstance(first_part(*headers), Field)
    with pytest.raises(RequestEntityTooLarge, match="more than 8 headers"):
        first_part(*headers, b"X-8: 1")


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_headers_of_a_part_are_limited_in_size_before_their_end_is_seen(size: int) -> None:
    start = b"--boundary\r\nContent-Disposition: form-data; name="
    allowed = start + b"a" * (8192 - len(start) + len(b"--boundary\r\n"))
    for body, is_allowed in ((allowed, True), (allowed + b"a", False), (allowed + b"a" * 10_000, False)):
        whole = body + b"\r\n\r\n1\r\n--boundary--"
        for sent in (whole, body + b"a" * 4) if not is_allowed else (whole,):
            chunks = [sent[at : at + size] for at in range(0, len(sent), size)]
            if is_allowed:
                assert len(parse(chunks)) == 3
            else:
                with pytest.raises(RequestEntityTooLarge, match="8192 bytes"):
                    parse(chunks)


# The encoder.


@pytest.mark.parametrize(
    "events",
    [
        [Field("a"), Data(b"1\r\n--boundary", False)],
        [Field("a"), Data(b"1\r", True), Data(b"\n--bound", True), Data(b"ary2", False)],
        [Field("a"), Data(b"--boundary", False)],
        [Field("a\r\nb"), Data(b"", False)],
        [File("a", "\0"), Data(b"", False)],
        [Field("%22"), Data(b"", False)],
        [Field("a", (("X-Y", "1\r\nX-Z: 2"),)), Data(b"", False)],
        [Field("a", (("X Y", "1"),)), Data(b"", False)],
    ],
)
def test_the_encoder_refuses_what_a_form_cannot_say(events: list[Event]) -> None:
    with pytest.raises(ValueError, match=r"boundary|cannot"):
        encode(events, B)


def test_the_encoder_writes_as_browsers_do() -> None:
    encoder = MultipartEncoder(B)
    file = File('a"b', "c.txt", (("Content-Type", "text/plain"),))
    events: list[Event] = [file, Data(b"1", True), NEED_DATA, Data(b"2", False), END]

    assert b"".join(map(encoder.send_event, events)) == (
        b"--boundary\r\n"
        b'Content-Disposition: form-data; name="a%22b"; filename="c.txt"\r\n'
        b"Content-Type: text/plain\r\n"
        b"\r\n"
        b"12\r\n"
        b"--boundary--\r\n"
    )
