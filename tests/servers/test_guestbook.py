"""The guestbook over a socket, on every server that the documentation names: the same flows, the same answers."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
import typing as t
from urllib.parse import urlencode

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.examples.programs import EXAMPLES
from tests.servers.process import serve

if t.TYPE_CHECKING:
    from collections.abc import Iterator

WSGI = ("kolben-wsgi", "granian-wsgi", "gunicorn", "gunicorn-sync", "waitress")
ASGI = ("kolben-asgi", "granian-asgi", "uvicorn", "hypercorn")
SAMPLE = 160_000


class Visitor:
    """A client that keeps its cookie, on one connection for each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookie = ""

    @contextlib.contextmanager
    def request(self, method: str, path: str, body: t.Any = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """The response, whose body is read in the block. Underscores in the names of headers become dashes."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            named["Cookie"] = self.cookie
        with contextlib.closing(connection):
            connection.request(method, path, body, named, encode_chunked="Transfer-Encoding" in named)
            response = connection.getresponse()
            if cookie := response.getheader("Set-Cookie"):
                self.cookie = cookie.partition(";")[0]
            yield response

    def ask(self, method: str, path: str, body: t.Any = None, **headers: str) -> tuple[int, str]:
        """Status and text of a response."""
        with self.request(method, path, body, **headers) as response:
            return response.status, response.read().decode()

    def sign(self, name: str, message: str) -> str:
        """Sign by the form, as browsers send it; the page that follows."""
        form = urlencode({"name": name, "message": message})
        status, _ = self.ask("POST", "/", form, Content_Type="application/x-www-form-urlencoded")
        assert status == 303
        return self.ask("GET", "/")[1]


@pytest.fixture(scope="module", params=[*WSGI, *ASGI])
def server(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


@pytest.fixture(scope="module")
def url(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    env = {"GUESTBOOK_INSTANCE_PATH": str(tmp_path_factory.mktemp("guestbook")), "GUESTBOOK_SAMPLE_SIZE": str(SAMPLE)}
    with serve(server, "app:app", EXAMPLES / "guestbook", env) as url:
        yield url


@pytest.fixture
def visitor(url: str) -> Visitor:
    return Visitor(url)


def events(response: http.client.HTTPResponse) -> Iterator[dict[str, str]]:
    """The events of a stream, as they arrive."""
    event: dict[str, str] = {}
    while line := response.readline().decode():
        name, separator, value = line.rstrip("\n").partition(": ")
        if separator and name:
            event[name] = value
        elif line == "\n" and "data" in event:
            yield event
            event = {}


def test_an_entry_is_listed_and_its_writer_remembered(visitor: Visitor) -> None:
    message = f"Hello {secrets.token_hex(4)}, naïve"

    page = visitor.sign("Zoë", message)

    assert f'<p class="message">{message}</p>' in page
    assert "Thank you, Zoë." in page
    assert 'value="Zoë"' in visitor.ask("GET", "/")[1]
    assert 'value="Zoë"' not in Visitor(visitor.url).ask("GET", "/")[1]


def test_a_form_with_a_file(visitor: Visitor) -> None:
    message = secrets.token_hex(8)
    parts = [
        b'Content-Disposition: form-data; name="name"\r\n\r\nAda\r\n',
        f'Content-Disposition: form-data; name="message"\r\n\r\n{message}\r\n'.encode(),
        b'Content-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
        + secrets.token_bytes(300_000)
        + b"\r\n",
    ]
    body = b"--cut\r\n" + b"--cut\r\n".join(parts) + b"--cut--\r\n"

    status, _ = visitor.ask("POST", "/", body, Content_Type="multipart/form-data; boundary=cut")

    assert status == 303
    assert message in visitor.ask("GET", "/")[1]


def test_programs_write_and_read_json(visitor: Visitor) -> None:
    entry = {"name": "Ada", "message": secrets.token_hex(8)}

    with visitor.request("POST", "/api/entries", json.dumps(entry), Content_Type="application/json") as response:
        assert response.status == 201
        location = response.getheader("Location")
    assert location is not None

    assert json.loads(visitor.ask("GET", location)[1]).items() >= entry.items()
    status, problem = visitor.ask("POST", "/api/entries", "{", Content_Type="application/json")
    assert (status, json.loads(problem)["status"]) == (400, 400)


def test_news_arrive_while_they_happen(visitor: Visitor, server: str) -> None:
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    visitor.sign("Ada", first)
    with visitor.request("GET", "/events?after=0", Accept="text/event-stream") as response:
        assert response.getheader("Content-Type", "").startswith("text/event-stream")
        entries = (event["data"] for event in events(response) if event.get("event") == "entry")
        assert next(data for data in entries if first in data)
        if server == "gunicorn-sync":
            return  # Another worker, which is another process, gets the next entry.
        Visitor(visitor.url).sign("Bob", second)
        assert next(data for data in entries if second in data)


def test_a_stream_that_was_left_leaves_the_server_working(visitor: Visitor) -> None:
    with visitor.request("GET", "/events"):
        pass

    assert visitor.ask("GET", "/")[0] == 200


def test_the_chat(visitor: Visitor, server: str) -> None:
    visitor.sign("Ada", "I am here.")
    address = visitor.url.replace("http:", "ws:") + "/chat/socket"
    headers = {"Cookie": visitor.cookie}
    if server in WSGI:
        with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
            pass
        response = refused.value.response
        assert response.status_code == 426
        assert b"ASGI" in response.body
        return
    said = secrets.token_hex(8)
    with connect(address, additional_headers=headers) as one, connect(address, additional_headers=headers) as two:
        one.send(said)
        messages = (json.loads(two.recv(timeout=20)) for _ in range(60))
        assert next(message for message in messages if message.get("text") == said)["name"] == "Ada"
    with pytest.raises(InvalidStatus, match="403"), connect(address):
        pass


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_an_upload_in_pieces(visitor: Visitor, is_chunked: bool) -> None:
    pieces = [secrets.token_bytes(256 * 1024) for _ in range(12)]
    whole = b"".join(pieces)
    framing = {"Transfer_Encoding": "chunked"} if is_chunked else {"Content_Length": str(len(whole))}

    status, answer = visitor.ask("POST", "/files/upload?name=a.bin", iter(pieces), **framing)

    assert (status, json.loads(answer)) == (
        200,
        {"name": "a.bin", "size": len(whole), "sha256": hashlib.sha256(whole).hexdigest()},
    )


def test_a_part_of_a_file(visitor: Visitor) -> None:
    with visitor.request("GET", "/files/numbers.txt", Range="bytes=16-31") as response:
        part = response.read()
        assert response.status == 206
        assert response.getheader("Content-Range") == f"bytes 16-31/{SAMPLE}"
        etag = response.getheader("ETag")
    assert part == b"line          2\n"
    assert etag is not None

    status, whole = visitor.ask("GET", "/files/numbers.txt")
    assert (status, len(whole)) == (200, SAMPLE)
    assert visitor.ask("GET", "/files/numbers.txt", If_None_Match=etag) == (304, "")
    assert visitor.ask("GET", "/files/numbers.txt", Range=f"bytes={SAMPLE}-")[0] == 416


def test_errors_are_pages(visitor: Visitor) -> None:
    assert visitor.ask("GET", "/nowhere")[0] == 404
    assert visitor.ask("DELETE", "/")[0] == 405
    with visitor.request("HEAD", "/") as response:
        assert (response.status, response.read()) == (200, b"")
