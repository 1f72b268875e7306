"""Raw bytes to `kolben serve`: what must be answered, and that both of its protocols answer the same."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import typing as t
from random import Random

import h2.connection
import h2.events
import pytest

from tests.servers.live import PROGRAMS, ROOT, Live, run
from tests.servers.process import COMMANDS, STARTS_WITHIN, free_port, has_ended, started, wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterator

PROTOCOLS = ("kolben-wsgi", "kolben-asgi")
SECRET = "hunter2"
LEAKING = {"HTTP_X_FROM_ENVIRONMENT": SECRET, "SECRET": SECRET, "HTTP_COOKIE": f"session={SECRET}", "HTTP_HOST": "x"}


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Live]]:
    """The application on each protocol, with an environment that belongs to no request."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(run(name, "wire:app", env=LEAKING)) for name in PROTOCOLS]
        before = [live.get("/pid") for live in servers]
        yield servers
        assert [live.get("/pid") for live in servers] == before, "a worker did not survive"


class Answer(t.NamedTuple):
    status: int
    head: bytes
    body: bytes

    @property
    def seen(self) -> dict[str, t.Any]:
        """What the view saw."""
        assert self.status == 200, self
        return t.cast("dict[str, t.Any]", json.loads(self.body))


def request(
    target: bytes = b"/",
    *lines: bytes,
    method: bytes = b"GET",
    host: bytes | None = b"localhost",
    version: bytes = b"1.1",
    body: bytes = b"",
    close: bytes = b"Connection: close",
) -> bytes:
    head = [b"%s %s HTTP/%s" % (method, target, version)]
    if host is not None:
        head.append(b"Host: " + host)
    return b"\r\n".join([*head, *([close] if close else []), *lines]) + b"\r\n\r\n" + body


def post(*lines: bytes, body: bytes = b"", close: bytes = b"Connection: close") -> bytes:
    return request(b"/", *lines, method=b"POST", body=body, close=close)


def received(live: Live, data: bytes) -> bytes:
    """All that comes until the server closes. What stands for where and when the server ran is taken out."""
    answer = b""
    with live.connect(timeout=20.0) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(data)
        while chunk := connection.recv(65536):
            answer += chunk
    return re.sub(rb"\r\ndate: [^\r]*", b"", answer).replace(b":%d" % live.port, b":80")


def agreed(servers: list[Live], data: bytes) -> Answer:
    """The one answer of both protocols."""
    answers = [received(live, data) for live in servers]
    assert answers[0] == answers[1]
    head, _, body = answers[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1."), answers[0]
    return Answer(int(head[9:12]), head.lower(), body)


# -- heads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines", [[b"X-Forwarded-For: 1", b"X_Forwarded_For: 6"], [b"X_Forwarded_For: 6", b"X-Forwarded-For: 1"]]
)
def test_s5_an_underscore_is_no_hyphen(servers: list[Live], lines: list[bytes]) -> None:
    seen = agreed(servers, request(b"/", *lines)).seen

    assert (seen["forwarded"], seen["environ_forwarded"]) == (["1"], "1")
    assert seen["remote"] == "127.0.0.1"


def test_s5_an_underscore_alone_is_nothing(servers: list[Live]) -> None:
    seen = agreed(servers, request(b"/", b"X_Forwarded_For: 6", b"Content_Length: 9", b"x_odd: 1")).seen

    assert (seen["forwarded"], seen["environ_forwarded"], seen["odd"]) == ([], None, None)


@pytest.mark.parametrize("view", [b"/", b"/async"])
def test_a_cookie_beyond_ascii_is_kept(servers: list[Live], view: bytes) -> None:
    assert agreed(servers, request(view, b"Cookie: a=1; b=caf\xc3\xa9")).seen["cookies"] == {"a": ["1"], "b": ["café"]}


def test_a_header_beyond_ascii_is_kept(servers: list[Live]) -> None:
    assert agreed(servers, request(b"/", b"X-Odd: caf\xe9")).seen["odd"] == "café"


def test_several_cookie_headers_are_one(servers: list[Live]) -> None:
    """HTTP/2 splits them."""
    data = request(b"/", b"Cookie: a=1; b=2", b"Cookie: c=3", b"Cookie: a=4")
    for live in servers:
        _, _, body = received(live, data).partition(b"\r\n\r\n")
        assert json.loads(body)["cookies"] == {"a": ["1", "4"], "b": ["2"], "c": ["3"]}


PATHS = {
    b"/a%2Fb": "/a/b",
    b"/a%2fb/../c": "/a/b/../c",
    b"/caf%C3%A9": "/café",
    b"/caf\xc3\xa9": "/café",
    b"/a%20b%3Fc%23d": "/a b?c#d",
    b"//evil.test/x": "/evil.test/x",
    b"///evil.test": "/evil.test",
    b"http://evil.test/x": "/x",
    b"/;x": "/;x",
}


@pytest.mark.parametrize("target", PATHS)
def test_s2_no_target_decides_the_host(servers: list[Live], target: bytes) -> None:
    seen = agreed(servers, request(target)).seen

    assert seen["path"] == PATHS[target]
    assert seen["host"] == "localhost"
    assert seen["url"].startswith("http://localhost/")
    assert seen["link"] == "http://localhost/"


REFUSED: dict[str, bytes] = {
    "s21 a path with NUL and no UTF-8": request(b"/a%2Fb%FF%00"),
    "s21 a path that is no UTF-8": request(b"/a%FF"),
    "s21 a path with overlong UTF-8": request(b"/%c0%af"),
    "s21 a path with NUL": request(b"/a%00"),
    "s2 a target without a slash": request(b"@evil.com"),
    "s2 a target of a port": request(b":80/x"),
    "s7 two hosts": request(b"/", b"Host: evil.test"),
    "s7 the same host twice": request(b"/", b"Host: localhost"),
    "s4 no host": request(host=None),
    "s4 no host, but a forwarded one": request(b"/", b"X-Forwarded-Host: localhost", host=None),
    "s1 an empty host": request(host=b""),
    "s1 a host with a path": request(host=b"a/b?c"),
    "s1 a host with a user": request(host=b"a@b"),
    "s1 two hosts in one": request(host=b"a,b"),
    "s1 a host with a blank": request(host=b"a b"),
    "s1 half an IPv6 address": request(host=b"[::1"),
    "s1 a host beyond ASCII": request(host=b"caf\xe9"),
    "s1 a very long host": request(host=b"a" * 300),
    "s7 two content types": post(b"Content-Type: a/b", b"Content-Type: c/d", b"Content-Length: 1", body=b"x"),
    "s7 two origins": request(b"/", b"Origin: http://a", b"Origin: http://b"),
    "s6 two lengths": post(b"Content-Length: 3", b"Content-Length: 4", body=b"abcd"),
    "s6 a list of lengths": post(b"Content-Length: 3, 4", body=b"abcd"),
    "s6 a negative length": post(b"Content-Length: -1"),
    "s6 a length with a sign": post(b"Content-Length: +3", body=b"abc"),
    "s6 a coding before chunks": post(b"Transfer-Encoding: gzip, chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    "s6 a coding that is none": post(b"Transfer-Encoding: xchunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    "s6 a header with NUL": request(b"/", b"X-Odd: a\0b"),
    "s6 a folded header": request(b"/", b"X-Odd: a", b" b"),
    "s6 a blank before a colon": request(b"/", b"X-Odd : a"),
    "s6 a bare CR in a header": request(b"/", b"X-Odd: a\rHost: b"),
    "s6 a header without a name": request(b"/", b": a"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_cannot_be_believed_is_refused(servers: list[Live], name: str) -> None:
    answer = agreed(servers, REFUSED[name])

    assert answer.status == 400
    assert b"connection: close" in answer.head


def test_s16_very_many_headers_are_refused(servers: list[Live]) -> None:
    assert agreed(servers, request(b"/", *(b"X-%d: 1" % number for number in range(90)))).status == 200
    assert agreed(servers, request(b"/", *(b"X-%d: 1" % number for number in range(150)))).status == 431


def test_http_1_0_is_called_so_and_needs_no_host(servers: list[Live]) -> None:
    assert agreed(servers, request(version=b"1.0")).seen["protocol"] == "HTTP/1.0"
    assert agreed(servers, request(version=b"1.0", host=None)).seen["host"] == "127.0.0.1:80"
    assert agreed(servers, request(version=b"1.0", host=b"a/b")).status == 400


# -- bodies ----------------------------------------------------------------------------------------------------------


def test_a_body_in_chunks_is_whole(servers: list[Live]) -> None:
    data = post(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n")
    seen = agreed(servers, data).seen

    assert seen["body"] == "abcde"
    assert "X-Trailer" not in seen["names"]


@pytest.mark.parametrize("order", [1, -1])
def test_s6_chunks_and_a_length_close_the_connection(servers: list[Live], order: int) -> None:
    """Granian takes the length away and closes, as RFC 9112 section 6.3 allows: what follows is not answered."""
    lines = [b"Content-Length: 5", b"Transfer-Encoding: chunked"][::order]
    hidden = request(b"/hidden", close=b"")
    for live in servers:
        answer = received(live, post(*lines, body=b"3\r\nabc\r\n0\r\n\r\n" + hidden, close=b""))
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in answer
        assert b'"body":"abc"' in answer


@pytest.mark.parametrize(
    "body", [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"\r\n"]
)
@pytest.mark.parametrize("view", [b"/", b"/async"])
def test_s6_malformed_chunks_are_no_body(servers: list[Live], view: bytes, body: bytes) -> None:
    data = request(view, b"Transfer-Encoding: chunked", method=b"POST", body=body + b"GET /hidden HTTP/1.1\r\n\r\n")
    for live in servers:
        answer = received(live, data)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1


# -- responses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [b"bad-name", b"crlf", b"nul", b"crlf-location", b"bad-status", b"not-latin-1"])
def test_s24_a_response_that_cannot_be_sent_is_an_error(servers: list[Live], how: bytes) -> None:
    answer = agreed(servers, request(b"/respond/" + how))

    assert answer.status == 500
    assert b"<h1>Internal Server Error</h1>" in answer.body
    assert b"x-evil" not in answer.head


def test_a_latin_1_header_is_sent_as_latin_1(servers: list[Live]) -> None:
    answers = {received(live, request(b"/respond/latin-1")) for live in servers}
    assert len(answers) == 1
    assert b"x-good: caf\xe9\r\n" in answers.pop()


@pytest.mark.parametrize(("how", "status"), [(b"204", 204), (b"304", 304)])
def test_a_response_that_has_no_body_has_no_length(servers: list[Live], how: bytes, status: int) -> None:
    answer = agreed(servers, request(b"/respond/" + how))

    assert answer.status == status
    assert b"content-length" not in answer.head
    assert answer.body == b""


def test_an_unhandled_exception_has_kolbens_own_page(servers: list[Live]) -> None:
    answer = agreed(servers, request(b"/raises"))

    assert answer.status == 500
    assert b"<h1>Internal Server Error</h1>" in answer.body
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("how", [b"stream", b"length", b"redirect", b"missing"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_both_protocols_answer_the_same_bytes(servers: list[Live], method: bytes, how: bytes) -> None:
    answer = agreed(servers, request(b"/respond/" + how, method=method))
    assert answer.status in {200, 302, 500}
    assert (answer.body == b"") is (method == b"HEAD")


# -- the process -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [b"/", b"/async"])
def test_s37_the_environment_of_the_process_is_no_part_of_a_request(servers: list[Live], view: bytes) -> None:
    seen = agreed(servers, request(view)).seen

    assert seen["environ"] == ["HTTP_CONNECTION", "HTTP_HOST"]
    assert seen["names"] == ["Connection", "Host"]
    assert (seen["cookies"], seen["host"], seen["secret"]) == ({}, "localhost", False)


def test_s18_many_requests_in_a_row_on_one_connection(servers: list[Live]) -> None:
    """Each is answered, in order; the last one closes."""
    count = 2000
    data = b"".join(request(b"/?n=%d" % number, close=b"") for number in range(count)) + request(b"/?n=last")
    for live in servers:
        answer = b""
        with live.connect() as connection:
            connection.settimeout(30)
            sent = 0
            while True:
                # NOTE: the server stops reading while nobody reads what it answers.
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sent += connection.send(data[sent : sent + 65536]) if sent < len(data) else 0
                connection.settimeout(30 if sent >= len(data) else 0.01)
                with contextlib.suppress(TimeoutError):
                    chunk = connection.recv(65536)
                    if not chunk:
                        break
                    answer += chunk
        numbers = re.findall(rb'"args":\{"n":\["(\w+)"\]\}', answer)
        assert numbers == [*(b"%d" % number for number in range(count)), b"last"]


def test_s18_endless_trailers_are_no_endless_request(servers: list[Live]) -> None:
    trailers = b"".join(b"X-%d: 1\r\n" % number for number in range(50_000))
    data = post(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n" + trailers + b"\r\n")
    for live in servers:
        answer = received(live, data)
        assert answer == b"" or int(answer[9:12]) in {200, 400, 413, 431}
        assert live.get("/")["method"] == "GET"


HANDSHAKE = (b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")


@pytest.mark.parametrize(
    "lines",
    [
        [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Protocol: \xff\xfe"],
        [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Protocol: a,,\x80;=\x01"],
        [b"Sec-WebSocket-Key: \xff"],
        [b"Sec-WebSocket-Key: x", b"Sec-WebSocket-Extensions: \xff"],
        [],
    ],
)
def test_s25_no_handshake_ends_a_worker(servers: list[Live], lines: list[bytes]) -> None:
    for live in servers:
        before = live.get("/pid")
        with live.connect() as connection:
            connection.sendall(request(b"/", *HANDSHAKE, *lines, close=b"Connection: Upgrade"))
            answer = connection.recv(65536)
        assert answer == b"" or int(answer[9:12]) < 500
        assert live.get("/pid") == before


def test_s25_no_bytes_end_a_worker(servers: list[Live]) -> None:
    """Requests with something changed, taken away or put in; always the same ones."""
    random = Random(25)
    bodies = [b"3\r\nabc\r\n0\r\n\r\n", b"abc"]
    whole = [
        request(b"/a%20b?c=d", b"Cookie: a=1; b=2", b"X-Forwarded-For: 192.0.2.1", b"Accept: text/html;q=0.5, */*"),
        post(b"Transfer-Encoding: chunked", b"Content-Type: text/plain", body=bodies[0]),
        post(b"Content-Length: 3", b"Content-Type: multipart/form-data; boundary=b", body=bodies[1]),
        request(b"/", *HANDSHAKE, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", close=b"Connection: Upgrade"),
    ]
    for number in range(400):
        data = bytearray(whole[number % len(whole)])
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(data))
            data[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
        for live in servers:
            with live.connect(timeout=0.05) as connection, contextlib.suppress(TimeoutError, ConnectionError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65536)
                assert answer == b"" or int(answer[9:12]) < 500, bytes(data)


# -- proxies ---------------------------------------------------------------------------------------------------------

SAID = (
    b"X-Forwarded-For: 192.0.2.1, 198.51.100.7",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: shop.test",
    b"X-Forwarded-Prefix: /app",
)


@pytest.fixture(scope="module")
def proxied() -> Iterator[list[Live]]:
    """As `servers`, with this machine as the proxy."""
    with contextlib.ExitStack() as stack:
        env = {"KOLBEN_SERVE_PROXIES": "127.0.0.0/8"}
        yield [stack.enter_context(run(name, "wire:app", env=env)) for name in PROTOCOLS]


def test_a_proxy_is_believed(proxied: list[Live]) -> None:
    seen = agreed(proxied, request(b"/x", *SAID)).seen

    assert (seen["remote"], seen["scheme"], seen["host"]) == ("198.51.100.7", "https", "shop.test")
    assert (seen["root"], seen["path"]) == ("/app", "/x")
    assert (seen["url"], seen["link"]) == ("https://shop.test/app/x", "https://shop.test/app/")
    assert seen["forwarded"] == ["192.0.2.1, 198.51.100.7"]


def test_forwarded_is_believed(proxied: list[Live]) -> None:
    line = b'Forwarded: for=192.0.2.1, for="[2001:db8::7]:4711";proto=https;host=shop.test'
    seen = agreed(proxied, request(b"/x", line)).seen

    assert (seen["remote"], seen["url"]) == ("2001:db8::7", "https://shop.test/x")


def test_s4_nobody_is_believed_unless_configured(servers: list[Live]) -> None:
    plain, seen = agreed(servers, request(b"/x")).seen, agreed(servers, request(b"/x", *SAID)).seen

    assert [seen[key] for key in ("remote", "scheme", "host", "root", "url")] == [
        plain[key] for key in ("remote", "scheme", "host", "root", "url")
    ]


def test_s5_an_underscore_is_no_word_of_a_proxy(proxied: list[Live]) -> None:
    seen = agreed(proxied, request(b"/x", b"X_Forwarded_For: 6.6.6.6", b"X-Forwarded-For: 192.0.2.1")).seen

    assert (seen["remote"], seen["forwarded"], seen["environ_forwarded"]) == ("192.0.2.1", ["192.0.2.1"], "192.0.2.1")


@pytest.mark.parametrize(
    "lines",
    [
        [b"X-Forwarded-For: evil"],
        [b"X-Forwarded-Host: a/b"],
        [b"X-Forwarded-Prefix: //evil.test"],
        [b"X-Forwarded-For: 192.0.2.1", b"Forwarded: for=192.0.2.2"],
        [b'Forwarded: for="'],
    ],
)
def test_s1_what_cannot_be_believed_of_a_proxy_is_refused(proxied: list[Live], lines: list[bytes]) -> None:
    assert agreed(proxied, request(b"/x", *lines)).status == 400


# -- HTTP/2 ----------------------------------------------------------------------------------------------------------

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PSEUDO = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "localhost")]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2 (RFC 9113 section 4.1)."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def ask(port: int, *headers: tuple[str, str]) -> dict[str, t.Any]:
    """What the view saw of a request by HTTP/2."""
    client = h2.connection.H2Connection()
    client.initiate_connection()
    client.send_headers(1, [*PSEUDO, *headers], end_stream=True)
    body = b""
    with socket.create_connection(("127.0.0.1", port), 20.0) as sock:
        sock.sendall(client.data_to_send())
        while data := sock.recv(65536):
            for event in client.receive_data(data):
                body += event.data if isinstance(event, h2.events.DataReceived) else b""
                if isinstance(event, h2.events.StreamEnded):
                    return t.cast("dict[str, t.Any]", json.loads(body))
    raise ConnectionError("The server closed the connection.")


@pytest.fixture(scope="module")
def ports() -> Iterator[list[int]]:
    """Servers that speak nothing but HTTP/2, on each protocol."""
    with contextlib.ExitStack() as stack:
        ports = []
        for name in PROTOCOLS:
            ports.append(port := free_port())
            program, *arguments = (part.format(port=port, app="wire:app") for part in COMMANDS[name])
            command = [str(pathlib.Path(sys.executable).with_name(program)), *arguments]
            env = {**os.environ, "KOLBEN_SERVE_HTTP": "2", "KOLBEN_SERVE_BODY_TIMEOUT": "1"}
            env |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
            process = stack.enter_context(started(command, cwd=PROGRAMS, env=env, stderr=subprocess.DEVNULL))
            wait_until(lambda port=port: answers(port), STARTS_WITHIN)  # type: ignore[misc]  # of a lambda's default
            assert not has_ended(process)
        yield ports


def answers(port: int) -> bool:
    try:
        return bool(ask(port)["method"] == "GET")
    except OSError:
        return False


def test_s34_http_2_is_off_unless_asked_for(servers: list[Live]) -> None:
    for live in servers:
        assert received(live, PREFACE + frame(4, 0, 0)) == b""


def test_cookies_that_http_2_splits_are_one(ports: list[int]) -> None:
    for port in ports:
        seen = ask(port, ("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3"))
        assert seen["cookies"] == {"a": ["1"], "b": ["2"], "c": ["3"]}
        assert (seen["protocol"], seen["host"]) == ("HTTP/2", "localhost")


def test_s35_a_slow_body_ends_its_stream_and_not_the_connection(ports: list[int]) -> None:
    for port in ports:
        client = h2.connection.H2Connection()
        client.initiate_connection()
        client.send_headers(1, [(":method", "POST"), *PSEUDO[1:], ("content-length", "10")])
        client.send_data(1, b"abc")
        statuses: dict[int, bytes] = {}
        with socket.create_connection(("127.0.0.1", port), 20.0) as sock:
            sock.sendall(client.data_to_send())
            while len(statuses) < 2:
                for event in client.receive_data(sock.recv(65536)):
                    if isinstance(event, h2.events.ResponseReceived):
                        statuses[event.stream_id] = dict(event.headers)[b":status"]
                    if isinstance(event, h2.events.StreamReset):
                        client.send_headers(3, PSEUDO, end_stream=True)
                sock.sendall(client.data_to_send())
        assert statuses == {1: b"408", 3: b"200"}


def test_s34_requests_that_are_cancelled_at_once_do_not_stop_the_server(ports: list[int]) -> None:
    """CVE-2023-44487: RST_STREAM after each HEADERS. The server closes such a connection."""
    for port in ports:
        client = h2.connection.H2Connection()
        client.initiate_connection()
        with (
            socket.create_connection(("127.0.0.1", port), 20.0) as sock,
            contextlib.suppress(ConnectionError, TimeoutError),
        ):
            for _ in range(3000):
                stream = client.get_next_available_stream_id()
                client.send_headers(stream, PSEUDO, end_stream=True)
                client.reset_stream(stream)
                sock.sendall(client.data_to_send())
        assert answers(port)


def test_s34_headers_that_never_end_are_refused(ports: list[int]) -> None:
    """The CONTINUATION flood. The server closes long before this client is done."""
    many = 20_000
    for port in ports:
        sent = 0
        with (
            socket.create_connection(("127.0.0.1", port), 20.0) as sock,
            contextlib.suppress(ConnectionError, TimeoutError),
        ):
            sock.sendall(PREFACE + frame(4, 0, 0) + frame(1, 0, 1, b"\x82\x86\x84"))
            while sent < many:
                sock.sendall(frame(9, 0, 1, b"\x00\x05x-odd\x7f\x80\x01" + b"a" * 255))
                sent += 1
        assert sent < many
        assert answers(port)
