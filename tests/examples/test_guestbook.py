"""The guestbook, through the test client over both protocols; test_guestbook_live.py has the browsers."""

from __future__ import annotations

import hashlib
import pathlib
import re
import stat
import typing as t

import pytest

from kolben.testing import WebSocketRejected
from tests.examples.programs import imported

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from kolben import Kolben
    from kolben.testing import KolbenClient
    from kolben.testing.websocket import SyncWebSocket

PAGES = ["/", "/chat/", "/files/", "/statistics/", "/nowhere"]


@pytest.fixture
def guestbook() -> Iterator[t.Any]:
    with imported("guestbook", "guestbook") as package:
        yield package


@pytest.fixture
def app(guestbook: t.Any, tmp_path: pathlib.Path) -> Kolben:
    app: Kolben = guestbook.create_app({"TESTING": True, "SAMPLE_SIZE": 160_000}, instance_path=str(tmp_path))
    return app


def sign(client: KolbenClient, name: str = "Ada", message: str = "Hello") -> t.Any:
    return client.post("/", data={"name": name, "message": message})


# -- the book --------------------------------------------------------------------------------------------------------


def test_signing_adds_an_entry_and_remembers_the_name(client: KolbenClient) -> None:
    response = sign(client, "Ada", "Hello")
    page = client.get(response.location).text

    assert response.status_code == 303
    assert '<p class="message">Hello</p>' in page
    assert "Thank you, Ada." in page
    assert 'value="Ada"' in page
    assert "Thank you, Ada." not in client.get("/").text


def test_s39_markup_of_visitors_is_text(client: KolbenClient) -> None:
    sign(client, "<b>Ada</b>", "<script>alert(1)</script>")
    pages = [client.get(path).text for path in PAGES]

    assert any("&lt;script&gt;alert(1)" in page for page in pages)
    assert not any("<script>alert" in page or "<b>Ada</b>" in page for page in pages)


@pytest.mark.parametrize(
    ("name", "message", "problem"),
    [
        ("", "Hello", "Please tell us your name."),
        ("Ada", " \r\n ", "Please write something."),
        ("x" * 41, "Hello", "A name has at most 40 characters; this one has 41."),
        ("Ada", "x" * 1001, "A message has at most 1000 characters; this one has 1001."),
    ],
)
def test_what_cannot_be_added_is_explained(client: KolbenClient, name: str, message: str, problem: str) -> None:
    response = sign(client, name, message)

    assert response.status_code == 422
    assert problem in response.text
    assert client.get("/api/entries").json == []


def test_older_entries_have_pages_of_their_own(client: KolbenClient) -> None:
    for number in range(25):
        sign(client, message=f"number {number};")
    newest = client.get("/").text
    link = re.search(r'rel="next" href="([^"]+)"', newest)
    assert link
    older = client.get(link[1]).text

    assert "number 5;" in newest
    assert "number 4;" not in newest
    assert "number 4;" in older
    assert 'rel="next"' not in older


def test_a_visitor_is_forgotten(client: KolbenClient) -> None:
    sign(client)
    page = client.post("/visitor/forget", follow_redirects=True).text

    assert "Your name is forgotten." in page
    assert "You are" not in page


def test_the_book_as_text_is_streamed(client: KolbenClient) -> None:
    sign(client, "Ada", "one")
    sign(client, "Bob", "two")
    response = client.get("/guestbook.txt")

    assert response.is_streamed
    assert re.fullmatch(r"Ada, \S+\n\none\n\n\* \* \*\n\nBob, \S+\n\ntwo\n\n\* \* \*\n\n", response.text)


def test_statistics_count(client: KolbenClient) -> None:
    for name in ("Ada", "Ada", "Bob"):
        sign(client, name, "12345")
    page = client.get("/statistics/").text

    assert re.findall(r"<dd>(\d+)</dd>", page) == ["3", "2", "15"]
    assert re.findall(r"<span>(Ada|Bob)</span>", page) == ["Ada", "Bob"]


# -- the news of it --------------------------------------------------------------------------------------------------


def events(client: KolbenClient, path: str = "/events", **headers: str) -> tuple[t.Any, Iterator[str]]:
    response: t.Any = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert response.mimetype == "text/event-stream"
    return response, (chunk.decode() for chunk in response.response)


def next_event(stream: Iterator[str], kind: str) -> str:
    return next(event for event in stream if f"event: {kind}\n" in event)


def test_news_reach_a_page_that_is_open(client: KolbenClient) -> None:
    response, stream = events(client)
    assert "data: 1\n" in next_event(stream, "readers")
    sign(client, "Ada", "Hello")
    event = next_event(stream, "entry")
    response.close()

    assert "id: 1\n" in event
    assert '"message":"Hello"' in event


@pytest.mark.parametrize("seen", [{"path": "/events?after=1"}, {"path": "/events?after=0", "Last_Event_ID": "1"}])
def test_a_page_gets_what_it_missed(client: KolbenClient, seen: dict[str, str]) -> None:
    for message in ("one", "two"):
        sign(client, message=message)
    response, stream = events(client, **seen)
    event = next_event(stream, "entry")
    response.close()

    assert '"message":"two"' in event


def test_a_page_that_is_left_is_no_longer_told(client: KolbenClient, guestbook: t.Any) -> None:
    response, stream = events(client)
    next_event(stream, "readers")
    assert len(guestbook.book.news) == 1
    response.close()

    assert len(guestbook.book.news) == 0


def test_a_page_that_is_too_slow_is_let_go(client: KolbenClient, guestbook: t.Any) -> None:
    response, stream = events(client)
    next_event(stream, "readers")
    for number in range(3 * guestbook.broadcast.BACKLOG):
        guestbook.book.news.publish(f"number {number}")
    assert len(list(stream)) < 3 * guestbook.broadcast.BACKLOG
    response.close()

    assert len(guestbook.book.news) == 0


# -- the API ---------------------------------------------------------------------------------------------------------


def test_entries_as_json(client: KolbenClient) -> None:
    added: t.Any = client.post("/api/entries", json={"name": " Ada ", "message": "Hello"})
    read: t.Any = client.get(added.location)
    (newest,) = t.cast("t.Any", client.get("/api/entries?limit=1").json)

    assert added.status_code == 201
    assert added.json == read.json == newest
    assert {**added.json, "signed_at": None} == {"id": 1, "name": "Ada", "message": "Hello", "signed_at": None}


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        ({"name": "Ada"}, 400, "two strings"),
        (["Ada", "Hello"], 400, "two strings"),
        ({"name": "Ada", "message": ["Hello"]}, 400, "two strings"),
        ({"name": "", "message": ""}, 422, "Please tell us your name. Please write something."),
    ],
)
def test_what_the_api_refuses_is_a_problem_document(
    client: KolbenClient, data: t.Any, status: int, detail: str
) -> None:
    response = client.post("/api/entries", json=data)

    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert detail in client.application.json.loads(response.data)["detail"]


# -- files -----------------------------------------------------------------------------------------------------------


def test_the_checksum_of_an_upload(client: KolbenClient) -> None:
    data = bytes(range(256)) * 5000
    response = client.post("/files/upload?name=all.bin", data=data)

    assert response.json == {"name": "all.bin", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_an_upload_that_is_too_large_is_refused(client: KolbenClient) -> None:
    too_large = {"CONTENT_LENGTH": str(512 * 1024 * 1024 + 1)}
    headers = {"Accept": "application/json"}
    response = client.post("/files/upload", data=b"x", headers=headers, environ_overrides=too_large)

    assert response.status_code == 413
    assert client.application.json.loads(response.data)["title"] == "Request Entity Too Large"


def test_a_part_of_a_file(client: KolbenClient) -> None:
    whole = client.get("/files/numbers.txt")
    part = client.get("/files/numbers.txt", headers={"Range": "bytes=32-47"})

    assert whole.content_length == len(whole.data) == 160_000
    assert part.status_code == 206
    assert part.data == b"line          3\n" == whole.data[32:48]
    assert part.headers["Content-Range"] == "bytes 32-47/160000"


# -- the chat --------------------------------------------------------------------------------------------------------


def receive(ws: SyncWebSocket, kind: str) -> t.Any:
    """The next message of a kind."""
    while (message := ws.receive_json(timeout=10))["type"] != kind:
        pass
    return message


def enter_as(client: KolbenClient, name: str) -> SyncWebSocket:
    client.post("/visitor/name", data={"name": name})
    return client.websocket("/chat/socket")


@pytest.fixture
def asgi_client(app: Kolben) -> Iterator[KolbenClient]:
    client: KolbenClient = app.test_client(protocol="asgi", validate=True)
    yield client
    client.close()


def test_what_is_said_is_heard_by_all(asgi_client: KolbenClient) -> None:
    with enter_as(asgi_client, "Ada") as ada, enter_as(asgi_client, "Bob") as bob:
        assert receive(ada, "present")["names"] == ["Ada"]
        assert receive(ada, "present")["names"] == ["Ada", "Bob"]
        bob.send("Hello")

        assert receive(ada, "said") == receive(bob, "said") == {"type": "said", "name": "Bob", "text": "Hello"}


def test_who_leaves_is_no_longer_present(asgi_client: KolbenClient) -> None:
    with enter_as(asgi_client, "Ada") as ada:
        with enter_as(asgi_client, "Bob"):
            assert receive(ada, "present")["names"] == ["Ada"]
            assert receive(ada, "present")["names"] == ["Ada", "Bob"]

        assert receive(ada, "present")["names"] == ["Ada"]


def test_newcomers_are_shown_what_was_said(asgi_client: KolbenClient) -> None:
    with enter_as(asgi_client, "Ada") as ada:
        ada.send("Is anybody here?")
        receive(ada, "said")
    with enter_as(asgi_client, "Bob") as bob:
        assert receive(bob, "said")["text"] == "Is anybody here?"


def test_who_has_no_name_cannot_chat(asgi_client: KolbenClient) -> None:
    with pytest.raises(WebSocketRejected) as refused, asgi_client.websocket("/chat/socket"):
        pass

    assert refused.value.status_code == 403


def test_s38_pages_of_other_sites_cannot_chat(asgi_client: KolbenClient) -> None:
    asgi_client.post("/visitor/name", data={"name": "Ada"})
    headers = {"Origin": "http://other.example"}
    with pytest.raises(WebSocketRejected) as refused, asgi_client.websocket("/chat/socket", headers=headers):
        pass

    assert refused.value.status_code == 403


def test_without_websockets_the_chat_says_so(app: Kolben) -> None:
    client = app.test_client(protocol="wsgi")
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}

    assert "granian --interface asgi app:app" in client.get("/chat/").text
    assert client.get("/chat/socket", headers=handshake).status_code == 426


# -- around it -------------------------------------------------------------------------------------------------------


def test_pages_contain_no_script_and_no_style(client: KolbenClient) -> None:
    sign(client)
    for path in PAGES:
        response = client.get(path)

        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|(src|href)=\"(https?:)?//", response.text)


def test_errors_are_pages(client: KolbenClient) -> None:
    missing = client.get("/nowhere")
    wrong = client.put("/")

    assert missing.status_code == 404
    assert "Back to the book" in missing.text
    assert wrong.status_code == 405
    assert "POST" in wrong.allow


def test_errors_are_problem_documents_for_scripts(client: KolbenClient) -> None:
    response = client.get("/nowhere", headers={"Accept": "application/json"})

    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


def test_what_nobody_expected_is_a_page_that_tells_no_secrets(
    app: Kolben, client: KolbenClient, guestbook: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("a secret")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(guestbook.book, "latest", fail)
    response = client.get("/")

    assert response.status_code == 500
    assert "Internal Server Error" in response.text
    assert "secret" not in response.text


def test_forms_of_other_sites_are_refused(client: KolbenClient) -> None:
    response = client.post("/visitor/forget", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 403
    assert "a page of another site" in response.text


def test_the_secret_key_is_made_once(guestbook: t.Any, tmp_path: pathlib.Path) -> None:
    first, second = (guestbook.create_app(instance_path=str(tmp_path / "new")) for _ in range(2))

    assert len(first.secret_key) == 64
    assert first.secret_key == second.secret_key
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def test_settings_come_from_the_environment(
    guestbook: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTBOOK_SECRET_KEY", "from outside")
    monkeypatch.setenv("GUESTBOOK_DATABASE", str(tmp_path / "elsewhere.sqlite3"))
    app = guestbook.create_app(instance_path=str(tmp_path / "instance"))

    assert app.secret_key == "from outside"
    assert (tmp_path / "elsewhere.sqlite3").is_file()
    assert list((tmp_path / "instance").iterdir()) == []
