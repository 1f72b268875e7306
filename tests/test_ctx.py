from __future__ import annotations

import asyncio
import threading
import typing as t

import pytest

import kolben
from kolben import (
    Kolben,
    after_this_request,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    signals,
)
from kolben.globals import current
from kolben.sessions import SessionInterface
from kolben.testing import KolbenClient
from tests.kinds import Kind


def test_application_context(app: Kolben) -> None:
    ended: list[object] = []
    app.teardown_appcontext(ended.append)
    assert not has_app_context()
    with app.app_context() as ctx:
        assert current_app == app
        assert has_app_context()
        assert not has_request_context()
        assert ctx.g is g._get_current_object()
    assert ended == [None]
    assert not has_app_context()


def test_application_contexts_nest(app: Kolben) -> None:
    with app.app_context():
        g.name = "outer"
        with app.app_context():
            assert "name" not in g
        assert g.name == "outer"


def test_request_context_shares_the_application_context_in_force(app: Kolben) -> None:
    ended: list[object] = []
    app.teardown_appcontext(ended.append)
    with app.app_context():
        g.name = "outer"
        with app.test_request_context("/"):
            assert g.name == "outer"
            with app.app_context():
                assert "name" not in g
                assert request.path == "/"
            assert len(ended) == 1
        assert len(ended) == 1
    assert len(ended) == 2


def test_request_context_of_another_application_does_not(app: Kolben) -> None:
    other = Kolben("other")
    with app.app_context():
        g.name = "outer"
        with other.test_request_context("/"):
            assert current_app.name == "other"
            assert "name" not in g


def test_teardown_gets_the_error_of_the_block(app: Kolben) -> None:
    seen: list[object] = []
    app.teardown_request(lambda exc: seen.append(type(exc)))
    app.teardown_appcontext(lambda exc: seen.append(type(exc)))
    with pytest.raises(ValueError), app.test_request_context("/"):
        raise ValueError
    assert seen == [ValueError, ValueError]


def test_popped_out_of_order(app: Kolben) -> None:
    outer, inner = app.app_context(), app.app_context()
    outer.push()
    inner.push()
    with pytest.raises(AssertionError, match="Popped wrong app context"):
        outer.pop()
    current.set(t.cast(t.Any, None))


def test_pushed_and_popped_twice_is_torn_down_once(app: Kolben) -> None:
    ended: list[object] = []
    app.teardown_request(ended.append)
    ctx = app.test_request_context("/")
    with ctx:
        with ctx:
            assert request.path == "/"
        assert ended == []
    assert ended == [None]


def test_made_up_request_is_matched_and_has_a_session(app: Kolben) -> None:
    app.add_url_rule("/<int:number>", "view", lambda number: "x")
    with app.test_request_context("/7?a=b", method="GET"):
        assert (request.endpoint, request.view_args, request.args["a"]) == ("view", {"number": 7}, "b")
        session["name"] = "Ann"
    with app.test_request_context("/missing"):
        assert request.endpoint is None
        assert request.routing_exception is not None


def test_made_up_request_does_not_end_the_set_up(app: Kolben, client: KolbenClient) -> None:
    with app.test_request_context("/"):
        assert request.routing_exception is not None
    app.add_url_rule("/", "view", lambda: "x")
    with app.test_request_context("/"):
        assert request.endpoint == "view"
    assert client.get("/").text == "x"


def test_failing_session_leaves_no_context(app: Kolben) -> None:
    class Broken(SessionInterface):
        def open_session(self, app: Kolben, request: t.Any) -> t.NoReturn:
            raise ValueError("no store")

    app.session_interface = Broken()
    with pytest.raises(ValueError, match="no store"):
        app.test_request_context("/").push()
    assert not has_app_context()


def test_async_with(app: Kolben) -> None:
    events: list[str] = []

    def popped(sender: object) -> None:
        events.append("popped")

    @app.teardown_appcontext
    async def teardown(exc: object) -> None:
        events.append("teardown")

    signals.appcontext_popped.connect(popped, app)

    async def main() -> None:
        async with app.app_context():
            assert has_app_context()
        async with app.test_request_context("/"):
            assert request.path == "/"

    asyncio.run(main())
    assert events == ["teardown", "popped"] * 2


def test_names_of_g(app: Kolben) -> None:
    with app.app_context():
        assert g.get("name") is None
        assert g.setdefault("name", "Ann") == "Ann"
        assert "name" in g
        assert list(g) == ["name"]
        assert g.pop("name") == "Ann"
        assert g.pop("name", "Bob") == "Bob"
        with pytest.raises(KeyError):
            g.pop("name")
        with pytest.raises(AttributeError, match="name"):
            _ = g.name
        with pytest.raises(AttributeError, match="name"):
            del g.name
        assert repr(g) == "<kolben.g of 'tests.app'>"


# -- after_this_request, copy_current_request_context ----------------------------------------------------------------


def test_after_this_request_in_hook_and_view(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def add(name: str) -> None:
        @after_this_request
        def after(response: t.Any) -> t.Any:
            response.headers.add("X-After", name)
            return response

    def view() -> str:
        add("view")
        return "x"

    app.before_request(lambda: add("hook"))
    app.add_url_rule("/", "view", view_kind(view))
    app.add_url_rule("/none", "none", view_kind(lambda: "x"))
    assert client.get("/").headers.getlist("X-After") == ["hook", "view"]
    assert client.get("/none").headers.getlist("X-After") == ["hook"]


@pytest.mark.parametrize("func", [after_this_request, copy_current_request_context])
def test_outside_of_a_request(app: Kolben, func: t.Callable[..., t.Any]) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match=f"'{func.__name__}' can only be used"):
        func(lambda: None)


def test_copy_in_a_thread_shares_request_and_session_not_g(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    seen: list[object] = []

    def view() -> str:
        g.name = session["name"] = "Ann"

        @copy_current_request_context
        def work() -> None:
            seen.extend([request.path, session["name"], g.get("name")])
            session["other"] = "Bob"

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return t.cast(str, session["other"])

    app.add_url_rule("/page", "view", view_kind(view))
    assert client.get("/page").text == "Bob"
    assert seen == ["/page", "Ann", None]


def test_session_that_only_the_copy_opened_is_saved(app: Kolben, client: KolbenClient) -> None:
    @app.route("/")
    def view() -> str:
        @copy_current_request_context
        def work() -> None:
            session["name"] = "Ann"

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return "x"

    app.add_url_rule("/name", "name", lambda: session["name"])
    client.get("/")
    assert client.get("/name").text == "Ann"


def test_copy_does_not_close_the_request(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> str:
        thread = threading.Thread(target=copy_current_request_context(lambda: request.path))
        thread.start()
        thread.join()
        return request.form["name"]

    app.add_url_rule("/", "view", view_kind(view), methods=["POST"])
    assert client.post("/", data={"name": "Ann"}).text == "Ann"


def test_copy_in_a_task(app: Kolben, client: KolbenClient) -> None:
    ended: list[object] = []
    app.teardown_request(ended.append)

    @app.route("/page")
    async def view() -> str:
        @copy_current_request_context
        async def work() -> str:
            await asyncio.sleep(0)
            return request.path

        return await asyncio.create_task(work())

    assert client.get("/page").text == "/page"
    client.close()
    assert ended == [None, None]


def test_copy_outlives_its_request(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    seen: list[str] = []
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def view() -> str:
        @copy_current_request_context
        def work() -> None:
            go_on.wait(5)
            seen.append(f"{request.path} {kolben.url_for('view')}")

        threads.append(threading.Thread(target=work))
        threads[0].start()
        return "x"

    app.add_url_rule("/page", "view", view_kind(view))
    assert client.get("/page").text == "x"
    go_on.set()
    threads[0].join()
    assert seen == ["/page /page"]
