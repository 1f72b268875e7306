from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben.testing.awaitable import awaitable


@pytest.mark.parametrize("value", [b"x", "x", {"a": 1}, [1, 2]])
def test_a_value_may_be_used_or_awaited(value: t.Any) -> None:
    async def run() -> t.Any:
        return await awaitable(value)

    assert awaitable(value) == value
    assert isinstance(awaitable(value), type(value))
    assert asyncio.run(run()) == value


@pytest.mark.parametrize("value", [None, True, 1])
def test_what_cannot_be_awaited_stays_as_it_is(value: t.Any) -> None:
    assert awaitable(value) is value
