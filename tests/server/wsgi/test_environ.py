from __future__ import annotations

import typing as t

import pytest
from werkzeug.exceptions import BadRequest

from kolben.server.wsgi.environ import environ_of
from tests.server.driving import scope

Pairs = list[tuple[bytes, bytes]]


def environ(*headers: tuple[bytes, bytes], **changes: t.Any) -> dict[str, t.Any]:
    return environ_of(scope(headers=list(headers), **changes), multiprocess=True)


def test_path_is_unquoted_to_bytes() -> None:
    request = scope(target="/a%2Fb%FF%00?x=%31")
    made = environ_of(request, multiprocess=False)
    assert made["PATH_INFO"] == "/a/b\xff\0"
    assert made["QUERY_STRING"] == "x=%31"


def test_path_without_raw_path_is_encoded() -> None:
    assert environ(path="/ä%41", raw_path=None)["PATH_INFO"] == "/Ã¤%41"


@pytest.mark.parametrize(
    ("root", "path", "script_name", "path_info"),
    [
        ("/app", "/app/x", "/app", "/x"),
        ("/app/", "/app/x", "/app", "/x"),
        ("/app", "/app", "/app", ""),
        ("/app", "/apple", "/app", "/apple"),
        ("", "/x", "", "/x"),
    ],
)
def test_prefix_is_the_script_name(root: str, path: str, script_name: str, path_info: str) -> None:
    made = environ(root_path=root, path=path, raw_path=path.encode())
    assert (made["SCRIPT_NAME"], made["PATH_INFO"]) == (script_name, path_info)


def test_s5_names_with_an_underscore_are_left_out() -> None:
    made = environ((b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1"), (b"x_other", b"1"))
    assert made["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
    assert "HTTP_X_OTHER" not in made


def test_s37_nothing_of_the_process_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_X_T", "1")
    monkeypatch.setenv("SECRET", "hunter2")
    made = environ()
    assert "HTTP_X_T" not in made
    assert "SECRET" not in made


def test_bytes_of_headers_are_kept() -> None:
    assert environ((b"cookie", "a=1; b=café".encode()))["HTTP_COOKIE"] == "a=1; b=cafÃ©"


def test_repeated_headers_are_joined() -> None:
    made = environ((b"accept", b"a"), (b"accept", b"b"), (b"cookie", b"a=1"), (b"cookie", b"b=2"))
    assert made["HTTP_ACCEPT"] == "a, b"
    assert made["HTTP_COOKIE"] == "a=1; b=2"


@pytest.mark.parametrize("name", [b"host", b"content-type", b"content-length", b"origin"])
def test_s7_header_that_must_be_alone_is_refused_twice(name: bytes) -> None:
    with pytest.raises(BadRequest):
        environ((name, b"1"), (name, b"1"))


def test_content_type_and_length_have_no_prefix() -> None:
    made = environ((b"content-type", b"text/plain"), (b"content-length", b"3"))
    assert (made["CONTENT_TYPE"], made["CONTENT_LENGTH"]) == ("text/plain", "3")
    assert not {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & made.keys()


def test_header_cannot_replace_what_the_server_says() -> None:
    made = environ((b"proxy", b"x"), (b"https", b"on"))
    assert made["HTTP_PROXY"] == "x"
    assert "HTTPS" not in made


def test_connection_is_described() -> None:
    made = environ(scheme="https", http_version="2")
    assert made["wsgi.url_scheme"] == "https"
    assert made["HTTPS"] == "on"
    assert made["SERVER_PROTOCOL"] == "HTTP/2"
    assert (made["REMOTE_ADDR"], made["REMOTE_PORT"]) == ("192.0.2.7", "4711")
    assert (made["SERVER_NAME"], made["SERVER_PORT"]) == ("127.0.0.1", "8000")


def test_socket_file_has_no_peer_and_the_port_of_the_scheme() -> None:
    made = environ(client=None, server=("/run/app.sock", None))
    assert "REMOTE_ADDR" not in made
    assert made["SERVER_PORT"] == "80"
