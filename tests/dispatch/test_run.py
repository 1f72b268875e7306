from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import threading
import time
import typing as t
from contextvars import ContextVar, copy_context

import pytest
from werkzeug.wrappers import Response as WerkzeugResponse

import kolben
from kolben import Kolben, Response, bridge, g, request, session
from kolben.ctx import RequestContext
from kolben.testing import EnvironBuilder, KolbenClient
from kolben.testing.scope import scope_from_environ
from tests.kinds import KINDS, Kind

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

hooked: ContextVar[str] = ContextVar("hooked", default="unset")
viewed: ContextVar[str] = ContextVar("viewed", default="unset")


@pytest.fixture(params=KINDS)
def hook_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(params=KINDS)
def teardown_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


# -- hooks and views of either kind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["buffered", "sync stream", "async stream"])
def test_context_variables_reach_view_stream_and_teardown(
    app: Kolben, client: KolbenClient, view_kind: Kind, hook_kind: Kind, teardown_kind: Kind, body: str
) -> None:
    seen: list[tuple[str, str, str]] = []

    def look(where: str) -> None:
        seen.append((where, hooked.get(), viewed.get()))

    def before() -> None:
        hooked.set("hook")

    def sync_stream() -> Iterator[str]:
        look("stream")
        yield "a"
        look("stream")
        yield "b"

    async def async_stream() -> t.AsyncIterator[str]:
        for chunk in sync_stream():
            yield chunk

    def view() -> t.Any:
        viewed.set("view")
        return {"buffered": "ab", "sync stream": sync_stream(), "async stream": async_stream()}[body]

    app.before_request(hook_kind(before))
    app.add_url_rule("/", "view", view_kind(view))
    app.teardown_request(teardown_kind(lambda exc: look("teardown")))

    # In a copy of the test's context: under WSGI, the caller's thread is the view's, and keeps what was set.
    copy_context().run(_get_twice, client)

    once = [("stream", "hook", "view")] * (0 if body == "buffered" else 2) + [("teardown", "hook", "view")]
    assert seen == once * 2


def _get_twice(client: KolbenClient) -> None:
    for _ in range(2):
        with client.get("/") as response:
            assert response.get_data() == b"ab"
        client.close()


def test_hooks_of_either_kind_see_the_same_g_session_and_request(
    app: Kolben, client: KolbenClient, view_kind: Kind, hook_kind: Kind
) -> None:
    def before() -> None:
        g.name, session["name"] = "Ann", request.args["name"]

    def after(response: Response) -> Response:
        response.headers["X-Name"] = f"{g.name} {session['name']} {request.path}"
        return response

    app.before_request(hook_kind(before))
    app.after_request(hook_kind(after))
    app.add_url_rule("/", "view", view_kind(lambda: g.name + session["name"]))

    response = client.get("/?name=Bob")
    assert (response.text, response.headers["X-Name"]) == ("AnnBob", "Ann Bob /")


def test_sync_decorator_around_any_view(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    def decorator(view: Callable[..., t.Any]) -> Callable[..., t.Any]:
        def call(**values: object) -> t.Any:
            return view(**values)

        return call

    app.add_url_rule("/<name>", "view", decorator(view_kind(lambda name: (name, 201))))
    response = client.get("/Ann")
    assert (response.text, response.status_code) == ("Ann", 201)


def test_partials_and_callable_objects_are_views_of_their_kind(app: Kolben, client: KolbenClient) -> None:
    async def add(a: int, b: int) -> str:
        return str(a + b)

    class Doubled:
        async def __call__(self, b: int) -> str:
            return str(b * 2)

    app.add_url_rule("/add/<int:b>", "add", functools.partial(add, 1))
    app.add_url_rule("/double/<int:b>", "double", Doubled())
    assert [client.get("/add/2").text, client.get("/double/4").text] == ["3", "8"]


def test_view_that_does_not_block_runs_where_the_loop_runs(app: Kolben) -> None:
    threads = []

    @app.route("/loop", blocking=False)
    def on_the_loop() -> str:
        threads.append(threading.current_thread().name)
        return "x"

    @app.route("/thread")
    def in_a_thread() -> str:
        threads.append(threading.current_thread().name)
        return "x"

    client = app.test_client(protocol="asgi", validate=True)
    client.get("/loop")
    client.get("/thread")
    client.close()
    assert threads[0] == "kolben-test-server"
    assert threads[1].startswith("kolben-view")


def test_hooks_of_a_view_that_does_not_block_may_block(app: Kolben) -> None:
    threads = []

    @app.before_request
    def before() -> None:
        threads.append(threading.current_thread().name)

    @app.route("/", blocking=False)
    def on_the_loop() -> str:
        threads.append(threading.current_thread().name)
        return "x"

    client = app.test_client(protocol="asgi", validate=True)
    assert client.get("/").text == "x"
    client.close()
    assert threads[0] != "kolben-test-server"
    assert threads[1] == "kolben-test-server"


def test_async_views_share_one_loop_over_all_requests(app: Kolben, client: KolbenClient) -> None:
    loops = []

    @app.route("/")
    async def view() -> str:
        import asyncio

        loops.append(asyncio.get_running_loop())
        return "x"

    client.get("/")
    client.get("/")
    assert loops[0] is loops[1]


# -- after_request ---------------------------------------------------------------------------------------------------


def test_after_request_may_return_a_response_of_another_class(
    app: Kolben, client: KolbenClient, view_kind: Kind
) -> None:
    app.after_request(lambda response: t.cast(t.Any, WerkzeugResponse("other", headers={"X-Other": "1"})))
    app.add_url_rule("/", "view", view_kind(lambda: "x"))

    response = client.get("/")
    assert (response.text, response.headers["X-Other"]) == ("other", "1")


@pytest.mark.parametrize("how", ["after_request", "after_this_request"])
def test_after_request_that_returns_nothing_is_named(
    app: Kolben, client: KolbenClient, view_kind: Kind, hook_kind: Kind, how: str
) -> None:
    def forgetful(response: Response) -> None:
        pass

    def view() -> str:
        if how == "after_this_request":
            kolben.after_this_request(t.cast(t.Any, hook_kind(forgetful)))
        return "x"

    if how == "after_request":
        app.after_request(t.cast(t.Any, hook_kind(forgetful)))
    app.add_url_rule("/", "view", view_kind(view))
    with pytest.raises(TypeError, match=r"'forgetful' .* returned None"):
        client.get("/")


def test_response_that_hooks_spoilt_is_not_sent(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.after_request
    def spoil(response: t.Any) -> t.Any:
        response.headers["No Token"] = "1"
        return response

    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    response = client.get("/")
    assert response.status_code == 500
    assert "No Token" not in response.headers


def test_response_of_the_error_handler_survives_a_failing_hook(
    app: Kolben, client: KolbenClient, view_kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.after_request
    def fail(response: t.Any) -> t.Any:
        raise RuntimeError("hook")

    app.register_error_handler(500, lambda exc: ("handled", 500))
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    assert client.get("/").text == "handled"
    assert "Request finalizing failed with an error while handling an error" in caplog.text


# -- errors ----------------------------------------------------------------------------------------------------------


def test_error_handler_that_raises_is_answered_by_the_handler_for_500(
    app: Kolben, client: KolbenClient, view_kind: Kind, hook_kind: Kind
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def failing(exc: Exception) -> str:
        raise KeyError("second")

    def view() -> str:
        raise ValueError("first")

    app.register_error_handler(ValueError, hook_kind(failing))
    app.register_error_handler(500, hook_kind(lambda exc: (repr(exc.original_exception), 500)))
    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").text == "KeyError('second')"


def test_unhandled_error_is_logged_once_with_method_and_path(
    app: Kolben, client: KolbenClient, view_kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def view() -> str:
        raise ZeroDivisionError

    app.add_url_rule("/sum", "view", view_kind(view), methods=["POST"])
    assert client.post("/sum").status_code == 500
    assert [record.getMessage() for record in caplog.records] == ["Exception on /sum [POST]"]


def test_all_teardown_functions_run_and_the_first_error_is_raised(
    app: Kolben, client: KolbenClient, view_kind: Kind, teardown_kind: Kind
) -> None:
    ran = []

    def note(exc: object) -> None:
        ran.append(exc)

    def fail(message: str) -> Callable[[object], None]:
        def raise_it(exc: object) -> None:
            raise ValueError(message)

        return raise_it

    app.teardown_appcontext(teardown_kind(note))
    app.teardown_request(teardown_kind(note))
    app.teardown_request(teardown_kind(fail("second")))
    app.teardown_request(teardown_kind(fail("first")))
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    with pytest.raises(ValueError, match="first"):
        client.get("/")
    assert ran == [None, None]


# -- what is left behind ---------------------------------------------------------------------------------------------

KEPT = (kolben.Request, kolben.Response, RequestContext, ValueError, KeyError, TypeError)


@pytest.mark.parametrize("ending", ["ok", "stream", "error", "handled", "abort", "none", "propagate", "failing-stream"])
def test_nothing_waits_for_the_garbage_collector(
    app: Kolben, protocol: str, view_kind: Kind, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = ending == "propagate"
    # A record of the log would keep the exception, and hide that it is in a cycle.
    monkeypatch.setattr(app, "log_exception", lambda exc_info: None)
    app.teardown_request(lambda exc: None)
    app.register_error_handler(KeyError, lambda exc: "handled")

    def chunks() -> Iterator[str]:
        yield "1"
        if ending == "failing-stream":
            raise ValueError

    def view() -> t.Any:
        session.get("name")
        if ending in {"error", "propagate"}:
            raise ValueError
        if ending == "handled":
            raise KeyError
        if ending == "abort":
            kolben.abort(404)
        return {"ok": "ok", "none": None}.get(ending, view_kind(chunks)())

    app.add_url_rule("/", "view", view_kind(view))
    with asyncio.Runner() as runner:
        answer = answer_wsgi if protocol == "wsgi" else lambda app: runner.run(answer_asgi(app))
        answer(app)
        assert [thing for thing in collected(lambda: [answer(app) for _ in range(3)]) if type(thing) in KEPT] == []


def answer_wsgi(app: Kolben) -> None:
    with contextlib.suppress(ValueError), contextlib.closing(t.cast(t.Any, started(app))) as body:
        assert all(isinstance(chunk, bytes) for chunk in body)


def started(app: Kolben) -> t.Iterable[bytes]:
    body = app(EnvironBuilder(app, "/").get_environ(), lambda status, headers: None)
    return body if hasattr(body, "close") else (chunk for chunk in body)


async def answer_asgi(app: Kolben) -> None:
    async def receive() -> dict[str, t.Any]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: t.Any) -> None:
        pass

    with contextlib.suppress(ValueError):
        await app(scope_from_environ(EnvironBuilder(app, "/").get_environ()), receive, send)


def collected(work: Callable[[], object]) -> list[object]:
    """What the garbage collector finds after `work`."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        work()
        for workers in (value for value in vars(bridge).values() if isinstance(value, bridge.Workers)):
            while len(workers._idle) < workers._threads:
                time.sleep(0.001)
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
