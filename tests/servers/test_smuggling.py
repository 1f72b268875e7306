"""S6: a request whose body ends in one place for a proxy and in another for the server hides a second request."""

from __future__ import annotations

import typing as t

import pytest

from tests.servers.live import Live, run

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("granian-wsgi", "granian-asgi", "uvicorn", "hypercorn", "gunicorn")
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


def post(*lines: bytes, body: bytes) -> bytes:
    head = [b"POST /read/data HTTP/1.1", b"Host: localhost", b"Content-Type: x/y", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
AMBIGUOUS = {
    "a length and chunks": post(b"Content-Length: %d" % (5 + len(HIDDEN)), CHUNKED, body=b"0\r\n\r\n" + HIDDEN),
    "chunks and a length": post(CHUNKED, b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "a list of lengths": post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN),
    "a coding that is none": post(b"Transfer-Encoding: xchunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
    "a coding before chunks": post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n" + HIDDEN),
    "a space before the colon": post(b"Transfer-Encoding : chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
    "a folded header": post(b"X: y", b" Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
    "a chunk without a size": post(CHUNKED, body=b"\r\n0\r\n\r\n" + HIDDEN),
    "a chunk size with a sign": post(CHUNKED, body=b"+0\r\n\r\n" + HIDDEN),
}
# What servers settle before the application could know. Granian 2.8.7 takes the length away where there are chunks too,
# reads the chunks and closes the connection, as RFC 9112 section 6.3 wants it; under WSGI it also ends malformed chunks
# as if they were complete, and closes. h11 unfolds a folded header, as RFC 9112 section 5.2 allows: then the length
# counts, and what follows is an ordinary second request.
SETTLED: dict[tuple[str, str], list[int]] = {
    ("granian-wsgi", "a length and chunks"): [200],
    ("granian-wsgi", "chunks and a length"): [200],
    ("granian-asgi", "a length and chunks"): [200],
    ("granian-asgi", "chunks and a length"): [200],
    ("granian-wsgi", "a chunk without a size"): [200],
    ("granian-wsgi", "a chunk size with a sign"): [200],
    ("uvicorn", "a folded header"): [200, 200],
    ("hypercorn", "a folded header"): [200, 200],
}


@pytest.fixture(scope="module", params=SERVERS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with run(request.param, "hostile:app") as live:
        yield live


def statuses(live: Live, data: bytes) -> list[int]:
    """The statuses of all answers until the server closes, or is silent for a second."""
    received = b""
    with live.connect(timeout=1.0) as connection:
        connection.sendall(data)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionError):
            pass
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_s6_what_is_hidden_in_a_request_is_not_answered(live: Live, name: str) -> None:
    answers = statuses(live, AMBIGUOUS[name])

    if answers != SETTLED.get((live.name, name)):
        assert len(answers) <= 1
        assert all(400 <= status <= 501 for status in answers)
