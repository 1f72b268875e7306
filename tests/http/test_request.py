from __future__ import annotations

import inspect
import io
import threading
import typing as t

import pytest
import werkzeug.wrappers

from kolben import Kolben, Request, request
from kolben.http.request import split_blueprint_path
from kolben.testing import EnvironBuilder, KolbenClient
from kolben.testing.scope import scope_from_environ
from tests.kinds import Kind

ATTRIBUTES = [
    "method",
    "scheme",
    "path",
    "full_path",
    "root_path",
    "script_root",
    "root_url",
    "url",
    "url_root",
    "base_url",
    "host_url",
    "host",
    "query_string",
    "args",
    "cookies",
    "remote_addr",
    "access_route",
    "content_type",
    "content_length",
    "mimetype",
    "mimetype_params",
    "is_json",
    "is_secure",
    "user_agent",
    "referrer",
    "origin",
    "authorization",
    "accept_mimetypes",
    "accept_languages",
    "accept_encodings",
    "accept_charsets",
    "cache_control",
    "if_match",
    "if_none_match",
    "if_modified_since",
    "range",
    "date",
    "pragma",
    "max_forwards",
    "form",
    "files",
    "values",
    "data",
]


FORM = (
    b'--limit\r\nContent-Disposition: form-data; name="name"\r\n\r\nAnn\r\n'
    b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontent\r\n--limit--\r\n'
)


def environ() -> dict[str, t.Any]:
    return EnvironBuilder(
        Kolben("app"),
        "/a b/ü",
        base_url="https://example.org:8443/prefix",
        query_string="x=1&x=2&y=%C3%BC",
        method="POST",
        data=FORM,
        content_type="multipart/form-data; boundary=limit",
        headers={
            "Accept": "text/html, application/json;q=0.5",
            "Accept-Language": "de, en;q=0.5",
            "Authorization": "Basic QW5uOnNlY3JldA==",
            "Cache-Control": "max-age=0",
            "Cookie": "a=1; b=2",
            "If-None-Match": '"a", W/"b"',
            "If-Modified-Since": "Wed, 21 Oct 2015 07:28:00 GMT",
            "Range": "bytes=0-9",
            "Referer": "https://example.org/",
            "User-Agent": "Test/1",
            "X-Forwarded-For": "10.0.0.1, 10.0.0.2",
        },
    ).get_environ()


def comparable(value: t.Any) -> t.Any:
    if hasattr(value, "to_header"):
        return value.to_header()
    if hasattr(value, "items") and "file" in value:
        return [(name, file.filename, file.read()) for name, file in value.items()]
    return list(value.items(multi=True)) if hasattr(value, "getlist") else str(value)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_is_werkzeugs(name: str) -> None:
    with werkzeug.wrappers.Request(environ()) as expected, Request(environ()) as actual:
        assert comparable(getattr(actual, name)) == comparable(getattr(expected, name))


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name not in {"form", "files", "values", "data"}])
def test_attribute_is_the_same_for_a_scope(name: str) -> None:
    expected = Request(environ())
    actual = Request.from_scope(dict(scope_from_environ(environ())))
    assert comparable(getattr(actual, name)) == comparable(getattr(expected, name))
    assert "environ" not in actual.__dict__


def test_every_public_name_of_werkzeugs_request_is_there() -> None:
    names = {name for name, _ in inspect.getmembers(werkzeug.wrappers.Request) if not name.startswith("_")}
    assert names <= set(dir(Request))


def test_headers_with_underscores_do_not_pass_for_those_with_hyphens() -> None:
    scope = dict(scope_from_environ(EnvironBuilder(Kolben("app"), "/").get_environ()))
    scope["headers"] = [*scope["headers"], (b"x_user", b"evil"), (b"x-user", b"Ann")]
    request = Request.from_scope(scope)
    assert request.headers.getlist("X-User") == ["Ann"]
    assert request.environ["HTTP_X_USER"] == "Ann"


def test_body_in_views_of_either_kind(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> dict[str, t.Any]:
        return {
            "form": request.form.to_dict(),
            "files": {name: file.read().decode() for name, file in request.files.items()},
            "values": request.values.to_dict(),
        }

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    data = {"name": "Ann", "file": (io.BytesIO(b"content"), "a.txt")}
    assert client.post("/?page=1", data=data).json == {
        "form": {"name": "Ann"},
        "files": {"file": "content"},
        "values": {"name": "Ann", "page": "1"},
    }


def test_json_in_views_of_either_kind(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> dict[str, t.Any]:
        assert request.json is request.get_json()
        return {"json": request.get_json(), "text": request.get_data(as_text=True), "size": len(request.data)}

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert client.post("/", data='{"a":1}', content_type="application/json").json == {
        "json": {"a": 1},
        "text": '{"a":1}',
        "size": 7,
    }


def test_types_in_sync_views_are_exact(app: Kolben, client: KolbenClient) -> None:
    @app.post("/")
    def view() -> list[str]:
        values = (request.get_json(), request.get_data(), request.data, request.get_data(as_text=True))
        return [type(value).__qualname__ for value in values]

    assert client.post("/", json={}).json == ["dict", "bytes", "bytes", "str"]


# -- as in Quart -----------------------------------------------------------------------------------------------------


def test_what_async_views_read_may_be_awaited(app: Kolben, client: KolbenClient) -> None:
    @app.post("/json")
    async def with_json() -> dict[str, t.Any]:
        data = await request.get_json()
        data["added"] = True
        assert data is await request.json
        assert isinstance(data, dict)
        return {"json": data, "data": (await request.get_data()).decode(), "text": await request.get_data(as_text=True)}

    @app.post("/form")
    async def with_form() -> dict[str, t.Any]:
        form: t.Any = request.form
        files: t.Any = request.files
        values: t.Any = request.values
        return {
            "form": (await form).to_dict(),
            "files": (await files)["file"].filename,
            "values": (await values).to_dict(),
        }

    assert client.post("/json", data='{"a":1}', content_type="application/json").json == {
        "json": {"a": 1, "added": True},
        "data": '{"a":1}',
        "text": '{"a":1}',
    }
    data = {"name": "Ann", "file": (io.BytesIO(b"content"), "a.txt")}
    assert client.post("/form?page=1", data=data).json == {
        "form": {"name": "Ann"},
        "files": "a.txt",
        "values": {"name": "Ann", "page": "1"},
    }


@pytest.mark.parametrize(("text", "expected"), [("[1]", [1]), ('"a"', "a"), ("{}", {})])
def test_json_of_every_kind_that_can_be_awaited(app: Kolben, client: KolbenClient, text: str, expected: object) -> None:
    @app.post("/")
    async def view() -> dict[str, t.Any]:
        return {"json": await request.get_json(), "unawaited": request.get_json()}

    response = client.post("/", data=text, content_type="application/json")
    assert response.json == {"json": expected, "unawaited": expected}


@pytest.mark.parametrize("text", ["null", "true", "7"])
def test_json_that_cannot_be_awaited_can_be_read(app: Kolben, client: KolbenClient, text: str) -> None:
    @app.post("/")
    async def view() -> list[t.Any]:
        return [request.get_json()]

    assert client.post("/", data=text, content_type="application/json").text.strip() == f"[{text}]"


# -- where it was routed to ------------------------------------------------------------------------------------------


def test_names_of_blueprints() -> None:
    assert split_blueprint_path("a.b.c") == ["a.b.c", "a.b", "a"]


@pytest.mark.parametrize(
    ("setting", "value", "data"),
    [
        ("MAX_CONTENT_LENGTH", 4, {"name": "long enough"}),
        ("MAX_FORM_MEMORY_SIZE", 4, {"name": "long enough", "file": (io.BytesIO(b"x"), "a.txt")}),
        ("MAX_FORM_PARTS", 1, {"name": "a", "other": "b"}),
    ],
)
def test_limit_is_a_setting_and_may_be_lifted_for_a_request(
    app: Kolben, client: KolbenClient, view_kind: Kind, setting: str, value: int, data: dict[str, t.Any]
) -> None:
    app.config[setting] = value
    app.add_url_rule("/", "view", view_kind(lambda: str(len(request.form))), methods=["POST"])

    response = client.post("/", data=_fresh(data))
    assert response.status_code == 413
    assert setting in response.text


def _fresh(data: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: (io.BytesIO(b"x"), "a.txt") if isinstance(value, tuple) else value for name, value in data.items()}


def test_limit_of_a_route(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 4
    app.add_url_rule("/", "view", view_kind(lambda: request.get_data()), methods=["POST"], max_content_length=10)
    assert client.post("/", data=b"12345").data == b"12345"
    assert client.post("/", data=b"x" * 11).status_code == 413


def test_limit_set_by_the_view_itself(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> str:
        request.max_content_length = 4
        return str(len(request.get_data()))

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert client.post("/", data=b"1234").text == "4"
    assert client.post("/", data=b"12345").status_code == 413


def test_limits_that_were_not_set_for_a_request_are_those_of_now(app: Kolben) -> None:
    with app.test_request_context(method="POST"):
        request.max_form_parts = 7
        app.config["MAX_CONTENT_LENGTH"] = 5
        assert (request.max_form_parts, request.max_content_length) == (7, 5)
        request.max_form_parts = None
        assert request.max_form_parts == app.config["MAX_FORM_PARTS"]


def test_what_was_assigned_is_read(app: Kolben) -> None:
    with app.test_request_context("/?a=1", method="POST", data=b"sent"):
        request.query_string = b"a=2"
        request.stream = io.BytesIO(b"assigned")
        assert (request.args["a"], request.get_data()) == ("2", b"assigned")


def test_a_short_form_is_read_without_an_object_for_the_body(app: Kolben) -> None:
    with app.test_request_context("/?b=2", method="POST", data={"a": "1"}):
        assert (request.form["a"], request.args["b"], request.holds_body) == ("1", "2", False)
        assert request.get_data() == b""


def test_a_body_is_read_as_the_class_says(app: Kolben) -> None:
    class Upper(Request):
        def get_data(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
            return super().get_data(*args, **kwargs).upper()

    app.request_class = Upper

    @app.post("/")
    def view() -> str:
        return str(request.get_json(force=True))

    assert not Upper.reads_plainly
    assert app.test_client().post("/", data=b'"a"').text == "A"


def test_a_property_may_stand_in_for_what_is_computed_once(app: Kolben) -> None:
    class Own(Request):
        @property
        def args(self) -> t.Any:
            return super().args

        @property
        def form(self) -> t.Any:
            return super().form

        @property
        def host(self) -> str:
            return super().host.upper()

        @host.setter
        def host(self, value: str) -> None:
            raise AssertionError(value)

    app.request_class = Own
    with app.test_request_context("/?a=1", method="POST", data={"b": "2"}):
        assert (request.args["a"], request.form["b"], request.host) == ("1", "2", "LOCALHOST")
        assert request.values.to_dict() == {"a": "1", "b": "2"}
        assert (request.args is request.args, request.form is request.form) == (True, True)


def test_a_subclass_may_have_a_base_with_a_layout_of_its_own(app: Kolben) -> None:
    class Tagged(Request, threading.local):
        @property
        def args(self) -> t.Any:
            return super().args

    app.request_class = Tagged
    with app.test_request_context("/?a=1"):
        assert request.args["a"] == "1"


def test_shallow_request_refuses_its_stream() -> None:
    with pytest.raises(RuntimeError, match="shallow"):
        _ = Request(EnvironBuilder(Kolben("app"), "/").get_environ(), shallow=True).stream


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_shallow_request_refuses_its_form(content_type: str) -> None:
    builder = EnvironBuilder(Kolben("app"), "/", method="POST", data={"a": "1"}, content_type=content_type)
    with pytest.raises(RuntimeError, match="shallow"):
        _ = Request(builder.get_environ(), shallow=True).form


@pytest.mark.parametrize("has_teardown", [False, True])
def test_request_whose_class_closes_itself_is_closed(
    app: Kolben, client: KolbenClient, view_kind: Kind, has_teardown: bool
) -> None:
    closed: list[str] = []

    class Closing(Request):
        def close(self) -> None:
            closed.append(self.path)
            super().close()

    app.request_class = Closing
    app.add_url_rule("/page", "view", view_kind(lambda: "x"))
    if has_teardown:
        app.teardown_request(lambda exc: None)
    assert client.get("/page").text == client.get("/page").text == "x"
    assert closed == ["/page", "/page"]
