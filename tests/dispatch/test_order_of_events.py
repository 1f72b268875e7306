"""The order of events of a request. It is Flask 3.1's: the lists were recorded with Flask and this very program.

One thing differs, on purpose: a streamed response keeps its context, so teardown comes after the stream. In Flask it
comes before, and once more after, if the generator is wrapped in `stream_with_context`.
"""

from __future__ import annotations

import logging
import typing as t

import pytest
from werkzeug.routing import BaseConverter

import kolben
from kolben import Blueprint, Kolben, signals
from kolben.sessions import SecureCookieSessionInterface, SessionMixin
from kolben.testing import KolbenClient
from tests.kinds import KINDS, Kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from kolben import Request, Response
    from kolben.registrar import Registrar

SIGNALS = [
    "appcontext_pushed",
    "request_started",
    "got_request_exception",
    "request_finished",
    "request_tearing_down",
    "appcontext_tearing_down",
    "appcontext_popped",
]

BEGIN = ["signal appcontext_pushed", "open session, not matched", "match", "signal request_started"]
BEFORE = [
    "preprocess app",
    "preprocess outer",
    "preprocess inner",
    "before app 1",
    "before app 2",
    "before outer 1",
    "before outer 2",
    "before inner 1",
    "before inner 2",
    "view",
]
AFTER = [
    "after this 1",
    "after this 2",
    "after inner 2",
    "after inner 1",
    "after outer 2",
    "after outer 1",
    "after app 2",
    "after app 1",
    "save session",
    "signal request_finished",
]


def teardown(exc: str) -> list[str]:
    return [
        f"teardown inner 2 {exc}",
        f"teardown inner 1 {exc}",
        f"teardown outer 2 {exc}",
        f"teardown outer 1 {exc}",
        f"teardown app 2 {exc}",
        f"teardown app 1 {exc}",
        "signal request_tearing_down",
        f"teardown appcontext 2 {exc}",
        f"teardown appcontext 1 {exc}",
        "signal appcontext_tearing_down",
        "signal appcontext_popped",
    ]


class Recorder:
    """A program that says what happens to it, into `events`."""

    def __init__(self, app: Kolben, view_kind: Kind, hook_kind: Kind) -> None:
        self.events: list[str] = []
        self._receivers: list[t.Any] = []
        events = self.events

        class Interface(SecureCookieSessionInterface):
            def open_session(self, app: Kolben, request: Request) -> t.Any:
                events.append(f"open session, {'matched' if request.url_rule else 'not matched'}")
                return super().open_session(app, request)

            def save_session(self, app: Kolben, session: SessionMixin, response: t.Any) -> None:
                events.append("save session")
                super().save_session(app, session, response)

        class Matched(BaseConverter):
            def to_python(self, value: str) -> str:
                events.append("match")
                return value

        app.session_interface = Interface()
        app.url_map.converters["matched"] = Matched
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
        for registrar, name in ((app, "app"), (outer, "outer"), (inner, "inner")):
            self._add_hooks(registrar, name, hook_kind)
        for number in (1, 2):
            app.teardown_appcontext(hook_kind(self._telling(f"teardown appcontext {number}")))
        self._add_views(app, inner, view_kind, hook_kind)
        outer.register_blueprint(inner, url_prefix="/inner")
        app.register_blueprint(outer, url_prefix="/outer")
        for name in SIGNALS:
            self._connect(name, app)

    def _telling(self, what: str) -> t.Callable[[object], None]:
        def tell(exc: object) -> None:
            self.events.append(f"{what} {exc!r}")

        return tell

    def _connect(self, name: str, app: Kolben) -> None:
        def receive(sender: Kolben, **values: object) -> None:
            self.events.append(f"signal {name}")

        self._receivers.append(receive)
        getattr(signals, name).connect(receive, app)

    def _add_hooks(self, registrar: Registrar, name: str, kind: Kind) -> None:
        events = self.events

        def preprocess(endpoint: str | None, values: object) -> None:
            events.append(f"preprocess {name}")

        registrar.url_value_preprocessor(preprocess)
        for number in (1, 2):

            def before(what: str = f"before {name} {number}") -> None:
                events.append(what)

            def after(response: Response, what: str = f"after {name} {number}") -> Response:
                events.append(what)
                return response

            registrar.before_request(kind(before))
            registrar.after_request(kind(after))
            registrar.teardown_request(kind(self._telling(f"teardown {name} {number}")))

    def _add_views(self, app: Kolben, inner: Blueprint, view_kind: Kind, hook_kind: Kind) -> None:
        events = self.events

        def chunks() -> Iterator[str]:
            for number in "12":
                events.append(f"chunk {number}")
                yield number

        def view(matched: str, ending: str) -> t.Any:
            events.append("view")
            for number in (1, 2):

                def after(response: Response, what: str = f"after this {number}") -> Response:
                    events.append(what)
                    return response

                kolben.after_this_request(hook_kind(after))
            kolben.session["visited"] = True
            if ending == "error":
                raise ValueError
            if ending == "handled":
                raise KeyError
            if ending == "abort":
                kolben.abort(418)
            return view_kind(chunks)() if ending == "stream" else "ok"

        inner.add_url_rule("/<matched:matched>/<ending>", "view", view_kind(view))

        def handle(name: str, code: int) -> t.Callable[[t.Any], tuple[str, int]]:
            def handler(exc: t.Any) -> tuple[str, int]:
                events.append(f"errorhandler {name} {getattr(exc, 'original_exception', None)!r}")
                return name, code

            return hook_kind(handler)

        inner.register_error_handler(KeyError, handle("KeyError", 500))
        app.register_error_handler(404, handle("404", 404))
        app.register_error_handler(500, handle("500", 500))


@pytest.fixture(params=KINDS)
def hook_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def recorder(app: Kolben, view_kind: Kind, hook_kind: Kind) -> Recorder:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return Recorder(app, view_kind, hook_kind)


def events_of(client: KolbenClient, recorder: Recorder, path: str) -> list[str]:
    """What happens in a request; the first, for the start of the worker, aside."""
    client.get("/first")
    client.close()
    recorder.events.clear()
    with client.get(path) as response:
        response.get_data()
    client.close()
    end = recorder.events.index("signal appcontext_popped", recorder.events.index("signal request_started"))
    return recorder.events[recorder.events.index("open session, not matched") - 1 : end + 1]


def test_plain(client: KolbenClient, recorder: Recorder) -> None:
    assert events_of(client, recorder, "/outer/inner/x/ok") == BEGIN + BEFORE + AFTER + teardown("None")


def test_unhandled_error(client: KolbenClient, recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    answered = ["signal got_request_exception", "errorhandler 500 ValueError()"]

    assert events_of(client, recorder, "/outer/inner/x/error") == (
        BEGIN + BEFORE + answered + AFTER + teardown("ValueError()")
    )


def test_error_that_a_handler_takes(client: KolbenClient, recorder: Recorder) -> None:
    assert events_of(client, recorder, "/outer/inner/x/handled") == (
        BEGIN + BEFORE + ["errorhandler KeyError None"] + AFTER + teardown("None")
    )


def test_abort(client: KolbenClient, recorder: Recorder) -> None:
    assert events_of(client, recorder, "/outer/inner/x/abort") == BEGIN + BEFORE + AFTER + teardown("None")


def test_not_found(client: KolbenClient, recorder: Recorder) -> None:
    assert events_of(client, recorder, "/nowhere") == [
        "signal appcontext_pushed",
        "open session, not matched",
        "signal request_started",
        "preprocess app",
        "before app 1",
        "before app 2",
        "errorhandler 404 None",
        "after app 2",
        "after app 1",
        "save session",
        "signal request_finished",
        "teardown app 2 None",
        "teardown app 1 None",
        "signal request_tearing_down",
        "teardown appcontext 2 None",
        "teardown appcontext 1 None",
        "signal appcontext_tearing_down",
        "signal appcontext_popped",
    ]


def test_stream_is_torn_down_when_it_has_ended(client: KolbenClient, recorder: Recorder) -> None:
    assert events_of(client, recorder, "/outer/inner/x/stream") == (
        BEGIN + BEFORE + AFTER + ["chunk 1", "chunk 2"] + teardown("None")
    )


def test_hook_that_answers_leaves_out_the_hooks_and_the_view_after_it(
    app: Kolben, client: KolbenClient, recorder: Recorder, hook_kind: Kind
) -> None:
    app.before_request_funcs[None].insert(1, hook_kind(lambda: "early"))

    events = events_of(client, recorder, "/outer/inner/x/ok")
    assert events == BEGIN + BEFORE[:4] + AFTER[2:] + teardown("None")
