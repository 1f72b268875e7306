"""What pages show, and what they do not: S37 the environment, S39 unescaped text."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import pytest

from kolben import Kolben, render_template, render_template_string, request, session
from kolben.debug import traces
from tests.debug.visitor import HTML, ViewKind, Visitor

XSS = "<script>alert(1)</script>\"'&"


def test_causes_and_contexts_follow(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        try:
            try:
                raise KeyError("first")
            except KeyError:
                raise LookupError("second")  # noqa: B904  # the context is what is tested
        except LookupError as exc:
            raise ValueError("third") from exc

    page = visitor.get("/broken").text
    kinds = re.findall(r'<h[12]><span class="kind">(\w+)', page)

    assert kinds == ["ValueError", "LookupError", "KeyError"]
    assert page.index("direct cause of") < page.index("was being handled when")


def test_groups_show_their_members(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ExceptionGroup("two", [ValueError("one"), ExceptionGroup("inner", [KeyError("deep")])])

    page = visitor.get("/broken").text

    assert re.findall(r'<h2><span class="kind">(\w+)</span> <span class="relation">is one of', page) == [
        "ValueError",
        "ExceptionGroup",
        "KeyError",
    ]
    assert 'class="raised depth2"' in page


def test_notes_are_shown(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        exc = ValueError("x")
        exc.add_note("while counting")
        raise exc

    assert '<p class="note">while counting</p>' in visitor.get("/broken").text


def test_frames_of_the_user_are_open_and_those_of_libraries_folded(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError

    page = visitor.get("/broken").text

    assert re.search(r'<details class="library"><summary>\d+ frames of (asyncio, )?kolben<', page)
    assert f'<details class="frame own" data-frame="{visitor.frame("view").number}" open>' in page
    assert not re.search(r'<details class="frame" data-frame="\d+" open>', page)


@pytest.fixture
def own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this file is the user's: what watches the tests stands in the tracebacks too."""
    monkeypatch.setattr(traces, "is_library", lambda filename: filename != __file__)


def looked_at(page: str) -> tuple[str, str]:
    """The place that stands above the traceback, and its line."""
    found = re.search(
        r'<section class="look">\n<h2>In your code: <span class="file">(.+?)</span></h2>\n.*?'
        r'<span class="line current"><span class="number">\d+</span>(.*?)\n</span>',
        page.partition("<h2>Traceback")[0],
        re.DOTALL,
    )
    assert found is not None
    return found[1], found[2].strip()


@pytest.mark.usefixtures("own_file")
def test_the_innermost_line_of_the_user_stands_above_the_traceback(
    app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any]
) -> None:
    @app.get("/broken")
    @view_kind
    def view() -> t.Any:
        return json.loads("{")

    page = visitor.get("/broken").text
    place, line = looked_at(page)

    assert re.fullmatch(r"tests/debug/test_page.py, line \d+, in \S*view", place)
    assert line == "return <mark>json.loads(&#34;{&#34;)</mark>"
    runs = re.findall(r"<summary>\d+ frames of (\w+)", page)
    assert runs[0] == "kolben"
    assert runs[-1] == "Python"
    assert len(runs) == 2
    assert len(re.findall(r'<details class="frame[^>]* open>', page)) == 1
    assert "fail_async</span>" not in page


@pytest.mark.usefixtures("own_file")
@pytest.mark.parametrize("rv", [5, ("text", "foo"), {"a": object()}])
def test_the_view_of_what_cannot_be_sent_stands_above_the_traceback(
    app: Kolben, visitor: Visitor, view_kind: ViewKind[t.Any], rv: t.Any
) -> None:
    def odd() -> t.Any:
        return rv

    line = odd.__code__.co_firstlineno
    app.get("/broken")(view_kind(odd))
    page = visitor.get("/broken").text

    assert looked_at(page) == (f"tests/debug/test_page.py, line {line}, in odd", "def odd() -&gt; t.Any:")
    assert not re.search(r'<details class="frame[^>]* open>', page)
    assert visitor.get("/broken", {}).text.startswith(f"In your code: tests/debug/test_page.py, line {line}, in odd\n")


@pytest.mark.usefixtures("own_file")
def test_a_view_that_does_not_fit_its_rule_stands_above_the_traceback(app: Kolben, visitor: Visitor) -> None:
    def user(id: int) -> str:
        return ""

    app.get("/user")(user)

    assert looked_at(visitor.get("/user").text)[1] == "def user(id: int) -&gt; str:"


def test_a_middleware_is_not_blamed_for_what_a_view_returned(app: Kolben, visitor: Visitor) -> None:
    def odd() -> t.Any:
        return 5

    async def middleware(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        await t.cast("t.Any", app)(scope, receive, send)

    app.get("/broken")(odd)
    visitor.debugger.app = middleware

    assert looked_at(visitor.get("/broken").text)[0].endswith(", in odd")


def test_the_line_of_a_broken_template_is_shown(app: Kolben, visitor: Visitor) -> None:
    app.get("/syntax", endpoint="syntax")(lambda: render_template_string("<p>\n{% if x %}\n{{ 1 +* 2 }}\n</p>"))
    app.get("/run", endpoint="run")(lambda: render_template_string("<p>\n{{ 1 / 0 }}\n</p>"))
    page = visitor.get("/syntax").text

    assert re.search(r'class="line current"><span class="number">3</span>{{ 1 \+\* 2 }}', page)
    assert "ZeroDivisionError" in visitor.get("/run").text


def test_the_line_of_a_template_that_fails_is_shown(visitor: Visitor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "order.html").write_text("<p>\n{% block price %}\n{{ price / count }}\n{% endblock %}\n")
    app = Kolben("shop", root_path=str(tmp_path), template_folder=".")
    app.debug = True
    app.get("/")(lambda: render_template("order.html", price=3, count=0))
    visitor.debugger.app = app
    page = visitor.get("/").text

    assert re.search(r'class="name">block &#39;price&#39;</span> <span class="file">[^<]*/order.html<wbr>:3', page)
    assert re.search(r'class="line current"><span class="number">3</span>{{ price / count }}', page)
    visitor.enter()
    assert visitor.run("price, count", "block 'price'").json["value"] == "(3, 0)"


def test_the_request_is_shown(app: Kolben, visitor: Visitor) -> None:
    @app.post("/orders/<int:number>")
    def view(number: int) -> t.NoReturn:
        session["cart"] = ["apples"]
        raise ValueError(request.form["colour"])

    headers = {**HTML, "content-type": "application/x-www-form-urlencoded", "content-length": "9", "x-wish": "speed"}
    answer = visitor.get("/orders/7?page=2", {**headers, "cookie": "theme=dark"}, body=b"colour=re", method="POST")
    rows = dict(re.findall(r'<th scope="row">([^<]+)</th><td>([^<]*)</td>', answer.text.partition(">Request<")[2]))

    assert rows["page"] == "2"
    assert rows["colour"] == "re"
    assert rows["x-wish"] == "speed"
    assert rows["theme"] == "dark"
    assert rows["Endpoint"] == "view"
    assert rows["&lt;number&gt;"] == "7"
    assert rows["cart"] == "[&#39;apples&#39;]"


def test_s39_everything_is_escaped(app: Kolben, visitor: Visitor) -> None:
    @app.route("/broken/<path:rest>", methods=["GET", "POST"])
    def view(rest: str) -> t.NoReturn:
        class Odd:
            def __repr__(self) -> str:
                return XSS

        odd, text, names = Odd(), XSS, {XSS: XSS}
        session[XSS] = request.form.to_dict()
        exc = ValueError(XSS, odd, text, names)
        exc.add_note(XSS)
        raise type(XSS, (ValueError,), {})(XSS) from exc

    headers = {**HTML, "x-odd": XSS, "cookie": f"a={XSS}; {XSS}=b", "content-type": "application/x-www-form-urlencoded"}
    body = b"a=%3Cscript%3E&%3Cscript%3E=b"
    answer = visitor.get(
        f"/broken/{XSS}?a={XSS}&{XSS}=b", {**headers, "content-length": str(len(body))}, body=body, method="POST"
    )

    assert answer.status == 500
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/__debugger__/static/debugger.js" defer>']
    assert "alert(1)&lt;/script&gt;&#34;&#39;&amp;" in answer.text


def test_s39_the_list_of_errors_is_escaped(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken/<path:rest>")
    def view(rest: str) -> t.NoReturn:
        raise ValueError(XSS)

    visitor.get(f"/broken/{XSS}")
    visitor.enter()

    assert "<script>alert" not in visitor.get("/__debugger__/").text


def test_s39_pages_allow_no_inline_script_or_style(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError

    answers = [visitor.get("/broken")]
    visitor.enter()
    answers.append(visitor.get("/__debugger__/"))
    answers.append(visitor.get("/__debugger__/nowhere"))

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text)


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/json"])
def test_s37_the_environment_is_not_shown(
    app: Kolben, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    # NOTE: put together here, so that the source which the page shows does not contain them.
    hidden = ["leaked-" + "header", "leaked-" + "secret", "leaked-" + "password"]
    monkeypatch.setenv("HTTP_X_T", hidden[0])
    monkeypatch.setenv("SECRET", hidden[1])
    monkeypatch.setenv("DATABASE_URL", f"postgres://ada:{hidden[2]}@db/shop")

    @app.get("/broken")
    def view() -> t.NoReturn:
        whole, environ, as_list = os.environ, dict(os.environ), [os.environ]
        value, url = os.environ["SECRET"], os.environ["DATABASE_URL"]
        raise ValueError(f"{value} {url} {len(whole)} {len(environ)} {len(as_list)}")

    page = visitor.get("/broken", {"accept": accept}).text

    assert [text for text in hidden if text in page] == []
    if accept == "text/html":
        assert "environment variables, not shown" in page


def test_s37_secrets_of_the_application_and_of_the_request_are_not_shown(app: Kolben, visitor: Visitor) -> None:
    app.config.update(
        SECRET_KEY="key of the " + "application",
        SECRET_KEY_FALLBACKS=["key of last " + "year"],
        API_TOKEN="token-of-" + "api",
    )

    @app.post("/broken")
    def view() -> t.NoReturn:
        config, key, scope = app.config, app.secret_key, request.scope
        password = request.form["password"]
        raise ValueError(f"{key!r} {password} {len(config)} {bool(scope)} {app.config['API_TOKEN']}")

    headers = {
        **HTML,
        "authorization": "Bearer bearer-token-1",
        "x-api-key": "api-key-in-header",
        "cookie": "session=signed-session-value; remember_token=remembered-1",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "20",
    }
    answer = visitor.get("/broken?token=token%20in%20url", headers, body=b"password=open+sesame", method="POST")
    secrets = ["key of the application", "key of last year", "token-of-api", "bearer-token-1", "api-key-in-header"]
    secrets += [
        "signed-session-value",
        "remembered-1",
        "token in url",
        "token%20in%20url",
        "open sesame",
        "open+sesame",
    ]

    assert answer.status == 500
    assert [secret for secret in secrets if secret in answer.text] == []
    assert [secret for secret in secrets if secret in "".join(visitor.log)] == []


def test_a_path_that_ends_in_a_surrogate_is_a_page(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError("\udcff\x00")

    assert "\\udcff" in visitor.get("/broken").text
