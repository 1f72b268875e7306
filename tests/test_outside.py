"""The error for a proxy without its context: what it names, and what it advises."""

from __future__ import annotations

import pathlib
import pickle
import subprocess
import sys
import textwrap
import threading
import typing as t

import pytest

from kolben import Kolben, current_app, g, render_template_string, request, session, url_for


def line_of(func: t.Callable[[], t.Any]) -> int:
    return func.__code__.co_firstlineno


def message(func: t.Callable[[], t.Any]) -> str:
    with pytest.raises(RuntimeError) as caught:
        func()
    return str(caught.value)


def run(folder: pathlib.Path, source: str, **files: str) -> str:
    """Write a program and other modules, run the program, and return what it writes to stderr."""
    for name, text in {"program": source, **files}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)
    return done.stderr


@pytest.mark.parametrize(
    ("use", "call"),
    [
        (lambda: current_app.config, "current_app.config"),
        (lambda: url_for("index", page=1), 'url_for("index", page=1)'),
        (lambda: g.user, "g.user"),
        (lambda: request.args.get("name"), "request.args"),
        (lambda: session["name"], 'session["name"]'),
    ],
)
def test_the_call_and_its_place_are_named(use: t.Callable[[], t.Any], call: str) -> None:
    text = message(use)

    assert text.startswith("Working outside of ")
    assert f"It was '{call}'" in text
    assert f"test_outside.py', line {line_of(use)}" in text


def test_a_call_over_several_lines_is_one() -> None:
    def use() -> str:
        return url_for(
            "index",
            page=1,
        )

    assert "It was 'url_for( \"index\", page=1, )'" in message(use)
    assert ", in 'use'.\n" in message(use)


def test_flasks_own_words_come_first() -> None:
    first = message(lambda: request.path).split("\n\nIt was ")[0]

    assert first == (
        "Working outside of request context.\n\nThis typically means that you attempted to use functionality that"
        " needed\nan active HTTP request. Consult the documentation on testing for\ninformation about how to avoid this"
        " problem."
    )


def test_each_context_has_its_ways() -> None:
    app_ways, request_ways = message(lambda: current_app.name), message(lambda: request.path)

    assert "with app.app_context():" in app_ways
    assert "kolben shell" in app_ways
    assert "with_appcontext" in app_ways
    assert 'with app.test_request_context("/path"):' in request_ways
    assert "with_appcontext" not in request_ways


def test_a_thread_is_named() -> None:
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(message(lambda: request.path)), name="mailer")
    thread.start()
    thread.join()

    assert "runs in the thread 'mailer'" in texts[0]


def test_a_library_in_between_is_not_the_users_code(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "a_database_extension.py").write_text(
        "from kolben import current_app\nclass Database:\n    @property\n    def session(self):\n"
        "        return current_app.extensions['db']\ndb = Database()\n"
    )
    monkeypatch.syspath_prepend(folder)
    from a_database_extension import db  # type: ignore[import-not-found]  # made above

    def use() -> t.Any:
        return db.session

    text = message(use)

    assert f"It was 'db.session', which uses 'current_app', in 'tests/test_outside.py', line {line_of(use) + 1}" in text


def test_a_template_is_named_with_its_line(tmp_path: pathlib.Path) -> None:
    app = Kolben("site", root_path=str(tmp_path))
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("<p>\n{{ request.path }}\n")
    template = app.jinja_env.get_template("page.html")

    text = message(lambda: template.render())

    assert "It was '{{ request.path }}' in " in text
    assert "page.html', line 2" in text


def test_a_template_without_a_file() -> None:
    assert message(lambda: render_template_string("{{ 1 }}")).startswith("Working outside of application context.")


def test_asking_whether_there_is_one_reads_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*args: t.Any) -> str:
        raise AssertionError("Source was read.")

    monkeypatch.setattr("linecache.getline", read)

    assert not request
    assert not current_app


def test_it_is_shown_and_pickled_as_a_runtime_error() -> None:
    with pytest.raises(RuntimeError) as caught:
        _ = request.path

    assert type(caught.value).__name__ == "RuntimeError"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is RuntimeError
    assert str(copy) == str(caught.value)


def test_code_that_runs_at_import(tmp_path: pathlib.Path) -> None:
    shown = run(
        tmp_path, "import settings", settings="from kolben import current_app\nKEY = current_app.config['KEY']\n"
    )

    assert "RuntimeError: Working outside of application context." in shown
    assert "It was 'current_app.config' in 'settings.py', line 2." in shown
    assert "This line runs when its module is imported" in shown


def test_code_without_source_names_the_proxy() -> None:
    code = compile("request.path", "<string>", "eval")

    assert "It was 'request' in '<string>', line 1." in message(lambda: eval(code, {"request": request}))


FLASK = """
    from contextvars import ContextVar
    from werkzeug.local import LocalProxy
    _cv_app = ContextVar("flask.app_ctx")
    current_app = LocalProxy(_cv_app, "app", unbound_message="Working outside of application context.")
"""


@pytest.fixture
def other_flask(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a package that has the parts of the real Flask that matter here."""
    package = tmp_path / "flask"
    package.mkdir()
    (package / "__init__.py").write_text("from .globals import current_app\n")
    (package / "globals.py").write_text(textwrap.dedent(FLASK))
    return tmp_path


def test_a_proxy_of_the_real_flask_in_a_kolben_application(other_flask: pathlib.Path) -> None:
    shown = run(
        other_flask,
        """
        import extension
        from kolben import Kolben

        app = Kolben(__name__)

        @app.route("/")
        def index():
            return extension.name()

        app.test_client().get("/")
        """,
        extension="import flask\n\ndef name():\n    return flask.current_app.name\n",
    )

    assert "Working outside of application context." in shown
    assert "'flask.current_app.name' in 'extension.py', line 4 uses the real Flask" in shown
    assert "'import kolben.as_flask' as the program's first line" in shown


def test_a_proxy_of_kolbens_in_an_application_of_the_real_flask(other_flask: pathlib.Path) -> None:
    shown = run(
        other_flask,
        """
        import flask.globals
        from kolben import current_app

        token = flask.globals._cv_app.set(object())
        try:
            current_app.name
        finally:
            flask.globals._cv_app.reset(token)
        """,
    )

    assert "There was a context of Flask's own at that moment" in shown
    assert "'import kolben.as_flask'" in shown
