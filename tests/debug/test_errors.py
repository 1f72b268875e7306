"""What is kept of an error, also where its own code gets in the way."""

from __future__ import annotations

import contextvars
import typing as t

import pytest

from kolben import Kolben
from kolben.config import Config
from kolben.debug import traces
from kolben.debug.debugger import printable
from kolben.debug.errors import RecordedError
from tests.debug.visitor import HOST, Visitor


def test_an_error_that_cannot_be_explored_is_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def explore(exc: BaseException) -> t.NoReturn:
        raise LookupError("lost")

    monkeypatch.setattr(traces, "explore", explore)
    error = RecordedError(ValueError("no such order"), None, contextvars.copy_context())

    assert error.summary == "ValueError: no such order"
    assert error.text == "ValueError: no such order\n"
    assert error.raised[0].notes == ["(The rest could not be shown: LookupError: lost)"]


def test_settings_that_fail_do_not_hide_the_exception(app: Kolben, visitor: Visitor) -> None:
    class Odd(Config):
        def keys(self) -> t.NoReturn:
            raise LookupError

    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError("no such order")

    visitor.get("/")
    app.config = Odd(app.root_path, app.config)

    assert "no such order" in visitor.get("/broken").text


def test_a_session_that_fails_does_not_hide_the_exception(app: Kolben, visitor: Visitor) -> None:
    class Odd(dict[str, t.Any]):
        accessed = modified = False

        def __iter__(self) -> t.NoReturn:
            raise LookupError

    @app.get("/broken")
    def view() -> t.NoReturn:
        from kolben.globals import request_ctx

        request_ctx._session = t.cast(t.Any, Odd())
        raise ValueError("no such order")

    page = visitor.get("/broken").text

    assert "no such order" in page
    assert "(it could not be read)" in page


def test_what_a_client_sends_does_not_steer_the_terminal(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError("\x1b[2J\rforged\nline")

    visitor.get("/broken", {"host": f"{HOST}\x9b2J"})

    assert not any(char in "".join(visitor.log) for char in "\x1b\r\x9b")
    assert printable("a\nb\tc\x00ü", "\n\t") == "a\nb\tc\\x00ü"


def test_long_fields_are_cut(app: Kolben, visitor: Visitor) -> None:
    @app.get("/broken")
    def view() -> t.NoReturn:
        raise ValueError

    assert len(visitor.get(f"/broken?a={'x' * 500_000}").text) < 100_000
