"""The form in a body: fields and files, whichever content type they come in."""

from __future__ import annotations

import asyncio
import io
import pathlib
import typing as t

import pytest
from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge

from kolben.http.body import SPOOL_SIZE, InputBody, ReceivedBody
from kolben.http.forms import (
    Files,
    Form,
    MalformedForm,
    MultipartReader,
    UploadedFile,
    default_stream_factory,
    parse_form,
)
from kolben.http.multipart import Data, Event, Field, File, encode

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=boundary"


def form_of(*events: Event) -> bytes:
    return encode(events, b"boundary")


def parse(data: bytes, content_type: str | None = MULTIPART, **options: t.Any) -> tuple[Form, Files]:
    return parse_form(ReceivedBody.of(data), content_type, **options)


class Recorder:
    """A stream factory that remembers what it was asked, and the files it made."""

    def __init__(self, kind: type[io.BytesIO] = io.BytesIO) -> None:
        self.kind = kind
        self.asked: list[dict[str, t.Any]] = []
        self.files: list[io.BytesIO] = []

    def __call__(self, **asked: t.Any) -> t.IO[bytes]:
        self.asked.append(asked)
        self.files.append(self.kind())
        return self.files[-1]


def test_an_urlencoded_form() -> None:
    form, files = parse(b"name=Ada&like=tea&like=c%C3%A4ke+now", URLENCODED)

    assert form == ImmutableMultiDict([("name", "Ada"), ("like", "tea"), ("like", "cäke now")])
    assert list(form.items(multi=True)) == [("name", "Ada"), ("like", "tea"), ("like", "cäke now")]
    assert not files


def test_a_multipart_form() -> None:
    form, files = parse(
        form_of(
            Field("name"),
            Data("Adä".encode(), False),
            File("photo", "me.png", (("Content-Type", "image/png"), ("Content-Length", "3"))),
            Data(b"\x89PN", False),
            Field("name"),
            Data(b"Bob", False),
        )
    )

    assert form.getlist("name") == ["Adä", "Bob"]
    photo = files["photo"]
    assert isinstance(photo, FileStorage)
    assert (photo.name, photo.filename, photo.content_type, photo.content_length) == ("photo", "me.png", "image/png", 3)
    assert photo.read() == b"\x89PN"
    photo.close()


@pytest.mark.parametrize(
    "content_type",
    [
        "MULTIPART/Form-Data; boundary=boundary",
        'multipart/form-data;BOUNDARY="boundary"',
        "multipart/form-data ; charset=utf-8; boundary=boundary;",
    ],
)
def test_the_content_type_is_matched_in_any_case(content_type: str) -> None:
    assert parse(form_of(Field("a"), Data(b"1", False)), content_type)[0].to_dict() == {"a": "1"}
    assert parse(b"a=1", "Application/X-WWW-Form-URLEncoded ;charset=utf-8")[0].to_dict() == {"a": "1"}


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/json", "multipart/mixed; boundary=b", "x"]
)
def test_another_content_type_is_no_form_and_is_not_read(content_type: str | None) -> None:
    body = ReceivedBody.of(b"a=1")

    form, files = parse_form(body, content_type)

    assert (type(form), type(files), len(form), len(files)) == (Form, Files, 0, 0)
    assert body.read_all() == b"a=1"


def test_awaiting_a_form_gives_the_same_object() -> None:
    form, files = parse(b"a=1", URLENCODED)

    async def scenario() -> tuple[Form, Files]:
        return await form, await files

    assert all(awaited is plain for awaited, plain in zip(asyncio.run(scenario()), (form, files), strict=True))


def test_forms_are_immutable() -> None:
    form, files = parse(b"a=1", URLENCODED)
    for mapping in (form, files):
        assert isinstance(mapping, ImmutableMultiDict)
        with pytest.raises(TypeError, match="immutable"):
            mapping["a"] = "2"


def test_a_file_input_left_empty_is_a_file_without_a_name() -> None:
    files = parse(form_of(File("photo", "", (("Content-Type", "application/octet-stream"),)), Data(b"", False)))[1]

    assert files["photo"].filename == ""
    assert not files["photo"]
    files["photo"].close()


def test_a_large_upload_goes_to_a_temporary_file_and_back() -> None:
    content = bytes(range(256)) * 4_000
    data = form_of(File("a", "a.bin"), Data(content, False), Field("b"), Data(b"2", False))

    form, files = parse_form(InputBody(io.BytesIO(data), len(data)), MULTIPART)

    assert form["b"] == "2"
    assert files["a"].read() == content
    assert files["a"].stream.fileno() > 0
    files["a"].close()


def test_a_file_stays_in_memory_where_the_whole_body_fits() -> None:
    for total, kind in ((None, io.IOBase), (SPOOL_SIZE + 1, io.IOBase), (SPOOL_SIZE, io.BytesIO)):
        with default_stream_factory(total, None, None) as stream:
            assert isinstance(stream, kind)
            assert isinstance(stream, io.BytesIO) is (total == SPOOL_SIZE)


def test_the_stream_factory_is_asked_as_werkzeug_asks_it() -> None:
    factory = Recorder()
    headers = (("content-type", "text/x"), ("CONTENT-LENGTH", "3"))
    signed = (("Content-Length", "+1"),)
    data = form_of(File("a", "f", headers), Data(b"123", False), File("b", "g", signed), Data(b"x", False))

    files = parse(data, stream_factory=factory)[1]

    total = len(data)
    assert factory.asked == [
        {"total_content_length": total, "content_type": "text/x", "filename": "f", "content_length": 3},
        {"total_content_length": total, "content_type": None, "filename": "g", "content_length": 0},
    ]
    assert [file.stream for file in files.values()] == factory.files
    assert [file.read() for file in files.values()] == [b"123", b"x"]


def test_a_stream_of_the_users_making_is_given_bytes() -> None:
    class OnlyBytes(io.BytesIO):
        def write(self, data: t.Any, /) -> int:
            assert type(data) is bytes
            return super().write(data)

    content = b"x" * 100_000

    files = parse(form_of(File("a", "f"), Data(content, False)), stream_factory=Recorder(OnlyBytes))[1]

    assert files["a"].read() == content


def test_a_reader_may_be_fed_from_anywhere() -> None:
    data = form_of(Field("a"), Data(b"1" * 10_000, False), File("f", "g"), Data(b"2" * 10_000, False))
    reader = MultipartReader(MULTIPART)
    for at in range(0, len(data), 777):
        reader.feed(data[at : at + 777])

    form, files = reader.finish()

    assert form["a"] == "1" * 10_000
    assert files["f"].read() == b"2" * 10_000
    files["f"].close()


# What is not the form it should be.


@pytest.mark.parametrize(
    ("data", "content_type", "reason"),
    [
        (b"a=\xff", URLENCODED, "not valid UTF-8"),
        (b"a=%ff", URLENCODED, 'escapes of "%ff" are not valid UTF-8'),
        (b"", MULTIPART, "cut off"),
        (form_of(Field("a"), Data(b"1", False))[:-10], MULTIPART, "in part 1.*cut off"),
        (form_of(Field("a"), Data(b"1", False)), "multipart/form-data; boundary=other", "without one part"),
        (form_of(Field("a"), Data(b"1", False)), "multipart/form-data", "boundary .* is missing"),
        (b"", "multipart/form-data; boundary=" + "x" * 101, "longer than 100 bytes"),
        (b"", "multipart/form-data; boundary=ü", "invalid character"),
        (b"", "multipart/form-data; boundary=a; boundary=b", 'parameter "boundary" twice'),
        (b"", 'multipart/form-data; boundary="a', "malformed parameter"),
        (form_of(Field("a"), Data(b"\xff", False)), MULTIPART, 'field "a" is not valid UTF-8'),
        (form_of(Field("a"), Data(b"\xff" * 9999, False)), MULTIPART, 'field "a" is not valid UTF-8'),
    ],
)
def test_a_malformed_form_is_a_bad_request_with_the_reason(data: bytes, content_type: str, reason: str) -> None:
    with pytest.raises(MalformedForm, match=reason) as caught:
        parse(data, content_type)
    assert isinstance(caught.value, BadRequest)


def test_a_field_may_declare_one_of_three_charsets() -> None:
    def field(content: bytes, charset: str) -> str:
        return parse(form_of(Field("a", (("Content-Type", f"text/plain; charset={charset}"),)), Data(content, False)))[
            0
        ]["a"]

    assert field(b"\xfc", "ISO-8859-1") == "ü"
    assert field("ü".encode(), "utf-8") == "ü"
    assert field("ü".encode(), "unknown") == "ü"
    with pytest.raises(MalformedForm):
        field("ü".encode(), "us-ascii")
    assert parse(form_of(Field("a", (("X-Y", "z"),)), Data("ü".encode(), False)))[0]["a"] == "ü"


@pytest.mark.parametrize("cut", [5, 90, 150])
def test_every_file_is_closed_when_the_form_fails(cut: int) -> None:
    factory = Recorder()
    data = form_of(File("a", "f"), Data(b"1" * 50, False), File("b", "g"), Data(b"2" * 50, False))

    with pytest.raises(MalformedForm):
        parse(data[:-cut], stream_factory=factory)

    assert factory.files
    assert all(file.closed for file in factory.files)


def test_every_file_is_closed_when_its_storage_fails() -> None:
    class Full(io.BytesIO):
        def write(self, data: t.Any, /) -> int:
            raise OSError("No space left on device")

    factory = Recorder(Full)

    with pytest.raises(OSError, match="No space"):
        parse(form_of(File("a", "f"), Data(b"1", False)), stream_factory=factory)
    assert factory.files[0].closed


def test_a_value_error_of_the_users_storage_is_not_a_bad_request() -> None:
    def factory(**asked: t.Any) -> t.IO[bytes]:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        parse(form_of(File("a", "f"), Data(b"1", False)), stream_factory=factory)


def test_what_the_body_raises_is_passed_on() -> None:
    for content_type in (URLENCODED, MULTIPART):
        with pytest.raises(ClientDisconnected):
            parse_form(InputBody(io.BytesIO(b"a=1"), 10), content_type)
        with pytest.raises(RequestEntityTooLarge, match="MAX_CONTENT_LENGTH"):
            parse_form(InputBody(io.BytesIO(b"a=1"), 10, limit=5), content_type)


# Limits.


def test_no_limits() -> None:
    many = b"&".join([b"a=" + b"x" * 500] * 1500)
    form, _ = parse(many, URLENCODED, max_form_memory_size=None, max_form_parts=None)
    assert len(form.getlist("a")) == 1500

    events = [event for _ in range(1500) for event in (Field("a"), Data(b"x" * 500, False))]
    form, _ = parse(form_of(*events), max_form_memory_size=None, max_form_parts=None)
    assert len(form.getlist("a")) == 1500


@pytest.mark.parametrize("length", ["declared", "undeclared"])
@pytest.mark.parametrize(
    ("data", "content_type"), [(b"abc=12345678", URLENCODED), (form_of(Field("abc"), Data(b"1" * 9, False)), MULTIPART)]
)
def test_the_memory_of_fields_is_limited(data: bytes, content_type: str, length: str) -> None:
    def body() -> InputBody:
        return InputBody(io.BytesIO(data), len(data) if length == "declared" else None, input_terminated=True)

    assert parse_form(body(), content_type, max_form_memory_size=12)[0]["abc"]
    with pytest.raises(RequestEntityTooLarge, match=r"11 bytes.*'MAX_FORM_MEMORY_SIZE'"):
        parse_form(body(), content_type, max_form_memory_size=11)


def test_the_headers_of_a_part_are_limited() -> None:
    data = form_of(Field("a", (("X-Y", "z" * 100), ("X-Z", "1"))), Data(b"1", False))

    assert parse(data, max_part_headers=3, max_part_header_size=200)[0]["a"] == "1"
    with pytest.raises(RequestEntityTooLarge, match=r"2 headers.*'MAX_FORM_PART_HEADERS'"):
        parse(data, max_part_headers=2)
    with pytest.raises(RequestEntityTooLarge, match=r"99 bytes.*'MAX_FORM_PART_HEADER_SIZE'"):
        parse(data, max_part_header_size=99)


# Saving.


def test_save_to_a_path_and_to_a_file(tmp_path: pathlib.Path) -> None:
    file = UploadedFile(io.BytesIO(b"data"), "a.txt")
    file.save(tmp_path / "a.txt")
    file.seek(0)
    target = io.BytesIO()
    file.save(target, buffer_size=1)

    assert (tmp_path / "a.txt").read_bytes() == target.getvalue() == b"data"


def test_save_under_a_folder_that_the_browser_sent(tmp_path: pathlib.Path) -> None:
    (tmp_path / "photos").mkdir()
    UploadedFile(io.BytesIO(b"data"), "photos/me..png").save(tmp_path / "photos/me..png")

    assert (tmp_path / "photos" / "me..png").read_bytes() == b"data"


def test_save_under_a_name_of_ones_own_whatever_the_client_sent(tmp_path: pathlib.Path) -> None:
    UploadedFile(io.BytesIO(b"data"), "../evil").save(str(tmp_path / "upload"))

    assert (tmp_path / "upload").read_bytes() == b"data"
