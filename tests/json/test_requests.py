from __future__ import annotations

import dataclasses
import json
import typing as t
from datetime import date

import msgspec
import pytest

from kolben import Kolben, jsonify, request
from kolben.testing import KolbenClient


@dataclasses.dataclass
class User:
    name: str
    born: date


class Item(msgspec.Struct):
    price: int


@pytest.mark.parametrize("value", [{"a": [1, None]}, [{"a": 1}], User("Ann", date(2024, 5, 6)), Item(3)])
def test_what_a_view_returns_is_written(
    app: Kolben, client: KolbenClient, view_kind: t.Callable[[t.Any], t.Any], value: t.Any
) -> None:
    @app.get("/")
    @view_kind
    def index() -> t.Any:
        return value

    @app.get("/jsonify")
    @view_kind
    def jsonified() -> t.Any:
        return jsonify(value)

    response = client.get("/")
    assert response.mimetype == "application/json"
    assert response.data == app.json.dumps(value).encode() + b"\n"
    assert client.get("/jsonify").data == response.data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'"\xff"',
        b'"\\ud800"',
        b"NaN",
        b"1e999",
        b"[" * 10**5,
        b'{"a":' * 10**5,
        b"[" * 10**5 + b"]" * 10**5,
        b"\xef\xbb\xbf" * 10**4,
    ],
)
def test_s9_body_that_is_not_json_is_400(app: Kolben, client: KolbenClient, body: bytes) -> None:
    @app.post("/")
    def index() -> str:
        return str(request.get_json())

    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = client.post("/", data=body, content_type="application/json")
    assert response.status_code == 400
    assert b"JSON" in response.data or b"parse" in response.data
    assert client.post("/", json={"a": 1}).text == "{'a': 1}"


def test_tojson_in_templates_is_safe_and_sorted(app: Kolben) -> None:
    from kolben import render_template_string

    with app.app_context():
        text = render_template_string("{{ v|tojson }}", v={"b": "</script>", "a": date(2024, 5, 6)})
    assert text == '{"a": "Mon, 06 May 2024 00:00:00 GMT", "b": "\\u003c/script\\u003e"}'
    assert json.loads(text)["b"] == "</script>"
