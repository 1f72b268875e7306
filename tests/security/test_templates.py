"""Templates that do not escape (S39)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from kolben import Kolben, render_template, render_template_string, request, stream_template, stream_template_string
from kolben.testing import KolbenClient

EVIL = "<script>alert('x')</script>\"&"
ESCAPED = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;"


@pytest.mark.parametrize("ending", ["html", "htm", "xml", "xhtml", "svg"])
@pytest.mark.parametrize("render", [render_template, stream_template])
def test_s39_what_a_template_of_markup_shows_is_escaped(
    app: Kolben, client: KolbenClient, tmp_path: pathlib.Path, ending: str, render: t.Callable[..., t.Any]
) -> None:
    (tmp_path / f"page.{ending}").write_text("{{ request.args.x }}|{{ x }}")
    app.template_folder = str(tmp_path)

    @app.get("/")
    def index() -> t.Any:
        return render(f"page.{ending}", x=request.args["x"])

    assert client.get("/", query_string={"x": EVIL}).text == f"{ESCAPED}|{ESCAPED}"


@pytest.mark.parametrize("render", [render_template_string, stream_template_string])
def test_s39_what_a_template_from_a_string_shows_is_escaped(
    app: Kolben, client: KolbenClient, render: t.Callable[..., t.Any]
) -> None:
    @app.get("/")
    def index() -> t.Any:
        return render("{{ x }}{{ x|upper }}{{ 'a' ~ x }}", x=request.args["x"])

    page = client.get("/", query_string={"x": EVIL}).text
    assert "<" not in page
    assert page.startswith(ESCAPED)


def test_s39_json_within_a_page_ends_no_script(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> str:
        return render_template_string("<script>let x = {{ x|tojson }}</script><p title='{{ x|tojson }}'>", x=EVIL)

    page = client.get("/").text
    assert page.count("</script>") == 1
    value = page.removeprefix("<script>let x = ").partition("</script>")[0]
    assert app.json.loads(value) == EVIL
    assert not set(value) & set("<>&'")
    assert "'" not in page.partition("title='")[2].removesuffix("'>")


@pytest.mark.parametrize("name", ["a b", "a/b", "a>b", "a=b"])
def test_s39_a_key_is_no_way_into_the_attributes_of_a_tag(app: Kolben, name: str) -> None:
    with app.app_context(), pytest.raises(ValueError):
        render_template_string("<p {{ {name: 'x'}|xmlattr }}>", name=name)


def test_s39_a_value_is_never_a_template(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> str:
        return render_template_string("{{ x }}", x=request.args["x"])

    assert client.get("/", query_string={"x": "{{ config }}{{ 7*7 }}"}).text == "{{ config }}{{ 7*7 }}"


@pytest.mark.parametrize("code", [400, 404, 405, 413, 415, 500])
def test_s39_a_page_for_an_error_escapes_what_it_says(app: Kolben, client: KolbenClient, code: int) -> None:
    app.testing = False

    @app.get("/fail/<path:text>")
    def fail(text: str) -> str:
        from kolben import abort

        abort(code, description=f"{text} <b>")

    response = client.get(f"/fail/{EVIL}")
    assert response.status_code == code
    assert "<script>" not in response.text
    assert "<b>" not in response.text


def test_s39_a_page_for_a_key_that_is_missing_says_nothing_unescaped(app: Kolben, client: KolbenClient) -> None:
    app.testing = False
    app.debug = True
    app.config["TRAP_BAD_REQUEST_ERRORS"] = False

    @app.get("/")
    def index() -> str:
        return request.args[request.args["name"]]

    response = client.get("/", query_string={"name": EVIL})
    assert response.status_code == 400
    assert "<script>" not in response.text


def test_s39_a_redirect_says_its_target_escaped(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> t.Any:
        from kolben import redirect

        return redirect("/?" + request.args["x"])

    page = client.get("/", query_string={"x": "'\"><script>"}).text
    assert "<script>" not in page
