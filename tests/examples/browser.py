"""Headless Chromium for tests, driven through chromedriver by the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time
import typing as t

import pytest

from tests.servers.process import started

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = t.TypeVar("T")

PATIENCE = 20.0
"""Seconds to wait for what a page should show."""

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key by which WebDriver names an element, fixed by its specification."""

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--window-size=1200,900",
]


class Browser:
    """One browser with one or more tabs; everything is done in the current one. Elements are named by CSS selectors."""

    def __init__(self, port: int, profile: str, chromium: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        options = {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options}
        session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._session = f"/session/{session['sessionId']}"

    def _send(self, method: str, path: str, data: dict[str, t.Any] | None = None) -> t.Any:
        body = None if method == "GET" else json.dumps(data or {})
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        value = json.loads(self._connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            # NOTE: Chromium has two ways to say that an element belongs to the page before.
            is_stale = (
                value["error"] == "stale element reference" or "does not belong to the document" in value["message"]
            )
            kind = StaleElement if is_stale else BrowserError
            raise kind(f"{value['error']}: {value['message']}")
        return value

    def do(self, method: str, command: str, **data: t.Any) -> t.Any:
        """Send a command of WebDriver, such as ``do("POST", "url", url=...)``."""
        return self._send(method, f"{self._session}/{command}", data)

    def close(self) -> None:
        """End the browser."""
        self._send("DELETE", self._session)
        self._connection.close()

    def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded."""
        self.do("POST", "url", url=url)

    def new_tab(self) -> str:
        """Open a tab, make it the current one, and return its handle."""
        handle: str = self.do("POST", "window/new", type="tab")["handle"]
        self.switch(handle)
        return handle

    def tab(self) -> str:
        """The handle of the current tab."""
        return t.cast(str, self.do("GET", "window"))

    def switch(self, handle: str) -> None:
        """Make this tab the current one."""
        self.do("POST", "window", handle=handle)

    def find(self, selector: str) -> str:
        """The element, as soon as it is there."""

        def look() -> str:
            found: list[dict[str, str]] = self.do("POST", "elements", using="css selector", value=selector)
            return found[0][ELEMENT] if found else ""

        return self.wait(look, f"There is no element {selector!r}")

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, or choose a file by its path."""
        self.do("POST", f"element/{self.find(selector)}/value", text=text)

    def click(self, selector: str) -> None:
        """Click, and wait until the page that this leads to, if any, is loaded."""
        self.do("POST", f"element/{self.find(selector)}/click")

    def text(self, selector: str = "body") -> str:
        """What the element shows."""
        return t.cast(str, self.do("GET", f"element/{self.find(selector)}/text"))

    def wait_for_text(self, text: str, selector: str = "body") -> None:
        """Wait until the element shows the text."""
        self.wait(lambda: text in self.text(selector), f"{selector!r} does not show {text!r}")

    def run(self, script: str) -> t.Any:
        """Run JavaScript, the body of a function, and return what it returns."""
        return self.do("POST", "execute/sync", script=script, args=[])

    def wait(self, look: Callable[[], T], complaint: str) -> T:
        """Call ``look`` until it returns something true, and return that."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(StaleElement):
                found = look()
                if found:
                    return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{complaint}, after {PATIENCE} seconds. The page:\n{self.text()}")
            time.sleep(0.05)


class BrowserError(Exception):
    """WebDriver refused a command."""


class StaleElement(BrowserError):
    """The element belongs to a page that was left meanwhile."""


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with a new profile; skip the test where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and its driver (on Debian: apt-get install chromium chromium-driver)")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        started([driver, "--port=0"], stdout=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None
        output = (re.search(r"started successfully on port (\d+)", line) for line in process.stdout)
        port = next(match[1] for match in output if match)
        opened = Browser(int(port), profile, chromium)
        try:
            yield opened
        finally:
            opened.close()
