"""The Host header and the request target, checked before routing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from kolben.http import host as host_module
from kolben.http.host import (
    MAX_VALID_HOSTS,
    VALID_HOSTS,
    InvalidHost,
    InvalidTarget,
    decode_path,
    decode_path_asgi,
    host_is_trusted,
    parse_host,
    split_port,
    validate_target,
    without_default_port,
)


@pytest.fixture(autouse=True)
def _empty_table() -> None:
    VALID_HOSTS.clear()


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ("example.com", "example.com"),
        ("Example.COM:8080", "example.com:8080"),
        ("localhost", "localhost"),
        ("localhost:5000", "localhost:5000"),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]", "[::1]"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443"),
        ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_service.docker_default:5000", "my_service.docker_default:5000"),
        ("example.com.", "example.com."),
        ("a:65535", "a:65535"),
    ],
)
def test_parse_host_returns_the_canonical_form(value: str, canonical: str) -> None:
    assert parse_host(value) == canonical
    assert VALID_HOSTS[value] == canonical


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a/b?c#d",
        "a/b",
        "a?b",
        "a#b",
        "a@b",
        "user:pass@host",
        "a\\b",
        "a b",
        " a",
        "a\t",
        "a\n",
        "a\r\nX: y",
        "a\0",
        "a\x7f",
        "a,b",
        "a, b",
        "a;b",
        "a%2fb",
        "[::1",
        "::1",
        "[::1]x",
        "[]",
        "[:::1]",
        "[1.2.3.4]",
        "[fe80::1%25eth0]",
        "[v1.a]",
        "a:",
        ":80",
        "a:0",
        "a:080",
        "a:65536",
        "a:999999",
        "a:-1",
        "a:8o",
        "a:80:80",
        "a:\u0661",
        ".a",
        "a..b",
        "..",
        "b\u00fccher.example",
        "\u212a.example",
        "a" * 64,
        "a." * 150,
        "http://a",
        "*",
        "<script>",
    ],
)
def test_s1_parse_host_refuses_what_is_not_a_host(value: str) -> None:
    with pytest.raises(InvalidHost) as caught:
        parse_host(value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, BadRequest)
    assert value not in VALID_HOSTS


@given(st.text(max_size=40))
def test_s1_a_parsed_host_cannot_leave_the_authority_of_a_url(value: str) -> None:
    from urllib.parse import urlsplit

    try:
        host = parse_host(value)
    except InvalidHost:
        return
    parts = urlsplit(f"http://{host}/path")
    assert (parts.netloc, parts.path, parts.username, parts.query) == (host, "/path", None, "")
    assert parse_host(host) == host


def test_s1_the_error_quotes_no_more_than_a_part_of_a_long_host() -> None:
    with pytest.raises(InvalidHost) as caught:
        parse_host("?" * 255)
    assert len(str(caught.value)) < 200


def test_s18_a_flood_of_valid_hosts_does_not_grow_the_table() -> None:
    for n in range(3 * MAX_VALID_HOSTS):
        parse_host(f"h{n}.example")
        assert len(VALID_HOSTS) <= MAX_VALID_HOSTS
    parse_host("real.example")
    assert VALID_HOSTS["real.example"] == "real.example"


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("a:80", "http", "a"),
        ("a:80", "ws", "a"),
        ("a:80", "https", "a:80"),
        ("a:443", "wss", "a"),
        ("a:8080", "http", "a:8080"),
        ("[::1]:443", "https", "[::1]"),
        ("[fe80::80]", "http", "[fe80::80]"),
        ("a:80", "gopher", "a:80"),
    ],
)
def test_without_default_port(host: str, scheme: str, expected: str) -> None:
    assert without_default_port(host, scheme) == expected


def test_split_port_keeps_the_colons_of_ipv6() -> None:
    assert split_port("[::1]") == ("[::1]", "")
    assert split_port("[::1]:80") == ("[::1]", "80")
    assert split_port("a") == ("a", "")
    assert split_port("a:1") == ("a", "1")
    assert split_port("") == ("", "")


TRUSTED = ["example.com", ".example.org", "b\u00fccher.example", "[::1]", "Upper.Example:8080"]


@pytest.mark.parametrize(
    "value",
    [
        "example.com",
        "EXAMPLE.com:8080",
        "example.org",
        "a.example.org",
        "a.b.example.org:1",
        "xn--bcher-kva.example",
        "[::1]:5000",
        "upper.example",
        "upper.example:1",
    ],
)
def test_s3_trusted_hosts_accept_names_and_suffixes(value: str) -> None:
    assert host_is_trusted(parse_host(value), TRUSTED)


@pytest.mark.parametrize(
    "value",
    [
        "exampleXcom",
        "example.com.evil",
        "evilexample.com",
        "www.example.com",
        "example.com.",
        "evilexample.org",
        "exampleXorg",
        "example.org.evil",
        "a.example.org.",
        "bcher-kva.example",
        "[::2]",
        "org",
        "example",
    ],
)
def test_s3_trusted_hosts_refuse_lookalikes(value: str) -> None:
    assert not host_is_trusted(parse_host(value), TRUSTED)


def test_s3_no_list_trusts_every_host_and_an_empty_host_is_in_no_list() -> None:
    assert host_is_trusted("a", None)
    assert host_is_trusted("a", [])
    assert host_is_trusted("", None)
    assert not host_is_trusted("", ["example.com"])
    assert host_is_trusted("example.com", "example.com")
    assert not host_is_trusted("e", "example.com")


@pytest.mark.parametrize("entry", ["*", "*.example.com", "http://a", "a/b", "", ".", "..a", "a,b", "\u2024" * 70])
def test_s3_an_entry_that_can_match_nothing_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="can match no request"):
        host_is_trusted("a.", [entry])


@pytest.mark.parametrize("path", ["/", "/a", "//x", "/@evil.com", "/a b", "/\u00e4"])
def test_s2_a_path_that_starts_with_a_slash_is_taken_as_it_is(path: str) -> None:
    assert validate_target(path) == path


@pytest.mark.parametrize("path", ["", "@evil.com", ";x", "\\x", "http://x/y", "x", "?a", "*", " /", "\0/"])
def test_s2_any_other_target_is_refused(path: str) -> None:
    with pytest.raises(InvalidTarget):
        validate_target(path)


def test_s2_the_two_exceptions() -> None:
    assert validate_target("*", "OPTIONS") == "*"
    assert validate_target("", "GET", "/mounted") == "/"
    with pytest.raises(InvalidTarget):
        validate_target("", "GET", "")
    with pytest.raises(InvalidTarget):
        validate_target("@evil.com", "GET", "/mounted")


def latin1(path: str) -> str:
    return path.encode().decode("latin-1")


@given(st.text().filter(lambda text: "\0" not in text))
def test_decode_path_is_the_inverse_of_the_servers_decoding(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return
    assert decode_path(latin1(path)) == path
    assert decode_path_asgi(path, path.encode()) == path


@pytest.mark.parametrize(
    "raw",
    [b"/\xff", b"/\xc0\xae\xc0\xae/etc", b"/\xe0\x80\xaf", b"/\xed\xa0\x80", b"/\xc3", b"/a\0b", b"/\xc3\xa4\0"],
)
def test_s21_a_path_with_overlong_or_broken_utf8_or_nul_is_refused(raw: bytes) -> None:
    from urllib.parse import quote, unquote

    with pytest.raises(InvalidTarget):
        decode_path(raw.decode("latin-1"))
    quoted = quote(raw)
    with pytest.raises(InvalidTarget):
        decode_path_asgi(unquote(quoted), quoted.encode())
    with pytest.raises(InvalidTarget):
        decode_path_asgi(unquote(quoted))


def test_a_replacement_character_of_the_clients_own_is_kept() -> None:
    assert decode_path_asgi("/\ufffd", b"/%EF%BF%BD") == "/\ufffd"


def test_a_path_that_middleware_rewrote_is_not_taken_from_raw_path() -> None:
    assert decode_path_asgi("/rewritten-\u00e4", b"/original") == "/rewritten-\u00e4"


def test_a_surrogate_in_a_path_is_refused() -> None:
    with pytest.raises(InvalidTarget):
        decode_path_asgi("/\udcff", b"/%FF")
    with pytest.raises(InvalidTarget):
        decode_path("/\u20ac")


def test_the_doctests_hold() -> None:
    import doctest

    assert doctest.testmod(host_module).failed == 0
