from __future__ import annotations

import typing as t

import pytest

from kolben.testing import ASGIViolation
from tests.testing.validator.talk import RECEIVE, WEBSOCKET, talk

CONNECT = {"type": "websocket.connect"}
ACCEPT = {"type": "websocket.accept"}
SEND = {"type": "websocket.send", "text": "x"}
CLOSE = {"type": "websocket.close"}
REFUSE = [
    {"type": "websocket.http.response.start", "status": 401, "headers": []},
    {"type": "websocket.http.response.body", "body": b"no"},
]
GONE = {"type": "websocket.disconnect", "code": 1001}


@pytest.mark.parametrize(
    "script",
    [
        [RECEIVE, {**ACCEPT, "subprotocol": "a", "headers": [(b"x", b"y")]}, SEND, {**CLOSE, "code": 4000}],
        [RECEIVE, ACCEPT, {"type": "websocket.send", "bytes": b"x", "text": None}],
        [RECEIVE, CLOSE],
        [CLOSE],
        [RECEIVE, *REFUSE],
    ],
)
def test_a_websocket_by_the_rules_passes(script: list[t.Any]) -> None:
    assert talk(WEBSOCKET, script, [CONNECT]) == [step for step in script if step is not RECEIVE]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ([RECEIVE], "returned when the handshake was not answered"),
        ([ACCEPT], "before it received 'websocket.connect'"),
        ([RECEIVE, SEND], "when the handshake was not answered"),
        ([RECEIVE, ACCEPT, ACCEPT], "sent 'websocket.accept' when the WebSocket was open"),
        ([RECEIVE, ACCEPT, CLOSE, SEND], "when it had closed the WebSocket"),
        ([RECEIVE, ACCEPT, CLOSE, CLOSE], "when it had closed the WebSocket"),
        ([RECEIVE, ACCEPT, *REFUSE], "when the WebSocket was open"),
        ([RECEIVE, REFUSE[0]], "returned when it was answering the handshake"),
        ([RECEIVE, {"type": "websocket.start"}], "which no websocket conversation has"),
        ([RECEIVE, {**ACCEPT, "subprotocol": "b"}], "which the client did not offer"),
        ([RECEIVE, {**ACCEPT, "headers": [(b"sec-websocket-protocol", b"a")]}], "'subprotocol' is for that"),
        ([RECEIVE, ACCEPT, {"type": "websocket.send"}], "exactly one"),
        ([RECEIVE, ACCEPT, {**SEND, "bytes": b"x"}], "exactly one"),
        ([RECEIVE, ACCEPT, {"type": "websocket.send", "text": b"x"}], "of the wrong type"),
        ([RECEIVE, ACCEPT, {**CLOSE, "code": 1006}], "must not be sent"),
        ([RECEIVE, ACCEPT, {**CLOSE, "code": 999}], "must not be sent"),
        ([RECEIVE, ACCEPT, {**CLOSE, "reason": "x" * 124}], "at most 123 bytes"),
    ],
)
def test_a_websocket_against_the_rules_does_not(script: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint):
        talk(WEBSOCKET, script, [CONNECT])


def test_a_refusal_needs_its_extension() -> None:
    with pytest.raises(ASGIViolation, match="did not announce"):
        talk({**WEBSOCKET, "extensions": {}}, [RECEIVE, *REFUSE], [CONNECT])


def test_the_client_may_leave_at_any_time() -> None:
    talk(WEBSOCKET, [RECEIVE, RECEIVE], [CONNECT, GONE])
    talk(WEBSOCKET, [RECEIVE, ACCEPT, RECEIVE, SEND], [CONNECT, GONE])


def test_nobody_asks_again_after_the_client_left() -> None:
    with pytest.raises(ASGIViolation, match=r"asked for a message after 'websocket.disconnect'"):
        talk(WEBSOCKET, [RECEIVE, ACCEPT, RECEIVE, RECEIVE], [CONNECT, GONE, GONE])


@pytest.mark.parametrize(
    ("script", "server", "complaint"),
    [
        ([RECEIVE, RECEIVE], [CONNECT, CONNECT], "a second time"),
        ([RECEIVE], [GONE], "before connecting"),
        ([RECEIVE, RECEIVE], [CONNECT, {"type": "websocket.receive", "text": "x"}], "before the handshake"),
        ([RECEIVE, ACCEPT, RECEIVE], [CONNECT, {"type": "websocket.receive"}], "exactly one"),
    ],
)
def test_a_server_against_the_rules_is_told_so(script: list[t.Any], server: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint) as info:
        talk(WEBSOCKET, script, server)
    assert "The server " in str(info.value)
