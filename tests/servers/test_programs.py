"""The two programs of the README answer a browser under every server."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.examples.browser import Browser, browser
from tests.servers.process import COMMANDS, serve

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("server", COMMANDS)
def test_hello(server: str, chromium: Browser) -> None:
    with serve(server, "hello:app", EXAMPLES / "hello") as url:
        chromium.open(url)

        assert chromium.text() == "Hello, World!"


@pytest.mark.parametrize("server", COMMANDS)
def test_form(server: str, chromium: Browser) -> None:
    with serve(server, "form:app", EXAMPLES / "form") as url:
        chromium.open(url)
        chromium.fill("[name=name]", "Zoë & 李")
        chromium.click("button")

        chromium.wait_for_text("Hello, Zoë & 李!")
