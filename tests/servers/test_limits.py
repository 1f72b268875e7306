"""What a client may make a server hold, over real sockets: streams that nobody reads, trailers, requests in a row."""

from __future__ import annotations

import time
import typing as t

import pytest

from tests.servers.live import Live, run
from tests.servers.process import wait_until
from tests.servers.test_bad_input import SERVERS, answer, request

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MOST_AHEAD = 24 * 1024 * 1024
"""Bytes that may be on their way to a client that reads nothing: the buffers of two sockets and of the server."""

STANDS_STILL = 0.7
"""Seconds without a further chunk, after which a stream counts as standing still."""


@pytest.fixture(scope="module", params=SERVERS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with run(request.param, "hostile:app") as live:
        yield live


@pytest.mark.parametrize("target", ["/fast", "/fast-async"])
def test_s18_a_stream_that_nobody_reads_stands_still(live: Live, target: str) -> None:
    """The generator is asked for a chunk when the client has taken another one, so that memory stays flat."""
    before = live.get("/account")
    with live.send(target) as connection:
        assert connection.recv(15).startswith(b"HTTP/1.1 200")
        produced: list[int] = [before["produced"]]

        def is_still() -> bool:
            time.sleep(STANDS_STILL)
            produced.append(live.get("/account")["produced"])
            return produced[-1] == produced[-2] or produced[-1] - produced[0] > MOST_AHEAD

        wait_until(is_still, 30.0)
        assert produced[-1] - produced[0] <= MOST_AHEAD
        held = produced[-1]
        for _ in range(200):
            connection.recv(1 << 20)
        wait_until(lambda: live.get("/account")["produced"] > held, 10.0)
    wait_until(lambda: live.get("/account")["contexts"] == 0, 10.0)


def test_s18_trailers_without_end_are_refused_or_dropped(live: Live) -> None:
    """They never reach the application; a server that gives up on them closes."""
    head = request(b"/read/data", b"Transfer-Encoding: chunked", b"Content-Type: x/y", method=b"POST")
    status, body = answer(live, head + b"1\r\nx\r\n0\r\n" + b"X-T: y\r\n" * 100_000 + b"\r\n")

    assert status in {0, 200, 400, 413, 431}
    assert status != 200 or b"1" in body
    wait_until(lambda: live.get("/account")["contexts"] == 0, 10.0)


def test_s18_headers_without_end_are_refused(live: Live) -> None:
    status, _ = answer(live, request(b"/", *[b"X-%d: %s" % (n, b"y" * 1000) for n in range(2000)]))

    assert status in {0, 400, 413, 431}
    wait_until(lambda: live.get("/account")["contexts"] == 0, 10.0)


def test_s18_requests_in_a_row_are_answered_one_after_the_other(live: Live) -> None:
    """A thousand at once on one connection: what is held is what the sockets hold."""
    before = live.get("/account")
    one = b"GET /read/args?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    _, answers = answer(live, one * 1000 + request(b"/read/args?last=1"))

    # NOTE: a server may close after some of them (gunicorn's threads take one at a time); none is answered twice.
    assert answers.count(b"HTTP/1.1 ") <= 1000
    assert answers.count(b"HTTP/1.1 200") == answers.count(b"HTTP/1.1 ")
    wait_until(lambda: live.get("/account")["contexts"] == 0, 10.0)
    assert live.get("/account")["pid"] == before["pid"]
