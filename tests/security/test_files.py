"""Files: ranges that cost too much, paths that lead out, names of devices (S19, S21, S22)."""

from __future__ import annotations

import ntpath
import pathlib
import types
import typing as t

import pytest
from werkzeug.exceptions import NotFound

from kolben import Kolben, send_file, send_from_directory
from kolben.http import directories
from tests.security.raw import HOST, Raw

CONTENT = bytes(range(250)) * 4
SECRET = b"the secret"


@pytest.fixture
def folder(app: Kolben, tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder that `/files/…` sends from and that is the static folder, beside what must not be sent."""
    folder = tmp_path / "static"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_bytes(CONTENT)
    (folder / "sub" / "b.txt").write_bytes(b"b")
    for outside in ("static-secret", "other"):
        (tmp_path / outside).mkdir()
        (tmp_path / outside / "secret.txt").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (folder / "link").symlink_to(tmp_path / "other")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "inside.txt").symlink_to(folder / "sub" / "b.txt")
    app.static_folder = str(folder)

    @app.get("/files/<path:name>")
    def send(name: str) -> t.Any:
        return send_from_directory(folder, name)

    @app.get("/own")
    def own() -> t.Any:
        return send_file(folder / "a.bin")

    return folder


def get(raw: Raw, value: bytes, *more: tuple[bytes, bytes]) -> tuple[int, dict[str, str], bytes]:
    return raw(b"/files/a.bin", [HOST, (b"range", value), *more])


# S19: ranges.

MANY = b"bytes=" + b",".join(b"0-%d" % n for n in range(10_000))


@pytest.mark.parametrize("value", [MANY, b"bytes=0-0,-1", b"bytes=" + b"0-," * 10_000, b"bytes=0-,0-"])
@pytest.mark.usefixtures("folder")
def test_s19_several_ranges_at_once_are_the_whole_file(raw: Raw, value: bytes) -> None:
    status, headers, body = get(raw, value)

    assert (status, body) == (200, CONTENT)
    assert headers["Content-Length"] == "1000"


RANGES: list[tuple[bytes, tuple[int, int] | None]] = [
    (b"bytes=0-0", (0, 1)),
    (b"bytes=0-", (0, 1000)),
    (b"bytes=-1", (999, 1000)),
    (b"bytes=-2000", (0, 1000)),
    (b"bytes=999-", (999, 1000)),
    (b"bytes=990-99999", (990, 1000)),
    (b"bytes=0-99999999999999999999", (0, 1000)),
    (b"BYTES= 1 - 2 ", (1, 3)),
    (b"bytes=1000-", None),
    (b"bytes=2-1", None),
    (b"bytes=-0", None),
    (b"bytes=-", None),
    (b"bytes=", None),
    (b"bytes", None),
    (b"bytes=-1e99", None),
    (b"bytes=1e1-", None),
    (b"bytes=+1-2", None),
    (b"bytes=0x0-0x1", None),
    (b"bytes=\xb2-3", None),
    (b"bytes=--1", None),
    (b"bytes=" + b"9" * 10_000 + b"-", None),
    (b"bytes=a-b", None),
]


@pytest.mark.parametrize(("value", "selected"), RANGES)
@pytest.mark.usefixtures("folder")
def test_s19_a_range_is_answered_exactly_or_refused(raw: Raw, value: bytes, selected: tuple[int, int] | None) -> None:
    status, headers, body = get(raw, value)

    if selected is None:
        assert status == 416
        assert headers["Content-Range"] == "bytes */1000"
        assert CONTENT not in body
    else:
        start, stop = selected
        assert (status, body) == (206, CONTENT[start:stop])
        assert headers["Content-Range"] == f"bytes {start}-{stop - 1}/1000"
        assert headers["Content-Length"] == str(stop - start)


@pytest.mark.usefixtures("folder")
def test_s19_a_range_of_another_unit_is_ignored(raw: Raw) -> None:
    for value in (b"lines=0-1", b"0-1", b"", b"=0-1"):
        assert get(raw, value)[::2] == (200, CONTENT)


@pytest.mark.usefixtures("folder")
def test_s19_if_range_takes_a_strong_validator_alone(raw: Raw) -> None:
    _, headers, _ = raw(b"/files/a.bin")
    etag, modified = headers["Etag"].encode(), headers["Last-Modified"].encode()

    for value in (etag, modified):
        assert get(raw, b"bytes=0-1", (b"if-range", value))[0] == 206
    for value in (
        b"W/" + etag,
        b'"other"',
        b"Mon, 01 Jan 1990 00:00:00 GMT",
        b"x",
        b"*",
        b"Mon, 01 Jan 2190 00:00:00 GMT",
    ):
        assert get(raw, b"bytes=0-1", (b"if-range", value))[0] == 200


@pytest.mark.usefixtures("folder")
def test_s19_head_and_post_have_no_ranges(raw: Raw) -> None:
    status, headers, body = raw(b"/files/a.bin", [HOST, (b"range", b"bytes=0-1")], method="HEAD")

    assert (status, body, headers["Content-Length"]) == (200, b"", "1000")


# S21: paths that lead out.

ESCAPES = [
    *(b"../secret.txt", b"..%2fsecret.txt", b"%2e%2e/secret.txt", b"%2e%2e%2fsecret.txt", b"sub/../../secret.txt"),
    *(b"..%5csecret.txt", b"..\\secret.txt", b"sub%5c..%5c..%5csecret.txt", b"....//secret.txt", b"./../secret.txt"),
    *(b"/etc/passwd", b"%2fetc/passwd", b"//etc/passwd", b"C:/secret.txt", b"C:%5csecret.txt", b"%5c%5chost%5cshare"),
    *(b"..%00/secret.txt", b"a.bin%00.txt", b"%00", b"..%c0%afsecret.txt", b"%c0%ae%c0%ae/secret.txt", b"..%e0%80%af"),
    *(b"..%252fsecret.txt", b"..;/secret.txt", b"../static-secret/secret.txt", b"-secret/secret.txt", b"~/x", b"."),
    *(b"link/secret.txt", b"link.txt", b"sub", b"sub/", b"..", b"%ff", b"x" * 5000, b"/".join([b"x"] * 2000)),
    *(b"file:///etc/passwd", b"sub/../a.bin/..", b"..%uff0fsecret.txt", "..\u2215secret.txt".encode()),
]


@pytest.mark.parametrize("path", ESCAPES, ids=lambda path: path[:40].decode("latin-1"))
@pytest.mark.parametrize("prefix", [b"/files/", b"/static/", b"/static"])
@pytest.mark.usefixtures("folder")
def test_s21_no_path_leads_out_of_its_folder(raw: Raw, prefix: bytes, path: bytes) -> None:
    status, _, body = raw(prefix + path)

    assert status in {308, 400, 404}
    assert SECRET not in body
    assert b"root:" not in body


@pytest.mark.usefixtures("folder")
def test_s21_what_is_inside_is_sent(raw: Raw) -> None:
    for prefix in (b"/files/", b"/static/"):
        for path, content in ((b"a.bin", CONTENT), (b"sub/b.txt", b"b"), (b"inside.txt", b"b"), (b"sub%2fb.txt", b"b")):
            assert raw(prefix + path)[::2] == (200, content)
        assert raw(b"/files/sub/../a.bin")[::2] == (200, CONTENT)


def test_s21_links_may_lead_out_only_if_that_is_said(app: Kolben, raw: Raw, folder: pathlib.Path) -> None:
    assert raw(b"/files/link.txt")[0] == 404
    app.config["SEND_FILE_FOLLOW_SYMLINKS"] = True
    assert raw(b"/files/link.txt")[2] == SECRET


def test_s21_a_folder_that_is_a_link_itself_serves_what_is_in_it(
    app: Kolben, raw: Raw, folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "public").symlink_to(folder)

    @app.get("/public/<path:name>")
    def public(name: str) -> t.Any:
        return send_from_directory(tmp_path / "public", name)

    assert raw(b"/public/a.bin")[0] == 200
    assert raw(b"/public/link.txt")[0] == 404


# S22: the names of devices, as Windows has them.

WINDOWS = types.SimpleNamespace(name="nt", path=types.SimpleNamespace(isabs=ntpath.isabs))
DEVICES = [
    *(
        "CON",
        "con.txt",
        "NUL",
        "NUL ",
        "nul.tar.gz",
        "AUX.",
        "PRN",
        "COM1.x",
        "a/COM1.x",
        "a/LPT9",
        "COM\u00b9",
        "LPT\u00b2.x",
    ),
    *("CONIN$", "CONOUT$", "a\\NUL", "NUL:", "COM1:x", "//server/share", "\\\\server\\share", "\\\\?\\C:\\x"),
    *("CON  .txt", "a/nul/b", "NUL . .", "..\\x"),
]


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.usefixtures("folder")
def test_s22_the_names_of_devices_are_no_files_on_windows(
    app: Kolben, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path is refused by its text, before the file system is asked for it."""
    monkeypatch.setattr(directories, "_stat_inside", lambda base, path: pytest.fail(f"looked at {path!r}"))
    # What Windows has and Werkzeug asks for: the name of the system, its other separator, absolute paths with a drive.
    monkeypatch.setattr("werkzeug.security._os_alt_seps", ["\\"])
    with app.test_request_context():
        monkeypatch.setattr("werkzeug.security.os", WINDOWS)
        with pytest.raises(NotFound):
            send_from_directory("folder", name)


@pytest.mark.parametrize("name", ["console.txt", "CONX", "nully", "a/com10.x", "comma.txt", "x.con"])
def test_s22_names_that_only_look_like_devices_are_files(
    app: Kolben, folder: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    with app.test_request_context():
        monkeypatch.setattr("werkzeug.security.os", WINDOWS)
        send_from_directory(folder, name).close()
