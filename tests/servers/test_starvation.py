"""Views that block occupy threads, but none of those that finish requests, and none that asynchronous views need."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from kolben.bridge import WORKER_THREADS
from tests.servers.live import ASGI, reset, run
from tests.servers.process import wait_until

if t.TYPE_CHECKING:
    import socket

BLOCKING = WORKER_THREADS + 10
STREAMS = ("sync", "async", "sync-of-async", "async-of-sync", "events/sync", "events/async")


@pytest.mark.parametrize("name", ASGI)
def test_streams_end_and_async_views_answer_while_every_view_thread_blocks(name: str) -> None:
    with run(name, "streams:app") as live, contextlib.ExitStack() as open_connections:
        streams = [live.send(f"/endless/{kind}?pause=0.02") for kind in STREAMS]
        for stream in streams:
            assert stream.recv(65536).startswith(b"HTTP/1.1 200 ")
        for _ in range(BLOCKING):
            open_connections.enter_context(live.send("/block"))
        wait_until(lambda: live.get("/account").get("blocking") == WORKER_THREADS, 20)

        _leave(streams)
        wait_until(lambda: live.get("/account").get("teardown_appcontext") == len(STREAMS), 20)
        account = live.get("/account")
        assert account["teardown_request"] == account["opened"] == account["ended"] == len(STREAMS)
        assert "released" not in account

        live.get("/release")
        wait_until(lambda: live.get("/account")["released"] == BLOCKING, 20)


def _leave(streams: list[socket.socket]) -> None:
    for number, stream in enumerate(streams):
        if number % 2:
            reset(stream)
        else:
            stream.close()
