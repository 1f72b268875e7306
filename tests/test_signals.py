from __future__ import annotations

import blinker

from kolben import signals

FLASK = [
    "template_rendered",
    "before_render_template",
    "request_started",
    "request_finished",
    "request_tearing_down",
    "got_request_exception",
    "appcontext_pushed",
    "appcontext_popped",
    "appcontext_tearing_down",
    "message_flashed",
]
QUART = [
    "websocket_started",
    "websocket_finished",
    "websocket_tearing_down",
    "got_websocket_exception",
    "got_background_exception",
    "got_serving_exception",
]


def test_signals_are_named_like_their_variables() -> None:
    for name in FLASK + QUART:
        signal = getattr(signals, name)
        assert isinstance(signal, blinker.NamedSignal)
        assert signal.name == name.replace("_", "-")


def test_each_signal_says_what_it_carries() -> None:
    for name in FLASK + QUART:
        assert getattr(signals, name).__doc__.endswith((".", ")."))


def test_there_are_no_others() -> None:
    found = {name for name, value in vars(signals).items() if isinstance(value, blinker.Signal)}
    assert found == {*FLASK, *QUART}
