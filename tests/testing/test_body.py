from __future__ import annotations

import asyncio
import io
import typing as t

import pytest

from kolben.testing.body import CHUNK, Channel, Hangup, aborted, pieces, slow

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kolben.testing.body import Body


def collect(body: Body) -> list[tuple[bytes, bool]]:
    async def run() -> list[tuple[bytes, bool]]:
        return [piece async for piece in pieces(body)]

    return asyncio.run(run())


def test_bytes_are_one_message() -> None:
    assert collect(b"abc") == [(b"abc", False)]
    assert collect(b"") == [(b"", False)]


def test_a_small_file_is_one_message_and_a_large_one_several() -> None:
    assert collect(io.BytesIO(b"abc")) == [(b"abc", False)]
    assert [(len(chunk), more) for chunk, more in collect(io.BytesIO(b"x" * (CHUNK + 1)))] == [
        (CHUNK, True),
        (1, False),
    ]


def test_an_iterable_is_a_message_an_item() -> None:
    assert collect([b"a", b"b"]) == [(b"a", True), (b"b", True), (b"", False)]
    assert collect(slow([b"a", b"b"], delay=0)) == [(b"a", True), (b"b", True), (b"", False)]


def test_an_async_generator_that_is_left_is_closed() -> None:
    closed = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    async def run() -> None:
        body = pieces(chunks())
        assert await anext(body) == (b"a", True)
        await body.aclose()

    asyncio.run(run())
    assert closed == [True]


def test_half_an_upload_ends_in_a_hangup() -> None:
    with pytest.raises(Hangup):
        collect(aborted([b"a"]))


def test_a_channel_is_sent_by_hand() -> None:
    async def run() -> list[tuple[bytes, bool]]:
        channel = Channel()
        channel.send(b"a")
        channel.end()
        return [piece async for piece in pieces(channel)]

    assert asyncio.run(run()) == [(b"a", True), (b"", False)]
