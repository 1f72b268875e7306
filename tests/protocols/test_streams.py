"""Streamed responses: who closes what, and how often."""

from __future__ import annotations

import typing as t

from werkzeug.wrappers import Response as WerkzeugResponse

from kolben import Kolben, Response, stream_with_context

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from kolben.testing import KolbenClient


class Body:
    """An iterator that counts how often it is closed."""

    def __init__(self) -> None:
        self.items = iter(["a", "b"])
        self.closed = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self.items)

    def close(self) -> None:
        self.closed += 1


def test_a_streamed_body_is_closed_once(app: Kolben, client: KolbenClient) -> None:
    body = Body()
    app.add_url_rule("/", "index", lambda: Response(t.cast("t.Any", body)))

    assert client.get("/").text == "ab"
    assert body.closed == 1


def test_so_is_one_that_keeps_the_context(app: Kolben, client: KolbenClient) -> None:
    body = Body()
    app.add_url_rule("/", "index", lambda: Response(stream_with_context(body)))

    assert client.get("/").text == "ab"
    assert body.closed == 1


def test_so_is_the_response(app: Kolben, client: KolbenClient) -> None:
    closed: list[str] = []

    @app.get("/")
    def index() -> Response:
        response = Response(iter(["a"]))
        response.call_on_close(lambda: closed.append("response"))
        return response

    assert client.get("/").text == "a"
    assert closed == ["response"]


def test_so_is_a_response_that_sends_itself(app: Kolben, client: KolbenClient) -> None:
    class Own(Response):
        def __call__(self, environ: t.Any, start_response: t.Any) -> t.Any:
            return WerkzeugResponse.__call__(self, environ, start_response)

    body = Body()
    app.add_url_rule("/", "index", lambda: Own(t.cast("t.Any", body)))

    assert client.get("/").text == "ab"
    assert body.closed == 1
