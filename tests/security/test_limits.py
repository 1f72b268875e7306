"""Bodies that are too much, through an application (S8 to S13, S15, S17, S31)."""

from __future__ import annotations

import itertools
import logging
import sys
import types
import typing as t

import pytest

from kolben import Kolben, request
from tests.security.raw import HOST, Raw
from tests.security.test_bodies import FIELD, FILE, MULTIPART, OPEN_FIELD, URLENCODED, cut

READS: dict[str, t.Callable[[], t.Any]] = {
    "form": lambda: request.form,
    "files": lambda: request.files,
    "data": lambda: request.get_data(),
    "json": lambda: request.get_json(force=True),
    "stream": lambda: request.stream.read(),
    "lines": lambda: list(request.stream),
}


class Taken:
    """A body of an endless kind that counts how much of it was taken."""

    def __init__(self, start: bytes, unit: bytes, chunk: int = 65536, most: int = 1 << 31) -> None:
        self.chunks = itertools.chain(
            [start], itertools.repeat((unit * (chunk // len(unit) + 1))[:chunk], most // chunk)
        )
        self.taken = 0

    def __iter__(self) -> t.Iterator[bytes]:
        for chunk in self.chunks:
            self.taken += len(chunk)
            yield chunk


def typed(content_type: str, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [HOST, (b"content-type", content_type.encode()), *more]


@pytest.fixture(params=["sync", "async"])
def reading(app: Kolben, request: pytest.FixtureRequest) -> list[str]:
    """An application that reads a body in each way, at `/<how>`; which ways succeeded."""
    done: list[str] = []

    def read(how: str) -> str:
        READS[how]()
        done.append(how)
        return how

    async def read_async(how: str) -> str:
        return read(how)

    app.add_url_rule("/<how>", view_func=read if request.param == "sync" else read_async, methods=["POST"])
    return done


# S8: many parts, fields, files.


@pytest.mark.parametrize(
    ("content_type", "unit", "setting"),
    [
        (MULTIPART, FIELD, b"MAX_FORM_PARTS"),
        (MULTIPART, FILE, b"MAX_FORM_PARTS"),
        (URLENCODED, b"a&", b"MAX_FORM_PARTS"),
        (URLENCODED, b"&", b"MAX_FORM_PARTS"),
    ],
)
def test_s8_a_hundred_thousand_parts_are_refused(
    raw: Raw, reading: list[str], content_type: str, unit: bytes, setting: bytes
) -> None:
    status, _, body = raw(b"/form", typed(content_type), method="POST", chunks=[unit * 100_000])

    assert (status, reading) == (413, [])
    assert setting in body or b"MAX_FORM_MEMORY_SIZE" in body


def test_s8_a_query_of_a_hundred_thousand_fields_is_refused(app: Kolben, raw: Raw) -> None:
    @app.get("/")
    def index() -> str:
        return str(len(request.args))

    assert raw(b"/?" + b"a&" * 100_000)[0] == 413
    assert raw(b"/?" + b"a=1&" * 999)[0] == 200


# S9, S10, S11: one limit for all that is read in whatever way, of whatever type, whatever its length is said to be.


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART, "application/json", "text/plain", "x/y", ""])
@pytest.mark.parametrize("how", READS)
def test_s9_the_limit_holds_for_every_type_and_every_way_to_read(
    app: Kolben, raw: Raw, reading: list[str], content_type: str, how: str
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 300_000
    start = {URLENCODED: b"f=", MULTIPART: OPEN_FIELD.replace(b'"f"', b'"f"; filename="g"')}.get(content_type, b'["')
    body = Taken(start, b"x")
    status, _, text = raw(b"/" + how.encode(), typed(content_type), method="POST", chunks=body)

    if how in {"form", "files"} and content_type not in {URLENCODED, MULTIPART}:
        # NOTE: there is no form to read. Under WSGI nothing of it is taken, otherwise no more than the limit.
        assert status == 200
    else:
        assert (status, reading) == (413, [])
        assert b"MAX_CONTENT_LENGTH" in text
    assert body.taken <= 300_000 + 2 * 65536 + len(start)


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART])
def test_s9_the_limit_of_memory_holds_for_every_kind_of_form(raw: Raw, reading: list[str], content_type: str) -> None:
    start = {URLENCODED: b"f=", MULTIPART: OPEN_FIELD}[content_type]
    status, _, text = raw(b"/form", typed(content_type), method="POST", chunks=[start, b"x" * 500_001])

    assert (status, reading) == (413, [])
    assert b"MAX_FORM_MEMORY_SIZE" in text


@pytest.mark.parametrize("how", ["form", "json", "data"])
def test_s9_a_limit_of_a_route_holds(app: Kolben, raw: Raw, how: str) -> None:
    @app.post("/small", max_content_length=10)
    def small() -> str:
        READS[how]()
        return "read"

    content_type = {"form": URLENCODED, "json": "application/json", "data": "x/y"}[how]
    assert raw(b"/small", typed(content_type), method="POST", chunks=[b'"12345678"'])[0] == 200
    assert raw(b"/small", typed(content_type), method="POST", chunks=[b'"123456789"'])[0] == 413


@pytest.mark.parametrize("size", [400_000, 10_000])
def test_s10_fields_below_the_limit_exceed_it_together(raw: Raw, reading: list[str], size: int) -> None:
    parts = [OPEN_FIELD + b"x" * size + b"\r\n"] * (1 + 500_000 // size)
    status, _, text = raw(b"/form", typed(MULTIPART), method="POST", chunks=[*parts, b"--b--\r\n"])

    assert (status, reading) == (413, [])
    assert b"MAX_FORM_MEMORY_SIZE" in text


LENGTHS = [b"-1", b"+5", b"5 5", b"5,5", b"0x5", b"1_0", b"five", b"5;", b"\xb2", str(2**64).encode(), b"9" * 99]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("how", ["data", "form", "json", "stream"])
def test_s11_a_content_length_that_is_none_is_a_bad_request(
    raw: Raw, reading: list[str], length: bytes, how: str
) -> None:
    headers = typed(URLENCODED, (b"content-length", length))
    status, _, _ = raw(b"/" + how.encode(), headers, method="POST", chunks=[b"a=123"])

    assert (status, reading) == (400, [])


@pytest.mark.parametrize("length", [None, b"0", b"10", b"299999"])
@pytest.mark.parametrize("how", ["data", "json", "stream"])
def test_s11_what_is_read_is_counted_whatever_was_declared(
    app: Kolben, raw: Raw, reading: list[str], length: bytes | None, how: str
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 300_000
    body = Taken(b"1", b"1")
    declared = [] if length is None else [(b"content-length", length)]
    status, _, _ = raw(b"/" + how.encode(), typed("application/json", *declared), method="POST", chunks=body)

    assert status in ({413} if length is None else {200, 400, 413})
    assert body.taken <= 300_000 + 2 * 65536 + 1


def test_s11_a_declared_length_above_the_limit_is_refused_before_a_byte(
    app: Kolben, raw: Raw, reading: list[str]
) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 300_000
    body = Taken(b"1", b"1")

    assert raw(b"/data", typed("x/y", (b"content-length", b"300001")), method="POST", chunks=body)[0] == 413
    assert body.taken <= 1


@pytest.mark.parametrize("how", ["data", "form", "json", "stream"])
def test_s11_a_body_shorter_than_declared_is_a_bad_request(raw: Raw, reading: list[str], how: str) -> None:
    headers = typed(URLENCODED, (b"content-length", b"1000"))

    assert raw(b"/" + how.encode(), headers, method="POST", chunks=[b"a=1"])[0] == 400
    assert reading == []


# S12 through the application: what it costs to read a form grows as the form does.


def steps(work: t.Callable[[], object]) -> int:
    """Calls of Python and of C functions, each C function that searches bytes with all that it may search."""
    count = 0

    def profile(frame: types.FrameType, event: str, arg: t.Any) -> None:
        nonlocal count
        if event == "call":
            count += 1
        elif event == "c_call":
            owner = getattr(arg, "__self__", None)
            count += len(owner) if isinstance(owner, (bytes, bytearray)) else 1

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("dense", [b"\r", b"\n", b"\r\n", b"-", b"\r\n--", b"x"])
@pytest.mark.parametrize(("chunk", "length"), [(7, 4_000), (4_096, 200_000)])
def test_s12_reading_a_form_through_an_application_is_linear(
    app: Kolben, raw: Raw, dense: bytes, chunk: int, length: int
) -> None:
    def upload() -> str:
        return str(len(request.files["f"].read()))

    async def upload_async() -> str:
        return upload()

    # NOTE: a view that runs on this thread, where steps are counted.
    app.add_url_rule("/", view_func=upload if raw.protocol == "wsgi" else upload_async, methods=["POST"])

    def cost(length: int) -> int:
        body = OPEN_FIELD.replace(b'"f"', b'"f"; filename="g"') + (dense * length)[:length] + b"\r\n--b--\r\n"
        return steps(lambda: answers.append(raw(b"/", typed(MULTIPART), method="POST", chunks=cut(body, chunk))))

    answers: list[t.Any] = []
    cost(1)
    assert cost(2 * length) / cost(length) < 2.3
    assert [body for _, _, body in answers] == [b"1", str(2 * length).encode(), str(length).encode()]


# S13: at most one line in the log for a bad request.

BAD_BODIES = {
    "bad parts": (MULTIPART, b"--b\r\nnonsense\r\n\r\n\r\n" * 100_000 + b"--b--"),
    "truncated": (MULTIPART, FIELD),
    "wrong boundary": (MULTIPART, FIELD.replace(b"--b", b"--c") + b"--c--"),
    "no boundary": ("multipart/form-data", FIELD),
    "not UTF-8": (MULTIPART, OPEN_FIELD + b"\xff\r\n--b--"),
    "escapes": (URLENCODED, b"a=%ff"),
    "parts": (MULTIPART, FIELD * 100_000),
    "deep": ("application/json", b"[" * 100_000),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_s13_a_bad_body_is_one_answer_and_at_most_one_line_in_the_log(
    raw: Raw, reading: list[str], name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    content_type, body = BAD_BODIES[name]
    how = b"/json" if name == "deep" else b"/form"
    caplog.set_level(logging.DEBUG)
    capfd.readouterr()
    status, _, _ = raw(how, typed(content_type), method="POST", chunks=[body])

    assert status in {400, 413}
    assert reading == []
    records = [record for record in caplog.records if record.name != "asyncio"]
    assert len(records) <= 1
    assert capfd.readouterr().err.count("\n") <= 1


# S15: the readings of a form that the standards fix, as golden tables.

URLENCODED_READINGS = {
    b"a=1;b=2": {"a": ["1;b=2"]},
    b"a=1&a=2": {"a": ["1", "2"]},
    b"a+b=c+d": {"a b": ["c d"]},
    b"a=b=c": {"a": ["b=c"]},
    b"=1&a&&b=": {"": ["1"], "a": [""], "b": [""]},
    b"a=%zz%4": {"a": ["%zz%4"]},
    b"a=%00": {"a": ["\0"]},
    b"a%3D=%26": {"a=": ["&"]},
    b"\xef\xbb\xbfa=1": {"\ufeffa": ["1"]},
    b"a=1\r\nb=2": {"a": ["1\r\nb=2"]},
    b"A=1&a=2": {"A": ["1"], "a": ["2"]},
    b"a[]=1&a[0]=2": {"a[]": ["1"], "a[0]": ["2"]},
}


@pytest.mark.parametrize("data", URLENCODED_READINGS)
def test_s15_a_form_and_a_query_are_read_as_the_url_standard_says(app: Kolben, raw: Raw, data: bytes) -> None:
    @app.post("/")
    def index() -> dict[str, t.Any]:
        return {"form": dict(request.form.lists()), "args": dict(request.args.lists())}

    target = b"/" if b"\r" in data else b"/?" + data
    status, _, body = raw(target, typed(URLENCODED), method="POST", chunks=[data])

    assert status == 200
    assert app.json.loads(body)["form"] == URLENCODED_READINGS[data]
    assert target == b"/" or app.json.loads(body)["args"] == URLENCODED_READINGS[data]


def disposition(parameters: bytes, content: bytes = b"x", more: bytes = b"") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; %s%s\r\n\r\n%s\r\n--b--\r\n" % (parameters, more, content)


MULTIPART_READINGS: dict[str, tuple[bytes, t.Any]] = {
    "plain": (disposition(b'name="a"'), {"a": "x"}),
    "name*": (disposition(b"name=\"a\"; name*=UTF-8''b"), {"a": "x"}),
    "filename*": (disposition(b'name="a"; filename="f"; filename*=UTF-8\'\'g'), {"a": "f"}),
    "name twice": (disposition(b'name="a"; name="b"'), None),
    "filename twice": (disposition(b'name="a"; filename="f"; filename="g"'), None),
    "header twice": (disposition(b'name="a"', more=b'\r\nContent-Disposition: form-data; name="b"'), None),
    "no name": (disposition(b"x=y"), None),
    "case": (FIELD.replace(b"Content-Disposition", b"cONTENT-dISPOSITION") + b"--b--", {"f": "x"}),
    "escaped quote": (disposition(b'name="a\\"b"'), {'a"b': "x"}),
    "percent quote": (disposition(b'name="a%22b"'), {'a"b': "x"}),
    "base64": (disposition(b'name="a"', b"eA==", b"\r\nContent-Transfer-Encoding: base64"), {"a": "eA=="}),
    "bare LF": (FIELD.replace(b"\r\n", b"\n") + b"--b--\n", None),
    "boundary within": (disposition(b'name="a"', b"x--b\r\n -- b"), {"a": "x--b\r\n -- b"}),
    "other disposition": (FIELD.replace(b"form-data", b"attachment") + b"--b--", None),
}


@pytest.mark.parametrize("name", MULTIPART_READINGS)
def test_s15_a_multipart_form_has_one_reading_or_none(app: Kolben, raw: Raw, name: str) -> None:
    @app.post("/")
    def index() -> dict[str, t.Any]:
        return {**request.form.to_dict(), **{field: file.filename for field, file in request.files.items()}}

    data, expected = MULTIPART_READINGS[name]
    status, _, body = raw(b"/", typed(MULTIPART), method="POST", chunks=[data])

    assert status == (400 if expected is None else 200)
    assert expected is None or app.json.loads(body) == expected


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=b; boundary=c", "multipart/form-data; boundary="]
)
def test_s15_a_boundary_is_said_once(raw: Raw, reading: list[str], content_type: str) -> None:
    assert raw(b"/form", typed(content_type), method="POST", chunks=[FIELD + b"--b--"])[0] == 400


# S17: a megabyte in chunks of a byte.


@pytest.mark.parametrize(("how", "content_type", "size"), [("data", "x/y", 1_000_000), ("form", MULTIPART, 100_000)])
def test_s17_a_body_in_chunks_of_one_byte_is_read(
    raw: Raw, reading: list[str], how: str, content_type: str, size: int
) -> None:
    opening = OPEN_FIELD.replace(b'"f"', b'"f"; filename="g"')
    data = opening + b"x" * size + b"\r\n--b--\r\n"
    pieces = (data[at : at + 1] for at in range(len(data)))

    assert raw(b"/" + how.encode(), typed(content_type), method="POST", chunks=pieces)[0] == 200
    assert reading == [how]


# S31: a form of another site that sends JSON as text/plain.

NO_JSON = [
    "text/plain",
    "",
    URLENCODED,
    MULTIPART,
    "text/json",
    "application/jsonp",
    "application/x-json",
    "*/*",
    "text/plain;json",
]
JSON = [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/problem+json",
    "application/json;x",
]


@pytest.mark.parametrize("content_type", [*NO_JSON, *JSON])
def test_s31_json_is_read_only_if_it_is_declared(app: Kolben, raw: Raw, content_type: str) -> None:
    seen = []

    @app.post("/")
    def transfer() -> str:
        seen.append(request.get_json())
        return "done"

    @app.post("/property")
    def transfer_by_property() -> str:
        seen.append(request.json)
        return "done"

    headers: list[tuple[bytes, bytes]] = [HOST, (b"content-type", content_type.encode())] if content_type else [HOST]
    for target in (b"/", b"/property"):
        status, _, _ = raw(target, headers, method="POST", chunks=[b'{"to": "evil"}'])
        assert status == (200 if content_type in JSON else 415)
    assert bool(seen) is (content_type in JSON)
