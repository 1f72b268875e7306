from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben.testing import ASGIViolation, asgi_validator
from tests.testing.bare import body, start
from tests.testing.validator.talk import HTTP, talk

if t.TYPE_CHECKING:
    from kolben.testing.scope import Message, Receive, Scope, Send


def test_messages_pass_unchanged() -> None:
    assert talk(HTTP, [start(), body(b"x")]) == [start(), body(b"x")]


def test_an_unknown_scope_is_the_servers_fault() -> None:
    with pytest.raises(ASGIViolation, match="unknown type 'gopher'"):
        talk({"type": "gopher"}, [])


def test_an_error_of_the_application_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        talk(HTTP, [ZeroDivisionError()])


def test_a_return_value_is_a_violation() -> None:
    with pytest.raises(ASGIViolation, match="returned 'OK'"):
        talk(HTTP, [start(), body()], returns="OK")


def test_a_violation_that_the_application_swallows_is_raised_at_its_end() -> None:
    @asgi_validator
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(body(b"before the start"))
        except AssertionError:
            await send(start(500))
            await send(body())

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        pass

    with pytest.raises(ASGIViolation, match=r"sent 'http.response.body' when it has not started"):
        asyncio.run(t.cast(t.Any, app(HTTP, receive, send)))


def test_a_violation_that_becomes_another_error_is_the_one_to_see() -> None:
    @asgi_validator
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(body())
        except AssertionError as exc:
            raise ValueError from exc

    async def nothing(*args: t.Any) -> t.Any:
        pass

    with pytest.raises(ASGIViolation):
        asyncio.run(t.cast(t.Any, app(HTTP, nothing, nothing)))
