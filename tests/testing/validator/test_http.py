from __future__ import annotations

import typing as t

import pytest

from kolben.testing import ASGIViolation
from tests.testing.bare import body, start
from tests.testing.validator.talk import HTTP, RECEIVE, talk

OK = [start(), body()]
HEAD = {**HTTP, "method": "HEAD"}
TRAILERS = {**HTTP, "extensions": {"http.response.trailers": {}, "http.response.push": {}}}


@pytest.mark.parametrize(
    ("scope", "script"),
    [
        (HTTP, [start(content_length="2"), body(b"a", more=True), body(b"b")]),
        (HTTP, [start(204), body()]),
        (HTTP, [start(304, content_length="5", etag='"x"'), body()]),
        (HTTP, [{"type": "http.response.start", "status": 200}, {"type": "http.response.body"}]),
        (HEAD, [start(content_length="5"), body()]),
        (
            TRAILERS,
            [
                {"type": "http.response.push", "path": "/x", "headers": []},
                {**start(), "trailers": True},
                body(),
                {"type": "http.response.trailers", "headers": [(b"a", b"b")], "more_trailers": False},
            ],
        ),
    ],
)
def test_a_response_by_the_rules_passes(scope: t.Any, script: list[t.Any]) -> None:
    assert talk(scope, script) == script


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ([], "returned when it has not started its response"),
        ([start()], "returned when the response has started"),
        ([start(), body(more=True)], "returned when the response has started"),
        ([body()], "sent 'http.response.body' when it has not started"),
        ([start(), start()], "sent 'http.response.start' when the response has started"),
        ([*OK, body()], "sent 'http.response.body' after the response was complete"),
        ([*OK, start()], "sent 'http.response.start' after the response was complete"),
        ([{"type": "http.response.stop"}], "which no http conversation has"),
        ([start(), {"type": "http.response.pathsend", "path": "/x"}], "did not announce"),
        ([{}], "left 'type' out"),
        ([{"type": "http.response.start"}], "left 'status' out"),
        ([{**start(), "status": "200"}], "which is not int"),
        ([{**start(), "status": True}], "which is not int"),
        ([start(99)], "not three digits"),
        ([start(), {**body(), "body": "text"}], "which is not bytes"),
        ([start(), {**body(), "more_body": 1}], "which is not bool"),
        ([start(content_length="1"), body()], "sent 0 bytes of a body, and 'content-length: 1'"),
        ([start(content_length="1"), body(b"ab", more=True)], "sent 2 bytes of a body, and 'content-length: 1'"),
        ([start(content_length="-1")], "'content-length'"),
        ([start(204, content_length="0")], "with status 204"),
        ([start(204), body(b"x")], "sent 1 bytes of a body where there must be none"),
        ([start(304), body(b"x")], "where there must be none"),
    ],
)
def test_a_response_against_the_rules_does_not(script: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint) as info:
        talk(HTTP, script)
    assert "The application " in str(info.value)


def test_a_body_to_head_is_a_violation() -> None:
    with pytest.raises(ASGIViolation, match="where there must be none"):
        talk(HEAD, [start(), body(b"x")])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-Upper", b"x"),
        (b"", b"x"),
        (b"a b", b"x"),
        (b":status", b"x"),
        (b"x\r\ny", b"x"),
        (b"x", b"a\r\nset-cookie: b"),
        (b"x", b"a\nb"),
        (b"x", b"a\x00b"),
        ("x", "y"),
    ],
)
def test_s24_a_header_that_could_split_a_response_is_a_violation(name: t.Any, value: t.Any) -> None:
    with pytest.raises(ASGIViolation, match=r"header"):
        talk(HTTP, [{**start(), "headers": [(name, value)]}])


def test_a_header_that_is_no_pair_is_a_violation() -> None:
    with pytest.raises(ASGIViolation, match="not a pair"):
        talk(HTTP, [{**start(), "headers": [b"x"]}])


def test_the_client_may_leave_before_the_response_is_complete() -> None:
    gone = {"type": "http.disconnect"}

    talk(HTTP, [start(), RECEIVE, body(b"x", more=True), RECEIVE], server=[gone, gone])


@pytest.mark.parametrize(
    ("server", "complaint"),
    [
        ([{"type": "http.request"}, {"type": "http.request"}], "after one that said that it was the last"),
        ([{"type": "http.disconnect"}, {"type": "http.request"}], "after 'http.disconnect'"),
        ([{"type": "http.request", "body": "text"}], "which is not bytes"),
        ([{"type": "websocket.receive"}], "which no http conversation has"),
    ],
)
def test_a_server_against_the_rules_is_told_so(server: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint) as info:
        talk(HTTP, [RECEIVE] * len(server) + OK, server=server)
    assert "The server " in str(info.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "get"},
        {"path": b"/"},
        {"query_string": ""},
        {"raw_path": "/"},
        {"http_version": "0.9"},
        {"headers": [("host", "x")]},
        {"client": ("1.2.3.4",)},
        {"server": ("localhost", "http")},
        {"asgi": {}},
        {"state": None},
    ],
)
def test_a_scope_against_the_rules_is_the_servers_fault(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(ASGIViolation, match="The server "):
        talk({**HTTP, **wrong}, OK)


def test_a_file_by_its_path_counts_as_the_body(tmp_path: t.Any) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    scope = {**HTTP, "extensions": {"http.response.pathsend": {}}}

    def send(path: str, length: str) -> None:
        talk(scope, [start(content_length=length), {"type": "http.response.pathsend", "path": path}])

    send(str(file), "3")
    with pytest.raises(ASGIViolation, match="sent 3 bytes"):
        send(str(file), "4")
    with pytest.raises(ASGIViolation, match="not absolute"):
        send("file", "3")
