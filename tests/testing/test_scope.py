from __future__ import annotations

import typing as t

import pytest
from werkzeug.test import create_environ

from kolben.testing.environ import RAW_HEADERS
from kolben.testing.scope import PRESERVE_CONTEXT, scope_from_environ, websocket_scope


def test_a_request_is_told_as_a_server_would() -> None:
    environ = create_environ(
        "/a%20b/é?x=1&y=%26",
        "https://example.com:8443/root",
        method="POST",
        data=b"abc",
        content_type="text/plain",
        headers={"X-One": "é"},
        environ_base={"REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "77"},
    )

    scope = scope_from_environ(environ)

    assert scope["type"] == "http"
    assert scope["method"] == "POST"
    assert scope["scheme"] == "https"
    assert scope["http_version"] == "1.1"
    assert scope["path"] == "/root/a b/é"
    assert scope["raw_path"] == b"/root/a%20b/%C3%A9"
    assert scope["root_path"] == "/root"
    assert scope["query_string"] == b"x=1&y=%26"
    assert scope["client"] == ("10.0.0.1", 77)
    assert scope["server"] == ("example.com", 8443)
    assert dict(scope["headers"]) == {
        b"host": b"example.com:8443",
        b"content-type": b"text/plain",
        b"content-length": b"3",
        b"x-one": b"\xe9",
    }


@pytest.mark.parametrize(
    ("path", "raw"),
    [("/a%2Fb?x=%2F", b"/a%2Fb"), ("/a%20b", b"/a%20b"), ("/é", b"/%C3%A9"), ("/~user", b"/~user")],
)
def test_the_raw_path_keeps_its_escapes(path: str, raw: bytes) -> None:
    assert scope_from_environ(create_environ(path))["raw_path"] == raw


@pytest.mark.parametrize(("path", "raw"), [("/other", b"/other"), ("//x/y", b"//x/y"), ("/\xff", b"/%FF")])
def test_the_raw_path_follows_a_path_that_was_overridden(path: str, raw: bytes) -> None:
    environ = create_environ("/a", environ_overrides={"PATH_INFO": path})

    assert scope_from_environ(environ)["raw_path"] == raw


def test_there_is_no_client_without_an_address() -> None:
    assert scope_from_environ(create_environ())["client"] is None


def test_s5_headers_that_wsgi_folds_stay_apart() -> None:
    environ = create_environ(headers=[("X_User", "evil"), ("X-User", "good")])
    environ[RAW_HEADERS] = [("X_User", "evil"), ("X-User", "good")]

    headers = scope_from_environ(environ)["headers"]

    assert [header for header in headers if b"user" in header[0]] == [(b"x_user", b"evil"), (b"x-user", b"good")]


def test_s7_a_repeated_header_stays_repeated() -> None:
    environ = create_environ(headers=[("X-A", "1"), ("X-A", "2")])
    environ[RAW_HEADERS] = [("X-A", "1"), ("X-A", "2")]

    assert [value for name, value in scope_from_environ(environ)["headers"] if name == b"x-a"] == [b"1", b"2"]


def test_a_header_that_changed_since_is_sent_as_it_is_now() -> None:
    environ = create_environ(headers=[("X-A", "1")])
    environ[RAW_HEADERS] = [("X-A", "1")]
    environ["HTTP_X_A"] = "changed"

    assert (b"x-a", b"changed") in scope_from_environ(environ)["headers"]


def test_the_callable_that_preserves_contexts_is_passed_on() -> None:
    contexts: list[t.Any] = []
    environ = create_environ(environ_base={"werkzeug.debug.preserve_context": contexts.append})

    scope_from_environ(environ)[PRESERVE_CONTEXT]("a context")

    assert contexts == ["a context"]


def test_a_websocket_has_a_handshake() -> None:
    scope = websocket_scope(scope_from_environ(create_environ("/ws", "https://localhost/")), ["a", "b"])

    assert scope["type"] == "websocket"
    assert scope["scheme"] == "wss"
    assert scope["subprotocols"] == ["a", "b"]
    assert "method" not in scope
    assert "websocket.http.response" in scope["extensions"]
    headers = dict(scope["headers"])
    assert headers[b"upgrade"] == b"websocket"
    assert headers[b"sec-websocket-version"] == b"13"
    assert headers[b"sec-websocket-protocol"] == b"a, b"


def test_a_handshake_header_that_was_given_is_not_added() -> None:
    environ = create_environ("/ws", headers={"Sec-WebSocket-Version": "8"})

    scope = websocket_scope(scope_from_environ(environ), [])

    assert [value for name, value in scope["headers"] if name == b"sec-websocket-version"] == [b"8"]
