from __future__ import annotations

import functools
import typing as t

import pytest
from werkzeug.exceptions import HTTPException

import kolben
from kolben import Kolben, Response, request, signals
from kolben.testing import KolbenClient
from kolben.testing.client import Protocol
from tests.kinds import Kind

METHODS = [
    "async_to_sync",
    "create_url_adapter",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "ensure_sync",
    "finalize_request",
    "full_dispatch_request",
    "handle_exception",
    "handle_http_exception",
    "handle_user_exception",
    "inject_url_defaults",
    "log_exception",
    "make_default_options_response",
    "make_response",
    "preprocess_request",
    "process_response",
    "raise_routing_exception",
    "should_ignore_error",
    "trap_http_exception",
]


def counting(method: t.Callable[..., t.Any], calls: list[str]) -> t.Callable[..., t.Any]:
    @functools.wraps(method)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        calls.append(method.__name__)
        return method(*args, **kwargs)

    return call


def set_up(app: Kolben, view_kind: Kind) -> None:
    async def hook() -> None:
        pass

    def view(ending: str) -> str:
        if ending == "error":
            raise ValueError
        if ending == "abort":
            kolben.abort(418)
        return kolben.url_for("view", ending=ending)

    app.config.update(PROPAGATE_EXCEPTIONS=False)
    app.before_request(hook)
    app.teardown_request(lambda exc: None)
    app.add_url_rule("/<ending>", "view", view_kind(view))


def exercise(app: Kolben, protocol: Protocol) -> None:
    client = app.test_client(protocol=protocol, validate=True)
    assert client.get("/ok").text == "/ok"
    assert [client.get(path).status_code for path in ("/error", "/abort", "/not/there")] == [500, 418, 404]
    options = client.options("/ok")
    assert (options.data, set(options.allow)) == (b"", {"GET", "HEAD", "OPTIONS"})
    client.close()


@pytest.mark.parametrize("name", METHODS)
def test_method_of_a_subclass_is_honoured(protocol: Protocol, view_kind: Kind, name: str) -> None:
    calls: list[str] = []
    cls = type("Sub", (Kolben,), {name: counting(getattr(Kolben, name), calls)})
    app = cls("tests.app")
    set_up(app, view_kind)
    exercise(app, protocol)
    assert calls


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_method_assigned_to_the_application_is_honoured(
    app: Kolben, protocol: Protocol, view_kind: Kind, name: str, is_late: bool
) -> None:
    calls: list[str] = []
    set_up(app, view_kind)
    if is_late:
        exercise(app, protocol)
    setattr(app, name, counting(getattr(app, name), calls))
    exercise(app, protocol)
    assert calls


@pytest.mark.parametrize("is_late", [False, True])
def test_middleware_wraps_the_doors(app: Kolben, protocol: Protocol, is_late: bool) -> None:
    calls: list[str] = []
    app.add_url_rule("/", "view", lambda: "x")
    client = app.test_client(protocol=protocol, validate=True, lifespan=False)
    if is_late:
        client.get("/")
    door = f"{protocol}_app"
    setattr(app, door, counting(getattr(app, door), calls))
    assert client.get("/").text == "x"
    client.close()
    assert calls == [door]


def test_dispatch_request_may_answer_itself(protocol: Protocol, view_kind: Kind) -> None:
    class App(Kolben):
        def dispatch_request(self) -> t.Any:
            return f"instead of {request.endpoint}"

    app = App("tests.app")
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    client = app.test_client(protocol=protocol, validate=True)
    assert client.get("/").text == "instead of view"
    client.close()


def test_handler_of_exceptions_may_be_replaced_as_extensions_do(
    app: Kolben, client: KolbenClient, view_kind: Kind
) -> None:
    def view() -> str:
        raise ValueError("no")

    def handle(original: t.Callable[[Exception], Response], exc: Exception) -> Response:
        if isinstance(exc, HTTPException):
            return original(exc)
        return app.make_response((f"handled {exc}", 500))

    original = app.handle_exception
    app.handle_exception = functools.partial(handle, original)  # type: ignore[method-assign]
    app.add_url_rule("/", "view", view_kind(view))
    assert client.get("/").text == "handled no"


def test_ignored_errors_are_kept_from_teardown(protocol: Protocol, view_kind: Kind) -> None:
    class App(Kolben):
        def should_ignore_error(self, error: BaseException | None) -> bool:
            return isinstance(error, KeyError)

    def view(name: str) -> str:
        raise {"key": KeyError, "value": ValueError}[name]

    app, seen = App("tests.app"), []
    app.teardown_request(lambda exc: seen.append(type(exc)))
    app.add_url_rule("/<name>", "view", view_kind(view))
    client = app.test_client(protocol=protocol, validate=True)
    assert [client.get(path).status_code for path in ("/key", "/value")] == [500, 500]
    client.close()
    assert seen == [type(None), ValueError]


def test_streams_keep_their_context_although_a_step_is_overridden(
    app: Kolben, client: KolbenClient, view_kind: Kind
) -> None:
    events: list[str] = []
    app.teardown_request(lambda exc: events.append("teardown"))
    setattr(app, "process_response", counting(app.process_response, []))  # noqa: B010  # assigned, as extensions do

    def chunks() -> t.Iterator[str]:
        events.append("chunk")
        yield request.path

    app.add_url_rule("/", "view", view_kind(lambda: view_kind(chunks)()))
    assert client.get("/").text == "/"
    client.close()
    assert events == ["chunk", "teardown"]


def test_signals_are_sent_in_overridden_steps_too(app: Kolben, client: KolbenClient, view_kind: Kind) -> None:
    sent: list[str] = []
    receivers = []
    for name in ("request_started", "request_finished", "request_tearing_down", "appcontext_tearing_down"):

        def receive(sender: object, name: str = name, **values: object) -> None:
            sent.append(name)

        receivers.append(receive)
        getattr(signals, name).connect(receive, app)
    setattr(app, "preprocess_request", counting(app.preprocess_request, []))  # noqa: B010
    app.add_url_rule("/", "view", view_kind(lambda: "x"))
    client.get("/")
    assert sent == ["request_started", "request_finished", "request_tearing_down", "appcontext_tearing_down"]
