from __future__ import annotations

import importlib.util
import pathlib
import sys
import types
import typing as t

import pytest
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response

import kolben
from kolben import Kolben, helpers, request, session
from kolben.helpers import (
    abort,
    flash,
    get_debug_flag,
    get_flashed_messages,
    get_load_dotenv,
    get_root_path,
    make_response,
    redirect,
    stream_with_context,
    url_for,
)
from kolben.signals import message_flashed
from kolben.testing import KolbenClient

ViewKind = t.Callable[[t.Any], t.Any]


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def clean_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DEBUG", "SKIP_DOTENV"):
            monkeypatch.delenv(f"KOLBEN_{name}", raising=False)
            monkeypatch.delenv(f"FLASK_{name}", raising=False)

    @pytest.mark.parametrize("name", ["KOLBEN_DEBUG", "FLASK_DEBUG"])
    @pytest.mark.parametrize(
        ("value", "debug"), [("", False), ("0", False), ("False", False), ("no", False), ("1", True), ("yes", True)]
    )
    def test_debug_flag(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, debug: bool) -> None:
        assert get_debug_flag() is False
        monkeypatch.setenv(name, value)
        assert get_debug_flag() is debug

    def test_own_name_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLASK_DEBUG", "1")
        monkeypatch.setenv("KOLBEN_DEBUG", "0")
        assert get_debug_flag() is False

    @pytest.mark.parametrize("name", ["KOLBEN_SKIP_DOTENV", "FLASK_SKIP_DOTENV"])
    @pytest.mark.parametrize(("value", "load"), [("", True), ("0", True), ("no", True), ("1", False), ("yes", False)])
    def test_load_dotenv(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, load: bool) -> None:
        monkeypatch.setenv(name, value)
        assert get_load_dotenv() is load

    def test_load_dotenv_default(self) -> None:
        assert get_load_dotenv() is True
        assert get_load_dotenv(default=False) is False


class TestResponses:
    def test_make_response(self, app: Kolben) -> None:
        with app.test_request_context():
            assert make_response().data == b""
            assert make_response("x").data == b"x"
            response = make_response("x", 201, {"X-A": "b"})
            assert (response.status_code, response.headers["X-A"]) == (201, "b")
            assert isinstance(make_response({"a": 1}), app.response_class)

    def test_url_for(self, app: Kolben) -> None:
        @app.get("/user/<int:key>", endpoint="user")
        def user(key: int) -> str:
            return str(key)

        with app.test_request_context():
            assert url_for("user", key=1) == "/user/1"
            assert url_for("user", key=1, tab="a b", _anchor="x") == "/user/1?tab=a+b#x"
            assert url_for("user", key=1, _external=True, _scheme="https") == "https://localhost/user/1"

    def test_url_for_calls_the_method_of_the_application(self) -> None:
        class Loud(Kolben):
            def url_for(self, /, endpoint: str, *args: t.Any, **values: t.Any) -> str:
                return f"{endpoint}!{values['key']}"

        with Loud(__name__).app_context():
            assert url_for("user", key=1) == "user!1"

    def test_redirect_with_and_without_an_application(self) -> None:
        class Seeing(Kolben):
            def redirect(self, location: str, code: int = 302) -> Response:
                return Response(f"see {location}", code)

        with Seeing(__name__).app_context():
            assert redirect("/there", 303).get_data(as_text=True) == "see /there"
        response = redirect("/there", Response=Response)
        assert (response.status_code, response.location) == (302, "/there")

    def test_abort_with_and_without_an_application(self, app: Kolben) -> None:
        class Teapot(HTTPException):
            code = 499

        app.aborter.mapping[499] = Teapot
        with app.app_context(), pytest.raises(Teapot):
            abort(499)
        with pytest.raises(NotFound, match="gone"):
            abort(404, "gone")
        with pytest.raises(LookupError):
            abort(499)

    def test_outside_of_an_application(self) -> None:
        for function in (lambda: url_for("x"), make_response):
            with pytest.raises(RuntimeError, match="outside of application context"):
                function()

    def test_files_are_sent_from_where_they_are_needed(self) -> None:
        from kolben.http import directories, files

        assert helpers.send_file is files.send_file
        assert helpers.send_from_directory is directories.send_from_directory
        with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
            helpers.no_such_name  # noqa: B018

    def test_get_template_attribute(self, app: Kolben) -> None:
        from jinja2 import DictLoader

        app.jinja_loader = DictLoader({"m.html": "{% macro hello(name) %}Hello {{ name }}!{% endmacro %}"})
        with app.app_context():
            assert helpers.get_template_attribute("m.html", "hello")("World") == "Hello World!"


class TestFlashing:
    def test_messages_are_shown_by_the_next_request(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/flash")
        def flash_two() -> str:
            flash("one")
            flash("two", "error")
            return ""

        @app.get("/show")
        def show() -> list[t.Any]:
            return [get_flashed_messages(with_categories=True), get_flashed_messages()]

        client.get("/flash")
        shown = client.get("/show").json
        assert shown == [[["message", "one"], ["error", "two"]], ["one", "two"]]
        assert client.get("/show").json == [[], []]

    def test_filter(self, app: Kolben) -> None:
        with app.test_request_context():
            for category in ("info", "error", "warning"):
                flash(f"an {category}", category)
            assert get_flashed_messages(category_filter=["error", "info"]) == ["an info", "an error"]
            assert get_flashed_messages(True, ("warning",)) == [("warning", "an warning")]
            assert "_flashes" not in session

    def test_session_keeps_its_own_list(self, app: Kolben) -> None:
        with app.test_request_context():
            flash("one")
            first = session["_flashes"]
            session.modified = False
            flash("two")
            assert session.modified
            assert first == [("message", "one")]

    def test_signal(self, app: Kolben) -> None:
        seen: list[t.Any] = []

        def receive(sender: Kolben, **values: t.Any) -> None:
            seen.append((sender, values))

        with message_flashed.connected_to(receive, app), app.test_request_context():
            flash("one", "info")
        assert seen == [(app, {"message": "one", "category": "info"})]


class TestStreamWithContext:
    def test_forms_of_it(self, app: Kolben, client: KolbenClient, view_kind: ViewKind) -> None:
        @app.get("/wrapped")
        def wrapped() -> t.Any:
            def pieces() -> t.Iterator[str]:
                yield "Hello "
                yield request.args["name"]

            return stream_with_context(view_kind(pieces)())

        @app.get("/decorated")
        def decorated() -> t.Any:
            @stream_with_context
            @view_kind
            def pieces(greeting: str) -> t.Iterator[str]:
                yield greeting
                yield request.args["name"]

            stream: t.Any = pieces
            return app.response_class(stream("Hello "))

        assert client.get("/wrapped?name=Ann").text == "Hello Ann"
        assert client.get("/decorated?name=Ann").text == "Hello Ann"

    def test_context_is_there_in_each_step_and_not_between(self, app: Kolben) -> None:
        def pieces() -> t.Iterator[str]:
            try:
                yield request.path
                yield request.path
            finally:
                closed.append(request.path)

        closed: list[str] = []
        with app.test_request_context("/a"):
            stream = stream_with_context(pieces())
        assert next(stream) == "/a"
        assert not request
        with app.test_request_context("/b"):
            assert next(stream) == "/a"
            assert request.path == "/b"
        stream.close()  # type: ignore[attr-defined]  # as servers do
        assert closed == ["/a"]

    def test_any_iterable_can_be_wrapped_and_closed(self, app: Kolben) -> None:
        with app.test_request_context():
            stream: t.Any = stream_with_context(iter(["a", "b"]))
        assert list(stream) == ["a", "b"]
        stream.close()

    def test_closing_an_async_stream(self, app: Kolben) -> None:
        closed: list[str] = []

        async def pieces() -> t.AsyncIterator[str]:
            try:
                yield request.path
            finally:
                closed.append(request.path)

        async def read_one() -> str:
            with app.test_request_context("/a"):
                stream: t.Any = stream_with_context(pieces())
            piece = await anext(stream)
            await stream.aclose()
            return t.cast("str", piece)

        import asyncio

        assert asyncio.run(read_one()) == "/a"
        assert closed == ["/a"]

    def test_without_a_request(self) -> None:
        @stream_with_context
        def pieces() -> t.Iterator[str]:
            yield ""

        assert pieces.__name__ == "pieces"
        with pytest.raises(RuntimeError, match="'stream_with_context' can only be used when a request context"):
            pieces()
        with pytest.raises(RuntimeError, match="'stream_with_context' can only be used when a request context"):
            stream_with_context(iter([""]))


class TestRootPath:
    def test_module_and_package(self) -> None:
        assert get_root_path(__name__) == str(pathlib.Path(__file__).parent)
        assert get_root_path("kolben") == str(pathlib.Path(kolben.__file__).parent)

    def test_module_that_is_not_imported(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "not_imported.py").write_text("")
        (tmp_path / "a_package").mkdir()
        (tmp_path / "a_package" / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        assert get_root_path("not_imported") == str(tmp_path)
        assert get_root_path("a_package") == str(tmp_path / "a_package")
        assert "not_imported" not in sys.modules

    @pytest.mark.parametrize("name", ["no_such_module", "no_such.module", ""])
    def test_nothing_to_be_found(self, name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert get_root_path(name) == str(tmp_path)

    def test_module_without_a_file(self, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(sys.modules, "interactive", types.ModuleType("interactive"))
        assert get_root_path("interactive") == str(tmp_path)

    def test_import_hook_that_tells_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Loader:
            def create_module(self, spec: t.Any) -> None:
                return None

            def exec_module(self, module: t.Any) -> None:
                pass

        class Finder:
            @staticmethod
            def find_spec(name: str, *args: t.Any) -> t.Any:
                if name != "from_a_hook":
                    return None
                return importlib.util.spec_from_loader(name, t.cast("t.Any", Loader()))

        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
        with pytest.raises(RuntimeError, match="No root path can be found for the provided module 'from_a_hook'"):
            get_root_path("from_a_hook")
        del sys.modules["from_a_hook"]


def test_make_response_within_another_applications_context_is_that_applications(
    app: Kolben, client: KolbenClient
) -> None:
    class Plain(kolben.Response):
        default_mimetype = "text/plain"

    other = Kolben("other")
    other.response_class = Plain

    @app.get("/")
    def view() -> str:
        with other.app_context():
            return make_response("text").mimetype or ""

    assert client.get("/").text == "text/plain"
