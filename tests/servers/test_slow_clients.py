"""S35: two hundred clients that send a byte a second, and ordinary ones meanwhile."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.live import Live, run
from tests.servers.process import wait_until
from tests.servers.slow import SlowClients, ask

if t.TYPE_CHECKING:
    from tests.servers.slow import Kind

DEADLINES = {"KOLBEN_SERVE_HEADER_TIMEOUT": "3", "KOLBEN_SERVE_BODY_TIMEOUT": "3"}
KINDS: list[Kind] = ["head", "body", "head", "large body", "head", "chunks"]
SLOW = KINDS * 33 + KINDS[:2]
REQUESTS = 300
"""Ordinary requests made while they are there."""


@pytest.mark.parametrize("name", ["kolben-wsgi", "kolben-asgi"])
def test_s35_slow_clients_are_cut_off_and_keep_nobody_waiting(name: str) -> None:
    with run(name, "slow:app", env=DEADLINES) as live, ThreadPoolExecutor(4) as pool:
        assert ask(live)
        before = live.get("/account")
        with SlowClients(live, SLOW, pause=0.5) as clients:
            assert all(pool.map(ask, [live] * REQUESTS))
            wait_until(lambda: not clients.open, 30.0)
        bodies = [client for client in clients.closed if client.kind != "head"]

        assert len(clients.closed) == len(SLOW) == 200
        assert {client.kind: client.status for client in bodies} == {"body": 408, "large body": 408, "chunks": 408}
        assert {client.status for client in bodies} == {408}
        assert {b"connection: close" in client.answer.lower() for client in bodies} == {True}
        assert {client.status for client in clients.closed if client.kind == "head"} <= {0, 408}
        assert_nothing_is_left(live, before)


def assert_nothing_is_left(live: Live, before: dict[str, int]) -> None:
    """No context, no temporary file, no connection, not a word in the log, and the same worker."""
    account: dict[str, int] = {}

    def is_clean() -> bool:
        account.update(live.get("/account"))
        return account["contexts"] == 0 and account["deleted"] <= before["deleted"] and account["fds"] <= before["fds"]

    try:
        wait_until(is_clean, 10.0)
    except TimeoutError:
        pytest.fail(f"before: {before}, after: {account}")
    assert account["pid"] == before["pid"]
    assert "Traceback" not in live.log
    assert "408" not in live.log


@pytest.mark.parametrize("name", ["kolben-wsgi", "kolben-asgi"])
@pytest.mark.parametrize("path", [b"/read", b"/read-async"])
def test_s35_a_body_that_stalls_is_answered_and_its_connection_closed(name: str, path: bytes) -> None:
    with run(name, "slow:app", env={"KOLBEN_SERVE_BODY_TIMEOUT": "1"}) as live, live.connect() as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc" % path)
        answer = b""
        while data := connection.recv(65536):
            answer += data

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("name", ["kolben-wsgi", "kolben-asgi"])
def test_s35_more_slow_uploads_than_threads_keep_nobody_waiting(name: str) -> None:
    uploads: list[Kind] = ["large body"] * 60
    with run(name, "slow:app") as live, SlowClients(live, uploads) as clients:
        wait_until(lambda: not any(client.is_beginning for client in clients.open), 20.0)

        assert all(ask(live) for _ in range(20))
        assert len(clients.open) == len(uploads)
