"""The programs of the README do what it says of them."""

from __future__ import annotations

import typing as t

import pytest

from tests.examples.snippets import ROOT, Snippet, snippets

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from kolben import Kolben
    from kolben.testing import KolbenClient
    from tests.conftest import Protocol

    Program: t.TypeAlias = Callable[[str], KolbenClient]

README = list(snippets(ROOT / "README.md"))


@pytest.fixture
def program(tmp_path: pathlib.Path, protocol: Protocol) -> Program:
    """`program(text)`: a client of the README's one program that contains the text, with its templates beside it."""
    (tmp_path / "templates").mkdir()
    for template in (snippet for snippet in README if snippet.info == ("html",)):
        first, _, rest = template.text.partition("\n")
        (tmp_path / first.removeprefix("<!-- ").removesuffix(" -->")).write_text(rest, encoding="utf-8")

    def load(text: str) -> KolbenClient:
        app: Kolben = one(text).load(tmp_path).app
        client: KolbenClient = app.test_client(protocol=protocol)
        return client

    return load


def one(text: str) -> Snippet:
    (snippet,) = [snippet for snippet in README if snippet.runs and text in snippet.text]
    return snippet


def test_hello(program: Program) -> None:
    assert program("hello_world").get("/").text == "Hello, World!"


def test_form(program: Program) -> None:
    client = program("render_template")

    assert '<input name="name"' in client.get("/").text
    assert client.post("/", data={"name": "Ada"}).text == "Hello, Ada!"


def test_async(program: Program) -> None:
    client = program("asyncio.gather")
    order = client.post("/orders", json={"item": "piston"}, headers={"Authorization": "x"})

    assert order.json == {"user": "alice", "item": "piston", "in_stock": True, "price": 9.5}
    assert client.get("/me").json == {"user": "guest"}


@pytest.mark.parametrize("protocol", ["asgi"])
def test_websocket(program: Program) -> None:
    client = program("app.websocket")

    with client.websocket("/chat/lobby") as one, client.websocket("/chat/lobby") as two:
        one.send("hello")
        assert (one.receive(), two.receive()) == ("hello", "hello")


def test_streaming(program: Program) -> None:
    client = program("EventStream")

    assert client.get("/numbers.csv?rows=3").text == "0,0\n1,1\n2,4\n"
    ticks = client.get("/ticks")
    assert ticks.mimetype == "text/event-stream"
    assert [line for line in ticks.text.splitlines() if line.startswith("data:")] == [
        'data: {"tick":0}',
        'data: {"tick":1}',
        'data: {"tick":2}',
    ]
