"""The guestbook in a browser: what pages do by themselves, under real servers."""

from __future__ import annotations

import hashlib
import os
import typing as t

import pytest

from tests.examples.browser import Browser, browser
from tests.examples.programs import EXAMPLES
from tests.servers.process import serve

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

WITH_WEBSOCKETS = ("kolben-asgi", "uvicorn")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module", params=["kolben-asgi", "kolben-wsgi", "uvicorn"])
def server(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


@pytest.fixture(scope="module")
def url(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    env = {"GUESTBOOK_INSTANCE_PATH": str(tmp_path_factory.mktemp("guestbook")), "GUESTBOOK_SAMPLE_SIZE": "16000000"}
    with serve(server, "app:app", EXAMPLES / "guestbook", env) as url:
        yield url


@pytest.fixture
def page(chromium: Browser, url: str) -> Iterator[Browser]:
    """The browser with one tab, which knows the visitor not yet."""
    first = chromium.tab()
    chromium.open(url)
    chromium.do("DELETE", "cookie")
    chromium.open(url)
    yield chromium
    for tab in chromium.do("GET", "window/handles"):
        chromium.switch(tab)
        if tab != first:
            chromium.do("DELETE", "window")
    chromium.switch(first)
    chromium.open("about:blank")


def become(page: Browser, url: str, name: str) -> None:
    """Sign the book under a name, which is remembered."""
    page.open(url)
    page.do("POST", f"element/{page.find('#name')}/clear")
    page.fill("#name", name)
    page.fill("#message", f"I am {name}.")
    page.click("form.sign button")
    page.wait_for_text(f"Thank you, {name}.")


def test_an_entry_appears_in_all_open_pages(page: Browser, url: str, server: str) -> None:
    reader = page.tab()
    page.wait_for_text("Live", "#live")
    page.new_tab()
    become(page, url, f"Ada <{server}>")
    page.switch(reader)

    page.wait_for_text(f"I am Ada <{server}>.", "#feed .entry.new")


def test_a_page_says_how_many_others_are_open(page: Browser, url: str) -> None:
    reader = page.tab()
    page.wait_for_text("Live", "#live")
    page.new_tab()
    page.open(url)
    page.switch(reader)

    page.wait_for_text("more page", "#live")


def test_two_visitors_chat(page: Browser, url: str, server: str) -> None:
    if server not in WITH_WEBSOCKETS:
        page.open(f"{url}/chat/")
        assert "this server runs the application over WSGI" in page.text("main")
        return
    tabs = {}
    for name in ("Ada", "Bob"):
        become(page, url, name)
        page.open(f"{url}/chat/")
        page.wait_for_text("Connected", "#state")
        tabs[name] = page.tab()
        page.new_tab()
    page.switch(tabs["Ada"])
    page.wait_for_text("Ada, Bob", "#present")
    page.fill("#text", "Good morning, Bob!")
    page.click("#speak button")
    page.switch(tabs["Bob"])

    page.wait_for_text("Good morning, Bob!", "#said")
    page.fill("#text", "Good morning, Ada!")
    page.click("#speak button")
    page.switch(tabs["Ada"])

    page.wait_for_text("Good morning, Ada!", "#said li:not(.own)")


def test_an_upload_shows_how_far_it_is(page: Browser, url: str, tmp_path: pathlib.Path) -> None:
    data = os.urandom(1024) * 6 * 1024
    (tmp_path / "six.bin").write_bytes(data)
    page.open(f"{url}/files/")
    page.run(
        "window.seen = [];"
        "new MutationObserver(() => seen.push(document.getElementById('progress').value))"
        ".observe(document.getElementById('state'), {childList: true});"
    )
    page.fill("#file", str(tmp_path / "six.bin"))
    page.click("#upload button")
    page.wait_for_text("Sent in", "#state")
    seen = page.run("return seen")

    assert page.text("#result-sha256") == hashlib.sha256(data).hexdigest()
    assert page.text("#result-size") == f"{len(data):,} bytes"
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_a_part_of_a_file(page: Browser, url: str) -> None:
    page.open(f"{url}/files/")
    page.click("#range button")

    page.wait_for_text("206 Partial Content", "#part")
    page.wait_for_text("Content-Range: bytes 7999984-7999999/16000000", "#part")
    page.wait_for_text("500000", "#part")


def test_no_page_complains(page: Browser, url: str, server: str) -> None:
    become(page, url, "Ada")
    page.do("POST", "se/log", type="browser")
    for path in ("/", "/chat/", "/files/", "/statistics/"):
        page.open(url + path)
    complaints = [entry["message"] for entry in page.do("POST", "se/log", type="browser")]

    assert complaints == []
