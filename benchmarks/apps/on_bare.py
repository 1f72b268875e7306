"""A bare callable: what a request costs that no framework touches."""

from __future__ import annotations

import json
import typing as t

from kinds import OBJECTS, SMALL


def _answer(kind: str) -> tuple[str, t.Callable[[], bytes]] | None:
    if kind == "plain text":
        return "text/html; charset=utf-8", lambda: b"Hello, World!"
    if kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS
        return "application/json", lambda: json.dumps(value).encode()
    return None


def wsgi(kind: str) -> t.Any:
    answer = _answer(kind)
    if answer is None:
        return None
    content_type, make = answer

    def app(environ, start_response):
        body = make()
        start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return app


def asgi(kind: str) -> t.Any:
    answer = _answer(kind)
    if answer is None:
        return None
    content_type, make = answer[0].encode(), answer[1]

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        body = make()
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
