"""The static route: by which way its files are sent; under ASGI, what is answered on the loop, and what in a thread."""

from __future__ import annotations

import functools
import os
import sys
import typing as t
from pathlib import Path

import pytest

from kolben import Blueprint, Kolben, after_this_request, bridge, session
from kolben.dispatch.plan import Mode
from kolben.http import directories
from kolben.http.local_disks import local_file_system
from kolben.http.wire import Page
from kolben.signals import request_finished

TEXT = b"body { color: red }"


class Sending(Kolben):
    def send_static_file(self, filename: str) -> t.Any:
        return f"{filename}!"


class Keeping(Kolben):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        return 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "static" / "a.css").write_bytes(TEXT)
    (tmp_path / "static" / "css" / "b.css").write_bytes(TEXT)
    (tmp_path / "static" / "large.bin").write_bytes(bytes(100_000))
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[list[str | None]]:
    """The file system that all files are said to be on."""
    kinds: list[str | None] = ["tmpfs"]
    monkeypatch.setattr(directories, "local_file_system", lambda folder, device: kinds[-1])
    directories._known.clear()
    yield kinds
    directories._known.clear()


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done in worker threads."""
    names: list[str] = []
    call = bridge.Workers.call

    def spy(self: bridge.Workers, func: t.Any, args: t.Any, context: t.Any) -> t.Any:
        names.append(self.name)
        return call(self, func, args, context)

    monkeypatch.setattr(bridge.Workers, "call", spy)
    return names


def made(folder: Path, cls: type[Kolben] = Kolben) -> Kolben:
    return cls("site", root_path=str(folder))


def ask(app: Kolben, path: str = "/static/a.css", method: str = "GET", **headers: str) -> t.Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = app.test_client(protocol="asgi").open(path, method=method, headers=named)
    response.get_data()
    return response


def test_a_small_file_that_was_sent_before_needs_no_thread(folder: Path, disk: object, hops: list[str]) -> None:
    app = made(folder)
    for path in ("/static/a.css", "/static/css/b.css"):
        first = ask(app, path)
        assert hops == ["kolben-view"]
        hops.clear()
        again = ask(app, path)
        unchanged = ask(
            app, path, if_none_match=first.headers["ETag"], if_modified_since=first.headers["Last-Modified"]
        )
        head = ask(app, path, method="HEAD")
        assert hops == []
        assert first.data == again.data == TEXT
        assert dict(first.headers) == dict(again.headers) == dict(head.headers)
        assert (unchanged.status_code, unchanged.data, head.data) == (304, b"", b"")
        assert unchanged.headers["ETag"] == first.headers["ETag"]
        assert "Content-Type" not in unchanged.headers


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="there is no reading that does not wait")
def test_a_file_on_a_disk_is_read_on_the_loop_only_out_of_memory(
    folder: Path, disk: list[str | None], hops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disk.append("ext4")
    app = made(folder)
    etag = ask(app).headers["ETag"]
    hops.clear()
    reads: list[int] = []

    def would_wait(descriptor: int, buffers: t.Any, offset: int, flags: int) -> int:
        reads.append(flags)
        raise BlockingIOError

    monkeypatch.setattr(os, "preadv", would_wait)
    assert ask(app).data == TEXT
    assert reads == [os.RWF_NOWAIT]
    assert hops == ["kolben-view"]
    hops.clear()
    assert ask(app, if_none_match=etag).status_code == 304
    assert hops == []


def test_a_disk_that_may_hang_is_looked_at_in_a_thread(folder: Path, disk: list[str | None], hops: list[str]) -> None:
    disk.append(None)
    app = made(folder)
    for _ in range(3):
        assert ask(app).data == TEXT
    assert hops == ["kolben-view"] * 3


def test_large_files_and_ranges_are_read_in_a_thread(folder: Path, disk: object, hops: list[str]) -> None:
    app = made(folder)
    for _ in range(2):
        assert len(ask(app, "/static/large.bin").data) == 100_000
    assert hops.count("kolben-view") >= 4
    assert ask(app, range="bytes=0-3").data == TEXT[:4]
    hops.clear()
    partial = ask(app, range="bytes=0-3")
    assert (partial.status_code, partial.data) == (206, TEXT[:4])
    assert "kolben-view" in hops
    assert ask(app, if_match='"other"').status_code == 412
    assert ask(app, range="bytes=1000-").status_code == 416


def test_a_file_that_changes_is_sent_as_it_is(folder: Path, disk: object, hops: list[str]) -> None:
    app = made(folder)
    ask(app)
    old = ask(app).headers["ETag"]
    (folder / "static" / "a.css").write_bytes(b"new text")
    changed = ask(app, if_none_match=old)
    assert (changed.status_code, changed.data) == (200, b"new text")
    (folder / "static" / "a.css").unlink()
    assert ask(app).status_code == 404


def test_a_link_or_pipe_that_takes_the_place_of_a_file_is_not_sent(folder: Path, disk: object) -> None:
    app = made(folder)
    for path, target in (("a.css", "secret"), ("css", "static")):
        name = "a.css" if path == "a.css" else "css/b.css"
        assert ask(app, f"/static/{name}").data == ask(app, f"/static/{name}").data == TEXT
        (folder / "static" / path).rename(folder / f"old-{path}")
        (folder / "static" / path).symlink_to(folder / target)
        assert ask(app, f"/static/{name}").status_code == 404
    (folder / "static" / "a.css").unlink()
    os.mkfifo(folder / "static" / "a.css")
    assert ask(app).status_code == 404


def test_a_pipe_that_comes_after_the_look_does_not_stop_the_loop(
    folder: Path, disk: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = made(folder)
    ask(app)
    known = directories._known[str(folder / "static" / "a.css")]
    (folder / "static" / "a.css").unlink()
    os.mkfifo(folder / "static" / "a.css")
    assert directories._read_cached(known) is None
    (folder / "static" / "a.css").unlink()
    (folder / "static" / "a.css").symlink_to(folder / "secret")
    assert directories._read_cached(known) is None


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
@pytest.mark.parametrize("on_loop", [True, False])
def test_a_file_of_another_length_that_comes_after_the_look_is_looked_at_again(
    folder: Path, disk: list[str | None], kind: str, on_loop: bool
) -> None:
    disk.append(kind)
    app = made(folder)
    ask(app)
    known = directories._known[str(folder / "static" / "a.css")]
    for text in (TEXT[:-1], TEXT + b"!"):
        (folder / "static" / "a.css").write_bytes(text)
        assert directories._open_known(known, 0, known.size, on_loop) is None


def test_a_synchronous_function_around_it_takes_it_to_a_thread(folder: Path, disk: object) -> None:
    def mode(app: Kolben) -> Mode:
        assert ask(app).data == ask(app).data == TEXT
        return app.plans(on_loop=True)["static"].mode

    async def nothing(*args: t.Any) -> t.Any:
        return args[0] if args else None

    assert mode(made(folder)) is Mode.LOOP
    for register in ("before_request", "after_request", "teardown_request", "teardown_appcontext"):
        app = made(folder)
        getattr(app, register)(nothing)
        assert mode(app) is Mode.LOOP
        app = made(folder)
        getattr(app, register)(lambda *args: args[0] if args else None)
        assert mode(app) is Mode.THREAD


def test_whatever_is_overridden_is_called_in_a_thread(folder: Path, disk: object, hops: list[str]) -> None:
    assert ask(made(folder, Sending)).data == ask(made(folder, Sending)).data == b"a.css!"
    app = made(folder, Keeping)
    assert ask(app).headers["Cache-Control"] == ask(app).headers["Cache-Control"] == "public, max-age=60"
    assert hops == ["kolben-view"] * 4
    app = made(folder)
    ask(app)
    t.cast("t.Any", app).get_send_file_max_age = lambda filename: 7
    hops.clear()
    assert ask(app).headers["Cache-Control"] == "public, max-age=7"
    assert hops == ["kolben-view"]


def test_a_view_that_decorates_the_static_one_is_called(folder: Path, disk: object) -> None:
    app = made(folder)
    own = app.view_functions["static"]

    @functools.wraps(own)
    def protected(**values: t.Any) -> t.Any:
        return "log in" if values["filename"] == "a.css" else own(**values)

    app.view_functions["static"] = protected
    assert ask(app).data == ask(app).data == b"log in"
    assert app.plans(on_loop=True)["static"].mode is Mode.THREAD


def test_the_static_view_can_be_named_and_marked_like_any(folder: Path) -> None:
    view: t.Any = Kolben("app", root_path=str(folder)).view_functions["static"]
    view.is_exempt = True
    assert (f"{view.__module__}.{view.__name__}", view.__qualname__) == ("kolben.registrar.static", "static")
    assert functools.wraps(view)(lambda **values: None).__name__ == "static"


def test_settings_of_files_count_on_the_loop(folder: Path, disk: object, hops: list[str]) -> None:
    app = made(folder)
    ask(app)
    hops.clear()
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 60
    kept = ask(app)
    assert kept.headers["Cache-Control"] == "public, max-age=60"
    assert "Expires" in kept.headers
    assert hops == []
    app.config["USE_X_SENDFILE"] = True
    assert ask(app).headers["X-Sendfile"] == str(folder / "static" / "a.css")
    assert hops == ["kolben-view"]


def test_a_blueprints_files_are_answered_so_too(folder: Path, disk: object, hops: list[str]) -> None:
    app = Kolben("site", root_path=str(folder), static_folder=None)
    blueprint = Blueprint("shop", "shop", root_path=str(folder), static_folder="static", url_prefix="/shop")
    app.register_blueprint(blueprint)
    ask(app, "/shop/static/a.css")
    hops.clear()
    assert ask(app, "/shop/static/a.css").data == TEXT
    assert hops == []
    t.cast("t.Any", blueprint).get_send_file_max_age = lambda filename: 7
    assert ask(app, "/shop/static/a.css").headers["Cache-Control"] == "public, max-age=7"
    assert hops == ["kolben-view"]


def test_error_handlers_answer_what_is_not_there(folder: Path, disk: object) -> None:
    app = made(folder)
    app.register_error_handler(404, lambda error: ("nothing here", 404))
    assert ask(app, "/static/missing").data == b"nothing here"
    assert app.plans(on_loop=True)["static"].mode is Mode.LOOP


def test_hooks_see_the_headers_of_a_prepared_answer(folder: Path, disk: object) -> None:
    app = made(folder)
    seen: list[dict[str, str]] = []

    @app.after_request
    async def note(response: t.Any) -> t.Any:
        seen.append(dict(response.headers))
        response.headers["X-Seen"] = "yes"
        return response

    etag = ask(app).headers["ETag"]
    unchanged = ask(app, if_none_match=etag)
    assert seen[1]["Content-Type"] == "text/css; charset=utf-8"
    assert unchanged.status_code == 304
    assert unchanged.headers["X-Seen"] == "yes"
    assert "Content-Type" not in unchanged.headers


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_hook_that_changes_the_status_alone_gets_the_headers_for_it(
    folder: Path, disk: object, protocol: t.Any
) -> None:
    etag = ask(made(folder)).headers["ETag"]
    app = made(folder)
    client = app.test_client(protocol=protocol)

    @app.after_request
    def change(response: t.Any) -> t.Any:
        response.status_code = 200 if response.status_code == 304 else 204
        return response

    assert client.get("/static/a.css", headers={"If-None-Match": etag}).headers["Content-Type"].startswith("text/css")
    assert "Content-Length" not in client.get("/static/a.css").headers


@pytest.mark.skipif(sys.platform != "linux", reason="file systems are told apart on Linux alone")
def test_the_disk_of_this_test_is_asked_for_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def asking(folder: str, device: int) -> str | None:
        asked.append(folder)
        return local_file_system(folder, device)

    monkeypatch.setattr(directories, "local_file_system", asking)
    app = made(folder)
    for _ in range(3):
        assert ask(app).data == TEXT
    assert asked == [str(folder / "static")]


def lowered(response: t.Any) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_whoever_wants_to_see_a_response_sees_one(folder: Path, disk: object, protocol: t.Any) -> None:
    app = made(folder)
    client = app.test_client(protocol=protocol)
    plain = [client.get("/static/a.css") for _ in range(2)][-1]
    seen: list[t.Any] = []

    def note(sender: Kolben, response: t.Any, **extra: t.Any) -> None:
        seen.append((response.status, response.get_data(), lowered(response)))

    with request_finished.connected_to(note, app):
        assert client.get("/static/a.css").data == TEXT
        assert client.get("/static/a.css", headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304
    assert seen[0] == ("200 OK", TEXT, lowered(plain))
    assert seen[1][:2] == ("304 NOT MODIFIED", b"")

    app = made(folder)
    app.secret_key = "secret"

    @app.before_request
    async def begin() -> None:
        session["seen"] = True

        @after_this_request
        def mark(response: t.Any) -> t.Any:
            response.headers["X-Seen"] = "yes"
            return response

    marked = [app.test_client(protocol=protocol).get("/static/a.css") for _ in range(2)][-1]
    assert (marked.data, marked.headers["X-Seen"], "Set-Cookie" in marked.headers) == (TEXT, "yes", True)


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_page_that_turns_out_to_be_wanted_as_a_response_becomes_one(
    folder: Path, disk: object, protocol: t.Any
) -> None:
    app = made(folder)
    client = app.test_client(protocol=protocol)
    plain = [client.get("/static/a.css") for _ in range(2)][-1]
    with app.test_request_context("/static/a.css") as ctx:
        page = directories.send_known(
            app, ctx.request, str(folder / "static"), "a.css", on_loop=protocol == "asgi", as_page=True
        )
        assert isinstance(page, Page)
        response = app.plans(on_loop=False).convert(page)
    assert isinstance(response, app.response_class)
    assert (response.status, response.get_data()) == ("200 OK", TEXT)
    assert lowered(response) == lowered(plain)


def test_under_wsgi_what_is_overridden_is_called_too(folder: Path) -> None:
    def get(app: Kolben) -> t.Any:
        client = app.test_client()
        return [client.get("/static/a.css") for _ in range(2)][-1]

    assert get(made(folder, Sending)).data == b"a.css!"
    assert get(made(folder, Keeping)).headers["Cache-Control"] == "public, max-age=60"
    app = made(folder)
    assert get(app).headers["Cache-Control"] == "no-cache"
    t.cast("t.Any", app).get_send_file_max_age = lambda filename: 7
    assert get(app).headers["Cache-Control"] == "public, max-age=7"
    assert app.test_client().head("/static/a.css").headers["Content-Length"] == str(len(TEXT))
    assert app.test_client().get("/static/../secret").status_code == 404
