from __future__ import annotations

import asyncio
import threading

import pytest

import kolben
from kolben import Kolben, current_app, g, globals, request, session, websocket
from kolben.globals import app_ctx, current, request_ctx
from kolben.testing import KolbenClient
from tests.kinds import Kind


@pytest.mark.parametrize("name", ["current_app", "g", "app_ctx"])
def test_without_an_application(name: str) -> None:
    proxy = getattr(globals, name)
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        _ = proxy.name
    assert not proxy
    assert "unbound" in repr(proxy)


@pytest.mark.parametrize("name", ["request", "session", "request_ctx"])
def test_without_a_request(app: Kolben, name: str) -> None:
    proxy = getattr(globals, name)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="Working outside of request context"):
            _ = proxy.name
        with app.app_context(), pytest.raises(RuntimeError, match="Working outside of request context"):
            _ = proxy.name


def test_without_a_websocket(app: Kolben) -> None:
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="Working outside of websocket context"):
        _ = websocket.path


def test_each_stands_for_what_belongs_to_the_request(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def view() -> str:
        ctx = current.get()
        assert ctx is app_ctx._get_current_object() is request_ctx._get_current_object()  # type: ignore[attr-defined]
        assert current_app == app
        assert isinstance(request, kolben.Request)
        assert request == ctx.request
        g.name = "Ann"
        assert ctx.g.name == "Ann"
        session["name"] = "Ann"
        assert ctx.request_ctx is not None
        assert ctx.request_ctx.session["name"] == "Ann"
        return "x"

    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").text == "x"


def test_tasks_of_a_request_see_it_and_threads_do_not(app: Kolben, client: KolbenClient) -> None:
    seen: list[bool] = []

    @app.route("/page")
    async def view() -> list[str]:
        async def path() -> str:
            await asyncio.sleep(0)
            return request.path

        thread = threading.Thread(target=lambda: seen.append(bool(request)))
        thread.start()
        thread.join()
        return list(await asyncio.gather(path(), path()))

    assert client.get("/page").json == ["/page", "/page"]
    assert seen == [False]


def test_concurrent_requests_do_not_see_each_other(app: Kolben) -> None:
    @app.route("/<name>")
    async def view(name: str) -> str:
        g.name = session["name"] = name
        await asyncio.sleep(0.001)
        return f"{g.name} {session['name']} {request.path}"

    async def main() -> list[str]:
        client = app.test_client(async_=True, validate=True)
        return [response.text for response in await asyncio.gather(*(client.get(f"/{n}") for n in range(20)))]

    assert asyncio.run(main()) == [f"{n} {n} /{n}" for n in range(20)]


def test_attribute_that_is_missing_is_looked_for_once(app: Kolben) -> None:
    asked = []

    class Picky:
        @property
        def name(self) -> str:
            asked.append("name")
            raise AttributeError("no name today")

    with app.app_context():
        g.picky = Picky()
        assert not hasattr(g, "other")
        current.get().g = Picky()  # type: ignore[assignment]
        with pytest.raises(AttributeError, match="no name today"):
            _ = g.name
        assert getattr(g, "name", "nobody") == "nobody"
    assert asked == ["name", "name"]


def test_session_within_a_nested_application_context_is_that_of_the_request(app: Kolben) -> None:
    app.secret_key = "k"
    with app.test_request_context("/") as ctx:
        with app.app_context():
            session["name"] = "Ann"
            assert "name" in session
        assert ctx.session["name"] == "Ann"
        assert ctx.session.accessed
        assert "other" not in session


def test_names_in_g(app: Kolben) -> None:
    with app.app_context():
        g.name = "Ann"
        assert "name" in g
        del g.name
        assert "name" not in g
        assert list(g) == []
        for proxied in (g, current.get().g):
            with pytest.raises(AttributeError, match=r"^name$"):
                _ = proxied.name
        with pytest.raises(AttributeError, match=r"^name$"):
            del g.name


def test_g_of_ones_own_that_is_empty_or_guards_its_names(app: Kolben) -> None:
    class Guarded(dict[str, str]):
        def __setattr__(self, name: str, value: str) -> None:
            self[name] = value

        def __getattr__(self, name: str) -> str:
            return self[name]

        def __delattr__(self, name: str) -> None:
            raise AttributeError(f"{name!r} stays")

    app.app_ctx_globals_class = Guarded  # type: ignore[assignment]
    with app.app_context():
        assert "name" not in g
        g.name = "Ann"
        assert (g.name, g["name"]) == ("Ann", "Ann")  # type: ignore[index]
        with pytest.raises(AttributeError, match="'name' stays"):
            del g.name
