from __future__ import annotations

import asyncio
import typing as t
from contextvars import copy_context

import pytest

from kolben import bridge
from kolben.server.wsgi.input import Input

T = t.TypeVar("T")


def read(use: t.Callable[[Input], T], *chunks: bytes, is_cut: bool = False) -> T:
    """What a thread reads of a body in these chunks."""

    async def main() -> T:
        coming: list[dict[str, t.Any]] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        coming.append({"type": "http.disconnect"} if is_cut else {"type": "http.request"})

        async def receive() -> dict[str, t.Any]:
            return coming.pop(0)

        return await bridge.views.call(use, (Input(receive),), copy_context())

    return asyncio.run(main())


def test_reads_all() -> None:
    assert read(lambda source: source.read(), b"ab", b"", b"cd") == b"abcd"


def test_reads_as_much_as_is_asked_for_across_chunks() -> None:
    assert read(lambda source: [source.read(3), source.read(3), source.read(3)], b"ab", b"cd") == [b"abc", b"d", b""]


def test_read1_gives_what_is_there() -> None:
    assert read(lambda source: [source.read1(), source.read1(1), source.read1(), source.read1()], b"ab", b"cd") == [
        b"ab",
        b"c",
        b"d",
        b"",
    ]


def test_lines() -> None:
    chunks = (b"a\nb", b"c\n", b"d")
    assert read(list, *chunks) == [b"a\n", b"bc\n", b"d"]
    assert read(lambda source: source.readlines(), *chunks) == [b"a\n", b"bc\n", b"d"]
    assert read(lambda source: source.readlines(1), *chunks) == [b"a\n"]
    assert read(lambda source: [source.readline(1), source.readline(9), source.readline()], *chunks) == [
        b"a",
        b"\n",
        b"bc\n",
    ]


def test_reading_nothing_does_not_wait() -> None:
    assert Input(t.cast(t.Any, None)).read(0) == b""


def test_body_that_is_cut_off_is_an_error_where_it_ends() -> None:
    assert read(lambda source: source.read(2), b"ab", is_cut=True) == b"ab"
    with pytest.raises(ConnectionResetError):
        read(lambda source: source.read(3), b"ab", is_cut=True)
