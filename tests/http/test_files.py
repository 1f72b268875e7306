"""``send_file`` and ``send_from_directory``: what is sent, what is not, and that files are closed."""

from __future__ import annotations

import builtins
import io
import logging
import mimetypes
import ntpath
import os
import typing as t
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import NotFound, PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import http_date
from werkzeug.test import create_environ
from werkzeug.utils import send_file as werkzeug_send_file

from kolben.globals import current
from kolben.http import files
from kolben.http.conditions import is_modified, select_range
from kolben.http.directories import send_from_directory
from kolben.http.files import FileBody, send_file
from kolben.http.request import Request
from kolben.http.response import Response

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kolben import Kolben
    from kolben.testing import KolbenClient

    Serve: t.TypeAlias = Callable[..., t.ContextManager[SimpleNamespace]]

TEXT = b"0123456789" * 10
MTIME = 1_700_000_000.5
MODIFIED = http_date(int(MTIME))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An application's folder: ``static/`` with a file and a folder, and beside it what must not be served."""
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "static-secret").mkdir()
    (tmp_path / "static" / "a.txt").write_bytes(TEXT)
    (tmp_path / "static" / "css" / "b.css").write_bytes(b"b {}")
    (tmp_path / "static-secret" / "key").write_bytes(b"secret")
    (tmp_path / "secret").write_bytes(b"secret")
    os.utime(tmp_path / "static" / "a.txt", (MTIME, MTIME))
    return tmp_path


@pytest.fixture(params=["wsgi", "asgi"])
def serve(request: pytest.FixtureRequest, root: Path) -> Serve:
    """``with serve(method, header=value)``: a request over either protocol is being answered."""

    @contextmanager
    def serve(method: str = "GET", **fields: str) -> Iterator[SimpleNamespace]:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if request.param == "wsgi":
            asked = Request(create_environ("/", method=method, headers=headers))
        else:
            pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
            asked = Request.from_scope({"type": "http", "method": method, "path": "/", "headers": pairs})
        app = SimpleNamespace(
            root_path=str(root),
            config={"USE_X_SENDFILE": False},
            debug=False,
            logger=logging.getLogger("tests.files"),
            get_send_file_max_age=lambda path: None,
            response_class=Response,
        )
        ctx = t.cast("t.Any", SimpleNamespace(app=app, request=asked))
        token = current.set(ctx)
        try:
            yield app
        finally:
            current.reset(token)

    return serve


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were opened."""
    paths: list[str] = []

    def spying(real: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def spy(path: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
            paths.append(path)
            return real(path, *args, **kwargs)

        return spy

    monkeypatch.setattr(files, "open", spying(builtins.open), raising=False)
    monkeypatch.setattr(os, "open", spying(os.open))
    return paths


def content(response: Response) -> bytes:
    data = b"".join(t.cast("t.Iterable[bytes]", response.response))
    response.close()
    return data


def etag_of(serve: Serve) -> str:
    with serve("HEAD"):
        return send_file("static/a.txt").headers["ETag"]


# -- what is sent ----------------------------------------------------------------------------------------------------


def test_a_file_is_sent_with_its_headers(serve: Serve) -> None:
    with serve():
        response = send_file("static/a.txt")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Length"] == "100"
    assert response.headers["Content-Disposition"] == "inline; filename=a.txt"
    assert response.headers["Last-Modified"] == MODIFIED
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.direct_passthrough
    assert content(response) == TEXT


ARGUMENTS: list[dict[str, t.Any]] = [
    {},
    {"mimetype": "application/x-thing"},
    {"as_attachment": True},
    {"as_attachment": True, "download_name": "Grüße 100%.tar.gz"},
    {"download_name": "a b.tar.gz"},
    {"download_name": 'quo"te.unknown'},
    {"etag": "mine"},
    {"etag": False},
    {"last_modified": 1_600_000_000},
    {"last_modified": datetime(2020, 1, 1, 12, 30, 15, 999, tzinfo=UTC)},
    {"last_modified": datetime(2020, 1, 1)},
    {"max_age": 0},
    {"max_age": 3600},
    {"max_age": len},
    {"conditional": False},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_headers_are_those_of_werkzeug(serve: Serve, root: Path, arguments: dict[str, t.Any]) -> None:
    with serve():
        response = send_file("static/a.txt", **arguments)
        expected = werkzeug_send_file("static/a.txt", create_environ(), _root_path=str(root), **arguments)
    ours, theirs = dict(response.headers), dict(expected.headers)
    theirs.pop("Date", None)
    if "Expires" in theirs:
        assert ours.pop("Expires")[:20] == theirs.pop("Expires")[:20]
    assert ours == theirs
    assert content(response) == TEXT
    expected.close()


def test_a_path_may_be_absolute_or_a_path_object(serve: Serve, root: Path) -> None:
    path = root / "static" / "a.txt"
    with serve():
        for given_path in (path, str(path)):
            response = send_file(given_path)
            assert isinstance(response.response, FileBody)
            assert response.response.path == str(path)
            assert response.response.is_whole
            assert content(response) == TEXT


def test_the_default_max_age_is_the_applications(serve: Serve, root: Path) -> None:
    asked: list[str | None] = []

    def get_send_file_max_age(path: str | None) -> int:
        asked.append(path)
        return 60

    with serve() as app:
        app.get_send_file_max_age = get_send_file_max_age
        response = send_file("static/a.txt")
        response.close()
    assert asked == [str(root / "static" / "a.txt")]
    assert response.headers["Cache-Control"] == "public, max-age=60"


def test_a_file_object_is_sent_from_where_it_stands(serve: Serve) -> None:
    file = io.BytesIO(TEXT)
    file.seek(10)
    with serve(Range="bytes=5-9"):
        response = send_file(file, download_name="a.txt")
    assert response.status_code == 206
    assert response.headers["Content-Range"] == "bytes 5-9/90"
    assert "ETag" not in response.headers
    assert content(response) == b"56789"
    assert file.closed


def test_a_file_object_of_unknown_size_is_sent_whole(serve: Serve) -> None:
    rest = [b"a", b"bc"]

    class Pipe(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return rest.pop(0) if rest else b""

    with serve(Range="bytes=0-0"):
        response = send_file(t.cast("t.IO[bytes]", Pipe()), mimetype="text/plain")
    assert "Content-Length" not in response.headers
    assert "Accept-Ranges" not in response.headers
    assert content(response) == b"abc"


def test_mistakes_are_named(serve: Serve) -> None:
    with serve():
        with pytest.raises(ValueError, match="binary mode"):
            send_file(t.cast("t.Any", io.StringIO("text")), mimetype="text/plain")
        with pytest.raises(TypeError, match="Unable to detect the MIME type"):
            send_file(io.BytesIO())
        with pytest.raises(TypeError, match="No name provided for attachment"):
            send_file(io.BytesIO(), mimetype="text/plain", as_attachment=True)
        with pytest.raises(FileNotFoundError):
            send_file("missing")
        with pytest.raises(IsADirectoryError):
            send_file("static")


def test_s24_a_line_break_in_a_download_name_is_refused(serve: Serve) -> None:
    with serve(), pytest.raises(ValueError, match="newline"):
        send_file("static/a.txt", download_name="a\r\nX: y.txt")


def test_x_sendfile_leaves_the_file_and_its_ranges_to_the_server(serve: Serve, root: Path, opened: list[str]) -> None:
    with serve(Range="bytes=0-0") as app:
        app.config["USE_X_SENDFILE"] = True
        response = send_file("static/a.txt")
    assert response.status_code == 200
    assert response.headers["X-Sendfile"] == str(root / "static" / "a.txt")
    assert content(response) == b""
    etag = etag_of(serve)
    with serve(If_None_Match=etag) as app:
        app.config["USE_X_SENDFILE"] = True
        response = send_file("static/a.txt")
    assert response.status_code == 304
    assert "X-Sendfile" not in response.headers
    assert opened == []


# -- conditions ------------------------------------------------------------------------------------------------------


def test_head_and_304_do_not_open_the_file(serve: Serve, opened: list[str]) -> None:
    with serve("HEAD"):
        head = send_file("static/a.txt")
    assert (head.status_code, head.headers["Content-Length"], content(head)) == (200, "100", b"")
    with serve(If_None_Match=head.headers["ETag"]):
        unmodified = send_file("static/a.txt")
    assert (unmodified.status_code, content(unmodified)) == (304, b"")
    assert unmodified.headers["ETag"] == head.headers["ETag"]
    assert "Content-Length" not in unmodified.headers
    with serve("HEAD"):
        file = io.BytesIO(TEXT)
        send_file(file, mimetype="text/plain")
    assert file.closed
    assert opened == []


def test_the_file_is_looked_at_once_and_opened_once(
    serve: Serve, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_stat, real_lstat = os.stat, os.lstat

    def spy_stat(path: str, **kwargs: t.Any) -> os.stat_result:
        calls.append("stat")
        return real_stat(path, **kwargs)

    def spy_lstat(path: str, **kwargs: t.Any) -> os.stat_result:
        calls.append("lstat")
        return real_lstat(path, **kwargs)

    monkeypatch.setattr(os, "stat", spy_stat)
    monkeypatch.setattr(os, "lstat", spy_lstat)
    with serve():
        content(send_file("static/a.txt"))
        assert calls == ["stat"]
        content(send_from_directory("static", "a.txt"))
        assert calls == ["stat", "lstat"]
    assert len(opened) == 2


def status(serve: Serve, method: str = "GET", **fields: str) -> int:
    with serve(method, **fields):
        try:
            response = send_file("static/a.txt")
        except (PreconditionFailed, RequestedRangeNotSatisfiable) as exc:
            return exc.code or 0
        response.close()
        return response.status_code


EARLIER = http_date(int(MTIME) - 1)
LATER = http_date(int(MTIME) + 1)


def test_if_none_match_uses_the_weak_comparison(serve: Serve) -> None:
    etag = etag_of(serve)
    for value in (etag, f"W/{etag}", f'"x", {etag}', f'"a,b" , W/{etag} ,"c"', etag.strip('"'), "*", " * "):
        assert status(serve, If_None_Match=value) == 304, value
    for value in ('"x"', "", '"', "W/", '"x" "y"', f"x{etag[1:]}"):
        assert status(serve, If_None_Match=value) == 200, value


def test_if_modified_since(serve: Serve) -> None:
    assert status(serve, If_Modified_Since=MODIFIED) == 304
    assert status(serve, If_Modified_Since=LATER) == 304
    assert status(serve, If_Modified_Since=EARLIER) == 200
    assert status(serve, If_Modified_Since="yesterday") == 200


def test_if_none_match_overrules_if_modified_since(serve: Serve) -> None:
    assert status(serve, If_None_Match='"x"', If_Modified_Since=LATER) == 200
    assert status(serve, If_None_Match=etag_of(serve), If_Modified_Since=EARLIER) == 304


def test_if_match_uses_the_strong_comparison(serve: Serve) -> None:
    etag = etag_of(serve)
    assert status(serve, If_Match=etag) == 200
    assert status(serve, If_Match="*") == 200
    assert status(serve, If_Match=f'"x",{etag}') == 200
    assert status(serve, If_Match=f"W/{etag}") == 412
    assert status(serve, If_Match='"x"') == 412
    assert status(serve, If_Match=etag, If_Unmodified_Since=EARLIER) == 200


def test_if_unmodified_since(serve: Serve) -> None:
    assert status(serve, If_Unmodified_Since=MODIFIED) == 200
    assert status(serve, If_Unmodified_Since=EARLIER) == 412
    assert status(serve, If_Unmodified_Since="?") == 200


def test_conditions_are_for_get_and_head_only(serve: Serve) -> None:
    assert status(serve, "HEAD", If_None_Match="*") == 304
    assert status(serve, "POST", If_None_Match="*", Range="bytes=0-0") == 200


def test_unconditional_ignores_conditions_and_ranges(serve: Serve) -> None:
    with serve(If_None_Match="*", Range="bytes=0-0"):
        response = send_file("static/a.txt", conditional=False)
    assert response.status_code == 200
    assert content(response) == TEXT


def test_without_validators_no_copy_is_good() -> None:
    fields = {"if-none-match": '"x"', "if-modified-since": MODIFIED}
    assert is_modified(fields.get, None, None)
    assert not is_modified({"if-none-match": "*"}.get, None, None)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", ['"', "W/", " ", ",", '"x",', 'W/"', "a", "a ", '" '])
def test_s14_nasty_etag_lists_cost_linear_time(part: str) -> None:
    value = "a" + part * (400_000 // len(part))
    assert is_modified({"if-none-match": value}.get, '"mine"', None)


# -- ranges ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-", 0, 99),
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-1000", 90, 99),
        ("bytes=99-", 99, 99),
        ("bytes=-1", 99, 99),
        ("bytes=-1000", 0, 99),
        ("Bytes = 1 - 2 ", 1, 2),
        ("bytes=5-" + "9" * 20, 5, 99),
    ],
)
def test_s19_a_single_range_is_sent(serve: Serve, wanted: str, first: int, last: int) -> None:
    with serve(Range=wanted):
        response = send_file("static/a.txt")
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/100"
    assert response.headers["Content-Length"] == str(last - first + 1)
    assert content(response) == TEXT[first : last + 1]


@pytest.mark.parametrize(
    "wanted",
    [
        *("bytes=100-", "bytes=100-200", "bytes=5-2", "bytes=-0", "bytes=-", "bytes=", "bytes=a-b", "bytes=--1"),
        *("bytes=-1e99", "bytes=1e99-", "bytes=0x0-", "bytes=0-1-2", "bytes=+1-", "bytes=\u00b2-"),
        "bytes=" + "9" * 5000 + "-",
    ],
)
def test_s19_a_range_that_is_not_there_is_416_with_the_size(serve: Serve, wanted: str) -> None:
    file = io.BytesIO(TEXT)
    with serve(Range=wanted), pytest.raises(RequestedRangeNotSatisfiable) as caught:
        send_file(file, mimetype="text/plain")
    assert ("Content-Range", "bytes */100") in caught.value.get_headers()
    assert file.closed


@pytest.mark.parametrize("wanted", ["bytes=0-0,5-5", "bytes=0-0,", "bytes=" + "0-," * 10_000, "lines=0-1", "x", ""])
def test_s19_several_ranges_and_other_units_get_the_whole(serve: Serve, wanted: str) -> None:
    with serve(Range=wanted):
        response = send_file("static/a.txt")
    assert response.status_code == 200
    assert "Content-Range" not in response.headers
    assert content(response) == TEXT


def test_s19_ranges_are_for_get_only(serve: Serve) -> None:
    assert status(serve, "HEAD", Range="bytes=0-0") == 200


def test_s19_a_range_of_an_empty_file_is_ignored(serve: Serve) -> None:
    with serve(Range="bytes=0-"):
        response = send_file(io.BytesIO(), mimetype="text/plain")
    assert (response.status_code, response.headers["Content-Length"]) == (200, "0")


def test_s19_if_range_needs_the_very_same_state(serve: Serve) -> None:
    etag = etag_of(serve)
    for good in (etag, MODIFIED):
        assert status(serve, Range="bytes=0-0", If_Range=good) == 206, good
    for bad in (f"W/{etag}", '"x"', EARLIER, LATER, "nonsense", ""):
        assert status(serve, Range="bytes=0-0", If_Range=bad) == 200, bad
    assert status(serve, If_Range=etag) == 200


def test_s19_a_good_copy_goes_before_a_range(serve: Serve) -> None:
    assert status(serve, Range="bytes=0-0", If_None_Match=etag_of(serve)) == 304


@given(st.text(alphabet="bytes=0159-, ", max_size=20) | st.from_regex(r"bytes=\d{0,3}-\d{0,3}"), st.integers(1, 120))
def test_s19_a_selected_range_lies_inside_the_file(wanted: str, size: int) -> None:
    try:
        selected = select_range(wanted, size)
    except RequestedRangeNotSatisfiable:
        return
    if selected is not None:
        assert 0 <= selected[0] < selected[1] <= size


# -- the body --------------------------------------------------------------------------------------------------------


class Counted(io.BytesIO):
    closings = 0
    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.largest = max(self.largest, size)
        return super().read(size)

    def close(self) -> None:
        self.closings += 1
        super().close()


def test_a_body_reads_in_chunks_and_closes_once() -> None:
    file = Counted(TEXT)
    body = FileBody(file, 25, chunk_size=10)
    assert list(body) == [TEXT[:10], TEXT[10:20], TEXT[20:25]]
    assert body.closed
    assert file.largest == 10
    body.close()
    assert list(body) == []
    assert body.read() == b""
    assert file.closings == 1


def test_a_body_that_is_given_up_is_closed() -> None:
    file = Counted(TEXT)
    body = FileBody(file)
    assert body.read(3) == TEXT[:3]
    del body
    assert file.closings == 1


def test_a_response_closes_its_file_once(serve: Serve) -> None:
    file = Counted(TEXT)
    with serve():
        response = send_file(file, mimetype="text/plain")
    next(iter(response.response))
    response.close()
    response.close()
    assert file.closings == 1


def test_a_file_that_shrank_ends_early() -> None:
    assert list(FileBody(io.BytesIO(b"ab"), 10)) == [b"ab"]


def test_the_descriptor_stands_at_the_first_byte_to_send(serve: Serve) -> None:
    with serve(Range="bytes=42-50"):
        response = send_file("static/a.txt")
    body = response.response
    assert isinstance(body, FileBody)
    assert os.lseek(body.fileno(), 0, os.SEEK_CUR) == 42
    assert not body.is_whole
    response.close()


def test_wsgi_file_wrapper_can_read_a_body() -> None:
    from wsgiref.util import FileWrapper

    body = FileBody(io.BytesIO(TEXT), 95, chunk_size=30)
    wrapper = FileWrapper(t.cast("t.Any", body), 1000)
    assert b"".join(wrapper) == TEXT[:95]
    wrapper.close()
    assert body.closed


# -- directories -----------------------------------------------------------------------------------------------------


def test_a_file_in_a_directory_is_sent(serve: Serve) -> None:
    with serve():
        assert content(send_from_directory("static", "css/b.css")) == b"b {}"
        assert content(send_from_directory("static/", "css//./b.css")) == b"b {}"
        response = send_from_directory("static", "a.txt", as_attachment=True)
        assert response.headers["Content-Disposition"] == "attachment; filename=a.txt"
        assert content(response) == TEXT


def test_the_etag_is_that_of_send_file(serve: Serve) -> None:
    with serve("HEAD"):
        assert send_from_directory("static", "a.txt").headers["ETag"] == send_file("static/a.txt").headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "css", "missing", "a.txt/x", "..", "../secret", "css/../../secret", "../static/a.txt"),
        *("../static-secret/key", "/etc/passwd", "//etc/passwd", "/../secret", "./../secret", "css/../.."),
        *("..\\secret", "..\\..\\secret", "C:/secret", "/C:/secret", "\\\\host\\share", "//host/share", "~/x"),
        *("..%2fsecret", "%2e%2e/secret", "a.txt\0", "\0", "a.txt\0.png", "\udcff", "\ufffd", "a" * 5000, "a/" * 5000),
        "\u2024\u2024/secret",
    ],
)
def test_s21_a_path_that_leads_outside_is_not_found(serve: Serve, path: str) -> None:
    with serve(), pytest.raises(NotFound):
        send_from_directory("static", path)


def test_s21_a_link_that_leads_outside_is_not_found(serve: Serve, root: Path) -> None:
    static = root / "static"
    (static / "link").symlink_to(root / "secret")
    (static / "folder").symlink_to(root / "static-secret")
    (static / "chain").symlink_to("link")
    (static / "loop").symlink_to("loop")
    (static / "dangling").symlink_to("nothing")
    with serve():
        for path in ("link", "folder/key", "chain", "loop", "dangling"):
            with pytest.raises(NotFound):
                send_from_directory("static", path)


def test_s21_a_link_that_stays_inside_is_followed(serve: Serve, root: Path) -> None:
    static = root / "static"
    (static / "again.txt").symlink_to("a.txt")
    (static / "styles").symlink_to("css")
    (root / "linked").symlink_to("static")
    with serve():
        assert content(send_from_directory("static", "again.txt")) == TEXT
        assert content(send_from_directory("static", "styles/b.css")) == b"b {}"
        assert content(send_from_directory("linked", "css/b.css")) == b"b {}"


def test_s21_links_may_lead_outside_if_configured(serve: Serve, root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "static" / "link").symlink_to(root / "secret")
    with serve() as app:
        app.debug = True
        with pytest.raises(NotFound):
            send_from_directory("static", "link")
        assert "SEND_FILE_FOLLOW_SYMLINKS" in caplog.text
        app.config["SEND_FILE_FOLLOW_SYMLINKS"] = True
        assert content(send_from_directory("static", "link")) == b"secret"


def test_s21_a_directory_named_empty_is_the_root_path(serve: Serve) -> None:
    with serve():
        assert content(send_from_directory("", "static/a.txt")) == TEXT
        with pytest.raises(NotFound):
            send_from_directory("", "../" + "x")


def test_only_regular_files_are_sent(serve: Serve, root: Path) -> None:
    os.mkfifo(root / "static" / "pipe")
    with serve(), pytest.raises(NotFound):
        send_from_directory("static", "pipe")


def test_a_file_that_vanishes_is_not_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: t.Any, **kwargs: t.Any) -> t.NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(files, "open", gone, raising=False)
    with serve(), monkeypatch.context() as patch:
        patch.setattr(os, "open", gone)
        with pytest.raises(NotFound):
            send_from_directory("static", "a.txt")


def test_a_known_file_that_changes_is_sent_as_it_is_now(serve: Serve, root: Path) -> None:
    with serve():
        first = send_from_directory("static", "a.txt")
        (root / "static" / "a.txt").write_bytes(b"longer than it was before")
        second = send_from_directory("static", "a.txt")
        assert content(second) == b"longer than it was before"
        assert second.headers["Content-Length"] == "25"
        assert first.headers["ETag"] != second.headers["ETag"]


def test_s21_a_known_file_that_becomes_a_link_outwards_is_not_sent(serve: Serve, root: Path) -> None:
    with serve():
        assert content(send_from_directory("static", "a.txt")) == TEXT
        (root / "static" / "a.txt").unlink()
        (root / "static" / "a.txt").symlink_to(root / "secret")
        with pytest.raises(NotFound):
            send_from_directory("static", "a.txt")


def test_known_and_other_files_are_sent_with_the_same_headers(serve: Serve) -> None:
    with serve():
        for method in ({}, {"max_age": 60}):
            known = send_from_directory("static", "a.txt", **method)
            other = send_from_directory("static", "a.txt", conditional=True, **method)
            assert sorted(known.headers) == sorted(other.headers)
            assert (known.status, known.direct_passthrough) == (other.status, other.direct_passthrough)
            assert content(known) == content(other)


DEVICES = ["CON", "con.txt", "NUL ", "nul.tar.gz", "css/COM1.x", "COM\u00b9", "LPT9", "PRN:", "aux .css", "CONIN$"]


@pytest.fixture
def windows(serve: Serve, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A request is answered on Windows, where every file exists: only a check can refuse one."""
    status = os.stat(root / "static" / "a.txt")
    mimetypes.init()  # NOTE: now, for it reads the system's tables where they exist, and from here on all files do.
    with serve(), monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        patch.setattr(os, "path", ntpath)
        patch.setattr("werkzeug.security._os_alt_seps", ["\\"])
        patch.setattr(os, "lstat", lambda path: status)
        patch.setattr(os, "stat", lambda path: status)
        patch.setattr(files, "open", lambda *args, **kwargs: io.BytesIO(TEXT), raising=False)
        yield


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    "path", [*DEVICES, "C:/x", "c:\\x", "//server/share", "\\\\server\\share", "..\\secret", "\\x"]
)
def test_s22_windows_devices_and_drives_are_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        send_from_directory("static", path)


@pytest.mark.usefixtures("windows")
def test_s22_other_files_are_sent_on_windows() -> None:
    assert content(send_from_directory("static", "css/console.txt")) == TEXT


# -- through both protocols ------------------------------------------------------------------------------------------


@pytest.fixture
def files_app(app: Kolben, root: Path) -> Kolben:
    @app.get("/file")
    def file() -> Response:
        return send_file(root / "static" / "a.txt")

    @app.get("/big")
    async def big() -> Response:
        return send_file(root / "big", mimetype="application/x-big")

    @app.get("/dir/<path:name>")
    def directory(name: str) -> Response:
        return send_from_directory(root / "static", name)

    with open(root / "big", "wb") as big_file:
        big_file.truncate(3 * files.CHUNK_SIZE + 1)
    return app


@pytest.mark.usefixtures("files_app")
def test_a_view_answers_with_a_file(client: KolbenClient) -> None:
    response = client.get("/file", buffered=True)
    assert (response.status_code, response.data) == (200, TEXT)
    etag = response.headers["ETag"]
    head = client.head("/file", buffered=True)
    assert (head.status_code, head.data, head.headers["Content-Length"]) == (200, b"", "100")
    unmodified = client.get("/file", headers={"If-None-Match": etag}, buffered=True)
    assert (unmodified.status_code, unmodified.data) == (304, b"")
    assert "Content-Length" not in unmodified.headers
    part = client.get("/file", headers={"Range": "bytes=5-9"}, buffered=True)
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, b"56789", "bytes 5-9/100")
    nothing = client.get("/file", headers={"Range": "bytes=100-"}, buffered=True)
    assert (nothing.status_code, nothing.headers["Content-Range"]) == (416, "bytes */100")
    changed = client.get("/file", headers={"If-Match": '"x"'}, buffered=True)
    assert changed.status_code == 412


@pytest.mark.usefixtures("files_app")
def test_a_large_file_is_sent_in_chunks(client: KolbenClient) -> None:
    response = client.get("/big", buffered=True)
    assert len(response.data) == 3 * files.CHUNK_SIZE + 1
    part = client.get(
        "/big", headers={"Range": f"bytes={files.CHUNK_SIZE - 1}-{2 * files.CHUNK_SIZE + 4}"}, buffered=True
    )
    assert len(part.data) == files.CHUNK_SIZE + 6


@pytest.mark.usefixtures("files_app")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a.txt", 200),
        ("css%2Fb.css", 200),
        ("..%2fsecret", 404),
        ("%2e%2e/secret", 404),
        ("..%5Csecret", 404),
        ("%2e%2e%2fstatic-secret%2fkey", 404),
        ("%2Fetc%2Fpasswd", 308),  # To "/dir/etc/passwd": the router merges slashes.
        ("etc/passwd", 404),
        ("a.txt%00.png", 400),
        ("%c0%ae%c0%ae/secret", 400),
        ("%ff", 400),
    ],
)
def test_s21_paths_of_requests_stay_inside(client: KolbenClient, path: str, code: int) -> None:
    assert client.get(f"/dir/{path}", buffered=True).status_code == code
