"""Contexts: who pushes them, who ends them, and what they share."""

from __future__ import annotations

import typing as t

import pytest

from kolben import Kolben, Response, after_this_request, current_app, g, request, session
from kolben.globals import app_ctx, request_ctx
from kolben.sessions import SessionInterface, SessionMixin

if t.TYPE_CHECKING:
    from kolben import Request
    from kolben.testing import KolbenClient


def test_a_request_inside_an_application_context_shares_it(app: Kolben, client: KolbenClient) -> None:
    ended: list[str] = []
    app.teardown_appcontext(lambda exc: ended.append("app"))
    app.teardown_request(lambda exc: ended.append("request"))
    app.add_url_rule("/", "index", lambda: g.name)

    with app.app_context():
        g.name = "shared"
        if client.protocol == "wsgi":
            assert client.get("/").text == "shared"
            assert ended == ["request"]

    ended.clear()
    app.view_functions["index"] = lambda: str("name" in g)

    assert client.get("/").text == "False"
    assert ended == ["request", "app"]


def test_another_applications_context_is_not_shared(app: Kolben) -> None:
    other = Kolben("tests.other")
    app.add_url_rule("/", "index", lambda: f"{current_app.name} {'name' in g}")

    with other.app_context():
        g.name = "other's"
        assert app.test_client().get("/").text == "tests.app False"


def test_pushing_the_context_that_is_being_served_ends_nothing(app: Kolben, client: KolbenClient) -> None:
    called: list[str] = []
    app.teardown_request(lambda exc: called.append("request"))
    app.teardown_appcontext(lambda exc: called.append("app"))

    @app.get("/")
    def index() -> str:
        with app_ctx, request_ctx:
            pass
        assert called == []
        return request.path

    assert client.get("/").text == "/"
    assert called == ["request", "app"]


def test_a_pushed_request_has_a_session_that_was_not_looked_at(app: Kolben) -> None:
    with app.test_request_context():
        assert request_ctx._session is not None
        assert not request_ctx._session.accessed
        assert "user" not in session
        assert request_ctx._session.accessed


class MemorySession(dict[str, t.Any], SessionMixin):
    """A session in a dict."""


class MatchingInterface(SessionInterface):
    """Opens the session of an endpoint."""

    def open_session(self, app: Kolben, request: Request) -> SessionMixin:
        request_ctx.match_request()
        return MemorySession(endpoint=request.endpoint)

    def save_session(self, app: Kolben, session: SessionMixin, response: t.Any) -> None:
        """Nowhere."""


def test_a_session_interface_may_match_first(app: Kolben, client: KolbenClient) -> None:
    app.session_interface = MatchingInterface()
    app.add_url_rule("/<name>", "show", lambda name: f"{session['endpoint']} {name}")

    assert client.get("/ada").text == "show ada"


class FailingInterface(SessionInterface):
    """Opens no session."""

    def open_session(self, app: Kolben, request: Request) -> SessionMixin:
        raise OSError("the store is gone")


@pytest.fixture
def failing(app: Kolben) -> list[str]:
    """What ran of an application whose sessions cannot be opened."""
    ran: list[str] = []
    app.session_interface = FailingInterface()
    app.testing = False
    app.before_request(lambda: ran.append("before"))
    app.teardown_request(lambda exc: ran.append(f"teardown {type(exc).__name__}"))
    app.add_url_rule("/", "index", lambda: ran.append("view"))

    @app.after_request
    def after(response: Response) -> Response:
        ran.append("after")
        return response

    return ran


def test_a_session_that_cannot_be_opened_is_a_server_error(
    app: Kolben, client: KolbenClient, failing: list[str]
) -> None:
    assert client.get("/").status_code == 500
    assert failing == ["after", "teardown OSError"]


def test_the_handler_for_500_answers_for_the_session_too(app: Kolben, client: KolbenClient, failing: list[str]) -> None:
    app.register_error_handler(500, lambda exc: (f"sorry: {exc.original_exception}", 500))

    assert client.get("/").text == "sorry: the store is gone"


def test_an_overridden_step_answers_for_the_session_too(failing: list[str]) -> None:
    class Own(Kolben):
        session_interface = FailingInterface()

        def handle_exception(self, e: Exception) -> Response:
            return Response(f"own: {e}", 503)

    assert Own("tests.own").test_client().get("/").text == "own: the store is gone"


def test_after_this_request_needs_a_request() -> None:
    with pytest.raises(RuntimeError, match="request context"):
        after_this_request(lambda response: response)
