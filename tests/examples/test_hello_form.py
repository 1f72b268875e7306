"""The two programs that every reader sees first."""

from __future__ import annotations

import typing as t

from tests.examples.programs import imported

if t.TYPE_CHECKING:
    from tests.conftest import Protocol


def test_hello(protocol: Protocol) -> None:
    with imported("hello", "hello") as hello:
        response = hello.app.test_client(protocol=protocol, validate=True).get("/")

    assert response.status == "200 OK"
    assert response.text == "Hello, World!"
    assert response.content_type == "text/html; charset=utf-8"


def test_form(protocol: Protocol) -> None:
    with imported("form", "form") as form:
        client = form.app.test_client(protocol=protocol, validate=True)
        page = client.get("/")
        answer = client.post("/", data={"name": "Ada"})

    assert '<form method="post">' in page.text
    assert answer.text == "Hello, Ada!"


def test_form_refuses_other_methods(protocol: Protocol) -> None:
    with imported("form", "form") as form:
        response = form.app.test_client(protocol=protocol, validate=True).delete("/")

    assert response.status_code == 405
    assert set(response.allow) == {"GET", "HEAD", "OPTIONS", "POST"}
