"""The debugger in a browser, below real servers."""

from __future__ import annotations

import pathlib
import secrets
import typing as t

import pytest

from kolben.debug.access import Access
from tests.examples.browser import Browser, browser
from tests.servers.process import serve

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = secrets.token_urlsafe()
PROGRAMS = pathlib.Path(__file__).with_name("programs")
ENTER = "\ue007"
UP = "\ue013"
OWN = "details.frame.own"

NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        opened.do(
            "POST", "goog/cdp/execute", cmd="Page.addScriptToEvaluateOnNewDocument", params={"source": NOTE_VIOLATIONS}
        )
        yield opened


@pytest.fixture(params=["granian-asgi", "uvicorn"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with serve(request.param, "failing:app", PROGRAMS, {"SECRET_OF_THE_TEST": SECRET}) as url:
        yield url


def enter(page: Browser, url: str) -> None:
    """Open the link that the server would have printed."""
    page.open(f"{url}/__debugger__/enter?token={Access(SECRET, url, ()).token()}")
    page.wait_for_text("This browser may use the consoles.")


def run(page: Browser, command: str, expected: str) -> None:
    page.fill(f"{OWN} textarea", command + ENTER)
    page.wait_for_text(expected, f"{OWN} .log")


def test_consoles_work_in_sync_and_async_frames(chromium: Browser, url: str) -> None:
    enter(chromium, url)

    chromium.open(f"{url}/sync/apple")
    assert "ValueError" in chromium.text("h1")
    chromium.click(f"{OWN} .open-console")
    run(chromium, "basket * 2", "['apple', 'pear', 'apple', 'pear']")
    run(chromium, "print(request.path, g.customer)", "/sync/apple Ada")
    run(chromium, "await price('apple') + 100", "103")
    run(chromium, "def twice(x):" + ENTER + "return 2 * x" + ENTER, "... ")
    run(chromium, "twice(_)", "206")
    run(chromium, "1 / 0", "ZeroDivisionError: division by zero")
    run(chromium, UP + UP, "412")

    chromium.open(f"{url}/async/apple")
    chromium.click(f"{OWN} .open-console")
    run(chromium, "basket", "['apple', 3]")
    run(chromium, "await price(product) * 14", "42")
    run(chromium, "request.url_rule.rule, url_for('sync_view', product='pear')", "('/async/<product>', '/sync/pear')")
    assert chromium.run("return window.violations") == []


def test_a_browser_that_has_not_opened_the_link_is_told_to(chromium: Browser, url: str) -> None:
    chromium.do("POST", "goog/cdp/execute", cmd="Network.clearBrowserCookies", params={})
    chromium.open(f"{url}/sync/apple")
    chromium.wait_for_text("open the link that the server printed", "#access")
    chromium.click(f"{OWN} .open-console")

    run(chromium, "1 + 1", "open the link printed in the terminal")
    assert chromium.run("return document.cookie") == ""


def test_s39_the_page_runs_nothing_of_what_it_shows(chromium: Browser, url: str) -> None:
    chromium.open(f"{url}/sync/<script>document.title='pwned'<~script>")

    assert chromium.text("h1 .message").startswith("<script>document.title = 'pwned'</script>")
    assert chromium.run("return document.title").startswith("ValueError: <script>")
    assert chromium.run("return document.scripts.length") == 1
    assert chromium.run("return window.violations") == []


def test_s29_an_injected_script_is_not_run(chromium: Browser, url: str) -> None:
    chromium.open(f"{url}/sync/apple")
    chromium.run(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )

    assert chromium.run("return window.ran") is None
    assert chromium.run("return window.violations") == ["script-src-elem"]


def test_frames_open_by_the_keyboard_and_nothing_overflows(chromium: Browser, url: str) -> None:
    chromium.open(f"{url}/sync/apple")
    folded = chromium.find("details.library > summary")
    chromium.do("POST", f"element/{folded}/value", text=ENTER)
    chromium.wait(lambda: chromium.run("return document.querySelector('details.library').open"), "It stays closed")
    chromium.do("POST", "window/rect", width=500, height=900)

    try:
        assert chromium.run("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        chromium.do("POST", "window/rect", width=1200, height=900)


def test_the_traceback_is_copied(chromium: Browser, url: str) -> None:
    grant = {"origin": url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    chromium.do("POST", "goog/cdp/execute", cmd="Browser.grantPermissions", params=grant)
    chromium.open(f"{url}/sync/apple")
    chromium.click("#copy")
    chromium.wait_for_text("Copied", "#copy")
