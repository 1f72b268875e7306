from __future__ import annotations

import asyncio
import inspect
import logging
import pathlib
import typing as t

import jinja2.nativetypes
import pytest
from jinja2 import DictLoader, Template, TemplateNotFound
from jinja2 import Environment as JinjaEnvironment

from kolben import (
    Blueprint,
    Kolben,
    g,
    render_template,
    render_template_string,
    session,
    stream_template,
    stream_template_string,
)
from kolben.signals import before_render_template, template_rendered
from kolben.templating import DispatchingJinjaLoader, Environment
from kolben.testing import KolbenClient

ViewKind = t.Callable[[t.Any], t.Any]

TEMPLATES = {
    "hello.html": "Hello {{ name }}!",
    "page.html": "{% extends 'layout.html' %}{% block body %}{{ super() }}page{% endblock %}",
    "layout.html": "<{% block body %}layout {% endblock %}>",
    "escaped.html": "{{ text }}",
    "plain.txt": "{{ text }}",
}


@pytest.fixture
def app(app: Kolben) -> Kolben:
    app.jinja_loader = DictLoader(TEMPLATES)
    return app


class TestRendering:
    def test_by_name_in_views_of_either_kind(self, app: Kolben, client: KolbenClient, view_kind: ViewKind) -> None:
        @app.get("/<name>")
        @view_kind
        def index(name: str) -> str:
            return render_template("hello.html", name=name)

        assert client.get("/Ann").text == "Hello Ann!"

    def test_awaited(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/<name>")
        async def index(name: str) -> t.Any:
            awaitable: t.Any = render_template("hello.html", name=name)
            text = await awaitable
            assert type(text) is str
            pieces: t.Any = stream_template("hello.html", name=name)
            assert "".join(await pieces) == text
            return text

        assert client.get("/Ann").text == "Hello Ann!"

    def test_first_of_several_that_exists(self, app: Kolben) -> None:
        with app.test_request_context():
            assert render_template(["missing.html", "page.html"]) == "<layout page>"
            assert render_template(Template("own {{ name }}"), name="x") == "own x"
            with pytest.raises(TemplateNotFound, match=r"missing\.html"):
                render_template("missing.html")

    def test_a_missing_one_is_told_with_the_folders_searched(self, app: Kolben, tmp_path: pathlib.Path) -> None:
        app.register_blueprint(
            Blueprint("blog", __name__, root_path=str(tmp_path), template_folder="nowhere"), url_prefix="/blog"
        )
        with app.app_context(), pytest.raises(TemplateNotFound) as caught:
            render_template("missing.html")

        assert caught.value.name == "missing.html"
        assert "none of these folders:\n- DictLoader\n" in str(caught.value)
        assert f"- {tmp_path}/nowhere (does not exist)" in str(caught.value)

    def test_without_a_request(self, app: Kolben) -> None:
        with app.app_context():
            assert render_template_string("{{ g.user|default('nobody') }} {{ config.TESTING }}") == "nobody True"
        with pytest.raises(RuntimeError, match="outside of application context"):
            render_template("hello.html")

    def test_what_templates_see(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> str:
            g.user = "Ann"
            session["count"] = 3
            return render_template_string(
                "{{ request.path }} {{ g.user }} {{ session.count }} {{ config.TESTING }} {{ url_for('index') }}"
                " {{ get_flashed_messages()|length }}"
            )

        assert client.get("/").text == "/ Ann 3 True / 0"

    def test_s26_session_stays_closed_unless_the_template_looks_at_it(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/quiet")
        def quiet() -> str:
            return render_template_string("quiet")

        @app.get("/looks")
        def looks() -> str:
            return render_template_string("{{ session.user }}")

        assert "Vary" not in client.get("/quiet").headers
        assert client.get("/looks").headers["Vary"] == "Cookie"


class TestStrings:
    def test_compiled_once(self, app: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
        compiled: list[t.Any] = []
        from_string = JinjaEnvironment.from_string

        def recording(self: JinjaEnvironment, source: str) -> Template:
            compiled.append(source)
            return from_string(self, source)

        monkeypatch.setattr(JinjaEnvironment, "from_string", recording)
        with app.app_context():
            assert [render_template_string("{{ n }}", n=n) for n in range(3)] == ["0", "1", "2"]
            assert "".join(stream_template_string("{{ n }}", n=3)) == "3"
        assert compiled == ["{{ n }}"]

    def test_cache_is_bounded(self, app: Kolben) -> None:
        env = app.jinja_env
        assert isinstance(env, Environment)
        for number in range(3 * env.STRINGS_AT_MOST):
            assert env.compiled(f"{number}").render() == str(number)
            assert len(env._compiled) <= env.STRINGS_AT_MOST

    def test_overlay_compiles_for_itself(self, app: Kolben) -> None:
        env = app.jinja_env
        other = env.overlay(variable_start_string="[[", variable_end_string="]]")
        assert env.compiled("[[ 1 ]]").render() == "[[ 1 ]]"
        assert other.compiled("[[ 1 ]]").render() == "1"

    def test_environment_of_somebody_else(self, app: Kolben) -> None:
        class Own(JinjaEnvironment):
            def __init__(self, app: Kolben, **options: t.Any) -> None:
                super().__init__(**options)

        app.jinja_environment = Own  # type: ignore[assignment]  # any environment that takes the application
        with app.app_context():
            assert render_template_string("{{ 1 + 1 }}") == "2"


class TestEscaping:
    @pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xml", "a.xhtml", "a.svg"])
    def test_s39_on_for_markup(self, app: Kolben, name: str) -> None:
        app.jinja_loader = DictLoader({name: "{{ text }}"})
        with app.app_context():
            assert render_template(name, text="<b>") == "&lt;b&gt;"

    def test_s39_on_for_strings_and_off_for_text(self, app: Kolben) -> None:
        with app.app_context():
            assert render_template_string("{{ text }}", text="<b>") == "&lt;b&gt;"
            assert "".join(stream_template_string("{{ text }}", text="<b>")) == "&lt;b&gt;"
            assert render_template("plain.txt", text="<b>") == "<b>"

    def test_s39_json_in_html(self, app: Kolben) -> None:
        source = "<script>x = {{ value|tojson }}</script><a data-x='{{ value|tojson }}'>"
        with app.app_context():
            text = render_template_string(source, value={"a": "</script>'&"})
        assert text.count("</script>") == 1
        assert text.count("'") == 2
        assert "\\u003c/script\\u003e\\u0027\\u0026" in text

    def test_s39_source_is_no_place_for_input(self, app: Kolben) -> None:
        with app.app_context():
            assert render_template_string("{{ text }}", text="{{ 7 * 7 }}") == "{{ 7 * 7 }}"


class TestContextProcessors:
    def test_blueprint_over_application_and_given_over_both(self, app: Kolben, client: KolbenClient) -> None:
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
        for registrar, name in ((app, "app"), (outer, "outer"), (inner, "inner")):

            @registrar.context_processor
            def processor(name: str = name) -> dict[str, t.Any]:
                return {"last": name, f"by_{name}": True, "given": name}

        @inner.get("/inner")
        @outer.get("/outer")
        @app.get("/app")
        def index() -> str:
            return render_template_string(
                "{{ last }} {{ by_app }} {{ by_outer }} {{ by_inner }} {{ given }}", given="x"
            )

        outer.register_blueprint(inner)
        app.register_blueprint(outer)
        assert client.get("/app").text == "app True   x"
        assert client.get("/outer").text == "outer True True  x"
        assert client.get("/inner").text == "inner True True True x"

    def test_async_processor_in_views_of_either_kind(
        self, app: Kolben, client: KolbenClient, view_kind: ViewKind
    ) -> None:
        @app.context_processor
        async def name() -> dict[str, str]:
            await asyncio.sleep(0)
            return {"name": g.name}

        @app.get("/<name>")
        @view_kind
        def index(name: str) -> str:
            g.name = name
            return render_template("hello.html")

        @app.get("/stream/<name>")
        @view_kind
        def stream(name: str) -> t.Any:
            g.name = name
            return stream_template("hello.html")

        assert client.get("/Ann").text == "Hello Ann!"
        assert client.get("/stream/Ann").text == "Hello Ann!"

    def test_async_processor_in_a_view_that_awaits(self, app: Kolben, client: KolbenClient) -> None:
        @app.context_processor
        async def name() -> dict[str, str]:
            await asyncio.sleep(0)
            return {"name": "Ann"}

        @app.get("/")
        async def index() -> str:
            awaitable: t.Any = render_template("hello.html")
            assert inspect.iscoroutine(awaitable)
            return f"<{await awaitable}>"

        assert client.get("/").text == "<Hello Ann!>"

    def test_override_of_update_template_context(self) -> None:
        class Own(Kolben):
            def update_template_context(self, context: dict[str, t.Any]) -> None:
                super().update_template_context(context)
                context["name"] = "own"

        app = Own(__name__)
        with app.app_context():
            assert render_template_string("{{ name }}", name="given") == "own"


class TestStreaming:
    def test_template_comes_in_pieces(self, app: Kolben, client: KolbenClient, view_kind: ViewKind) -> None:
        @app.get("/<name>")
        @view_kind
        def index(name: str) -> t.Any:
            return stream_template("hello.html", name=name)

        assert client.get("/Ann").text == "Hello Ann!"
        with app.app_context():
            assert list(stream_template("hello.html", name="Ann")) == ["Hello ", "Ann", "!"]

    def test_context_is_there_while_it_runs(self, app: Kolben, client: KolbenClient) -> None:
        @app.get("/")
        def index() -> t.Any:
            return stream_template_string("{{ url_for('index') }} {{ request.args.a }} {{ session.user }}")

        assert client.get("/?a=b").text == "/ b "

    def test_closing_on_the_loop(self, app: Kolben) -> None:
        async def read_one() -> list[str]:
            with app.app_context():
                pieces: t.Any = stream_template("hello.html", name="Ann")
                first = next(pieces)
                pieces.close()
                return [first, *pieces]

        assert asyncio.run(read_one()) == ["Hello "]


class TestSignals:
    def test_before_and_after(self, app: Kolben) -> None:
        seen: list[t.Any] = []

        def before(sender: Kolben, template: Template, context: dict[str, t.Any]) -> None:
            seen.append(("before", sender, template.name))
            context["name"] = "changed"

        def after(sender: Kolben, template: Template, context: dict[str, t.Any]) -> None:
            seen.append(("after", sender, context["name"]))

        with (
            before_render_template.connected_to(before, app),
            template_rendered.connected_to(after, app),
            app.app_context(),
        ):
            assert render_template("hello.html", name="x") == "Hello changed!"
            pieces = stream_template("hello.html", name="x")
            assert len(seen) == 3
            assert "".join(pieces) == "Hello changed!"
        assert seen == [("before", app, "hello.html"), ("after", app, "changed")] * 2

    def test_async_receiver_in_views_of_either_kind(
        self, app: Kolben, client: KolbenClient, view_kind: ViewKind
    ) -> None:
        seen: list[str] = []

        async def after(sender: Kolben, template: Template, context: dict[str, t.Any]) -> None:
            await asyncio.sleep(0)
            seen.append(context["name"])

        @app.get("/<name>")
        @view_kind
        def index(name: str) -> str:
            return render_template("hello.html", name=name)

        with template_rendered.connected_to(after, app):
            assert client.get("/Ann").text == "Hello Ann!"
        assert seen == ["Ann"]


class TestLoader:
    def test_application_goes_before_its_blueprints(self, app: Kolben, tmp_path: pathlib.Path) -> None:
        (tmp_path / "hello.html").write_text("blueprint")
        (tmp_path / "only.html").write_text("only")
        app.register_blueprint(Blueprint("bp", __name__, template_folder=str(tmp_path)))
        with app.app_context():
            assert render_template("hello.html", name="x") == "Hello x!"
            assert render_template("only.html") == "only"
        assert set(DispatchingJinjaLoader(app).list_templates()) == {*TEMPLATES, "only.html"}

    def test_changed_file_is_read_again_if_asked(self, app: Kolben, tmp_path: pathlib.Path) -> None:
        (tmp_path / "changing.html").write_text("before")
        app.config["TEMPLATES_AUTO_RELOAD"] = True
        app.register_blueprint(Blueprint("bp", __name__, template_folder=str(tmp_path)))
        with app.app_context():
            assert render_template_string("{% include 'changing.html' %}") == "before"
            path = tmp_path / "changing.html"
            path.write_text("after")
            import os

            os.utime(path, (1, 1))
            assert render_template_string("{% include 'changing.html' %}") == "after"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("hello.html", ["1: trying loader of application 'tests.app'", "-> found ('<string>')"]),
            ("both.html", ["Warning: multiple loaders returned a match", "2: trying loader of blueprint 'bp'"]),
            ("none.html", ["Error: the template could not be found", "belongs to the blueprint 'bp'"]),
        ],
    )
    def test_explained(
        self,
        app: Kolben,
        tmp_path: pathlib.Path,
        caplog: pytest.LogCaptureFixture,
        name: str,
        expected: list[str],
    ) -> None:
        app.jinja_loader = DictLoader({**TEMPLATES, "both.html": "app"})
        (tmp_path / "both.html").write_text("blueprint")
        bp = Blueprint("bp", __name__, template_folder=str(tmp_path))
        bp.add_url_rule("/bp", "index", lambda: "")
        app.register_blueprint(bp)
        app.config["EXPLAIN_TEMPLATE_LOADING"] = True
        with caplog.at_level(logging.INFO, app.logger.name), app.test_request_context("/bp"):
            if name == "none.html":
                with pytest.raises(TemplateNotFound):
                    render_template(name)
            else:
                render_template(name)
        (record,) = caplog.records
        for text in expected:
            assert text in record.getMessage()
        assert f"searchpath:\n         - {tmp_path}" in record.getMessage()


def test_globals_of_a_template_come_before_those_of_the_environment(app: Kolben) -> None:
    env = app.jinja_env
    env.globals["name"] = "environment"
    assert env.get_template("hello.html").render() == "Hello environment!"
    template = env.get_template("hello.html", globals={"name": "template"})
    assert template.render() == "Hello template!"
    assert env.globals["name"] == "environment"
    env.globals["name"] = "later"
    assert env.get_template("escaped.html", globals={"text": "x"}).render() == "x"
    assert env.from_string("Hello {{ name }}!").render() == "Hello later!"


def test_an_environment_with_templates_of_its_own_keeps_them(app: Kolben) -> None:
    class NativeEnvironment(Environment, jinja2.nativetypes.NativeEnvironment):
        pass

    env = NativeEnvironment(app)
    rendered: t.Any = env.from_string("{{ 1 + 1 }}").render()
    assert rendered == 2
