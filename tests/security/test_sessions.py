"""Sessions: what caches are told, and which key signs (S26, S27); the rest stands in tests/test_sessions.py."""

from __future__ import annotations

import typing as t

import pytest

from kolben import Kolben, flash, get_flashed_messages, render_template_string, request, session
from kolben.sessions import SecureCookieSessionInterface
from kolben.testing import KolbenClient


def whole() -> t.Any:
    """The session itself, and not the proxy for it."""
    return t.cast(t.Any, session)._get_current_object()


READS: dict[str, t.Callable[[], object]] = {
    "in": lambda: "a" in session,
    "len": lambda: len(session),
    "iter": lambda: list(session),
    "==": lambda: session == {},
    "!=": lambda: session != {},
    "bool": lambda: bool(session),
    "get": lambda: session.get("a"),
    "[]": lambda: "a" in session and session["a"],
    "keys": lambda: list(session.keys()),
    "items": lambda: list(session.items()),
    "values": lambda: list(session.values()),
    "copy": lambda: whole().copy(),
    "repr": lambda: repr(session),
    "dict": lambda: dict(session),
    "**": lambda: {**session},
    "|": lambda: whole() | {},
    "reversed": lambda: list(reversed(whole())),
    "permanent": lambda: session.permanent,
    "flashes": lambda: get_flashed_messages(),
    "template": lambda: render_template_string("{{ session.a }}"),
    "template in": lambda: render_template_string("{% if 'a' in session %}x{% endif %}"),
    "pop": lambda: session.pop("none", None),
    "setdefault": lambda: session.setdefault("a", 1),
    "match": lambda: _matches(),
}


def _matches() -> bool:
    match whole():
        case {"a": _}:
            return True
    return False


@pytest.mark.parametrize("with_cookie", [True, False])
@pytest.mark.parametrize("how", READS)
def test_s26_every_way_to_read_makes_the_response_vary(
    app: Kolben, client: KolbenClient, view_kind: t.Callable[[t.Any], t.Any], how: str, with_cookie: bool
) -> None:
    @app.get("/")
    @view_kind
    def index() -> str:
        READS[how]()
        return "x"

    @app.get("/untouched")
    @view_kind
    def untouched() -> str:
        return "x"

    if with_cookie:
        with client.session_transaction() as saved:
            saved["a"] = "1"
    assert "Cookie" in client.get("/").vary
    assert "Cookie" not in client.get("/untouched").vary


@pytest.mark.parametrize("code", [404, 500])
def test_s26_an_error_varies_too_if_the_session_was_read(app: Kolben, client: KolbenClient, code: int) -> None:
    app.testing = False

    @app.get("/404")
    def missing() -> str:
        session.get("a")
        raise KeyError if code == 500 else FileNotFoundError

    @app.get("/500")
    def broken() -> str:
        return missing()

    @app.errorhandler(FileNotFoundError)
    def explain(error: Exception) -> t.Any:
        return "x", 404

    response = client.get(f"/{code}")
    assert response.status_code == code
    assert "Cookie" in response.vary


def test_s26_a_hook_that_reads_the_session_makes_every_response_vary(app: Kolben, client: KolbenClient) -> None:
    @app.before_request
    def look() -> None:
        session.get("user")

    assert "Cookie" in client.get("/none").vary


def test_s26_a_flashed_message_is_not_cached(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> str:
        if "say" in request.args:
            flash("said")
        return ",".join(t.cast("list[str]", get_flashed_messages()))

    assert "Cookie" in client.get("/?say").vary


def sign(app: Kolben, key: str, **data: str) -> str:
    other = Kolben("other")
    other.secret_key = key
    serializer = SecureCookieSessionInterface().get_signing_serializer(other)
    assert serializer is not None
    return str(serializer.dumps(data))


@pytest.mark.parametrize("key", ["new", "old", "oldest", "strange"])
def test_s27_two_fallbacks_verify_and_the_current_key_alone_signs(app: Kolben, client: KolbenClient, key: str) -> None:
    app.secret_key = "new"
    app.config["SECRET_KEY_FALLBACKS"] = ["old", "oldest"]

    @app.get("/")
    def index() -> str:
        return str(session.get("user"))

    @app.get("/change")
    def change() -> str:
        session["user"] = session.get("user", "nobody") + "!"
        return "x"

    client.set_cookie("session", sign(app, key, user="ann"))
    known = "ann" if key != "strange" else "None"
    assert client.get("/").text == known

    client.get("/change")
    cookie = client.get_cookie("session")
    assert cookie is not None
    app_of_new_key = SecureCookieSessionInterface()
    alone = Kolben("alone")
    alone.secret_key = "new"
    serializer = app_of_new_key.get_signing_serializer(alone)
    assert serializer is not None
    assert serializer.loads(cookie.value) == {"user": "ann!" if key != "strange" else "nobody!"}
