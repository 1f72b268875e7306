from __future__ import annotations

import typing as t

import pytest

from kolben.server.door import Door
from tests.server.driving import drive, scope


async def hello(scope: t.Any, receive: t.Any, send: t.Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Connection", b"keep-alive")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_responses_say_that_their_connection_closes() -> None:
    door = Door(hello)
    assert drive(door, scope()).headers == {"Connection": "keep-alive"}
    door.is_closing = True
    answer = drive(door, scope())
    assert answer.headers == {"connection": "close"}
    assert answer.body == b"hello"


def test_it_is_decided_when_the_response_begins() -> None:
    async def slow(request: t.Any, receive: t.Any, send: t.Any) -> None:
        door.is_closing = True
        await hello(request, receive, send)

    door = Door(slow)
    assert drive(door, scope()).headers == {"connection": "close"}


def test_http2_has_no_such_header() -> None:
    door = Door(hello)
    door.is_closing = True
    assert drive(door, scope(http_version="2")).headers == {"Connection": "keep-alive"}


@pytest.mark.parametrize(("requests", "told"), [(2, 0), (3, 1), (5, 1)])
def test_limit_is_told_once(requests: int, told: int) -> None:
    calls: list[int] = []
    door = Door(hello, 3, lambda: calls.append(1))
    for _ in range(requests):
        drive(door, scope())
    assert len(calls) == told
    assert door.answered == requests
