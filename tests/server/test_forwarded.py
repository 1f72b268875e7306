from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.server.forwarded import (
    Malformed,
    parse_forwarded,
    parse_list,
    parse_node,
    parse_port,
    parse_prefix,
    parse_scheme,
)
from tests.security.steps import counted


@pytest.mark.parametrize(
    ("line", "elements"),
    [
        ("for=192.0.2.1", [{"for": "192.0.2.1"}]),
        ('For="[2001:db8:cafe::17]:4711"', [{"for": "[2001:db8:cafe::17]:4711"}]),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", [{"for": "192.0.2.60", "proto": "http", "by": "203.0.113.43"}]),
        ("for=192.0.2.43, for=198.51.100.17", [{"for": "192.0.2.43"}, {"for": "198.51.100.17"}]),
        ('for=_gazonk;host="example.org:8443"', [{"for": "_gazonk", "host": "example.org:8443"}]),
        ('for=unknown ; x="a, b; c=\\"d\\\\"', [{"for": "unknown", "x": 'a, b; c="d\\'}]),
        ("for=192.0.2.1,,for=192.0.2.2", [{"for": "192.0.2.1"}, {}, {"for": "192.0.2.2"}]),
        ("for=192.0.2.1;;proto=https;", [{"for": "192.0.2.1", "proto": "https"}]),
        ('x=""', [{"x": ""}]),
        ("", [{}]),
    ],
)
def test_forwarded_is_read_as_rfc_7239_says(line: str, elements: list[dict[str, str]]) -> None:
    assert parse_forwarded([line]) == elements


@pytest.mark.parametrize(
    "line",
    ['for="', 'for="a"b', "for=", "for", "=a", "for=a b", "for=[::1]", "for=a;for=b", 'a="\\"', 'a="\r\n"', "é=a"],
)
def test_forwarded_that_breaks_the_rules_is_malformed(line: str) -> None:
    with pytest.raises(Malformed):
        parse_forwarded(["for=192.0.2.1", line])


@given(st.text(string.printable), st.text(string.printable))
def test_s4_a_quotation_mark_left_open_by_a_client_hides_no_element_of_a_proxy(client: str, port: str) -> None:
    mine = 'for="[2001:db8::1]:47";proto=https'
    for lines in ([f"{client}, {mine}"], [client, mine]):
        try:
            elements = parse_forwarded(lines)
        except Malformed:
            continue
        assert elements[-1] == {"for": "[2001:db8::1]:47", "proto": "https"}


_names = st.text(string.ascii_lowercase + string.digits + "-_.", min_size=1)
_values = st.text([chr(code) for code in range(0x20, 0x7F)] + ["\t", "é"])


@given(st.lists(st.dictionaries(_names, _values), min_size=1))
def test_forwarded_round_trip(elements: list[dict[str, str]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    line = ", ".join(";".join(f"{name}={quoted(value)}" for name, value in e.items()) for e in elements)
    assert parse_forwarded([line]) == elements


@pytest.mark.parametrize("unit", [" ", "a", "a=b;", 'a="', 'a="b', "\\", ",", "\t;", 'a="\\"'])
def test_s14_forwarded_takes_time_linear_in_its_length(unit: str) -> None:
    def cost(times: int) -> int:
        with counted() as steps:
            try:
                parse_forwarded([unit * times])
            except Malformed:
                pass
        return steps.count

    assert cost(400) <= 2.5 * cost(200) + 100


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 0),
        ("192.0.2.1:80", "192.0.2.1", 80),
        ("2001:DB8:0::1", "2001:db8::1", 0),
        ("[2001:db8::1]", "2001:db8::1", 0),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535),
        ("::ffff:192.0.2.1", "192.0.2.1", 0),
        ("192.0.2.1:_hidden", "192.0.2.1", 0),
        ("unknown", "unknown", 0),
        ("_SEVKISEK", "_SEVKISEK", 0),
        ("unix:", "unix:", 0),
    ],
)
def test_nodes(text: str, name: str, port: int) -> None:
    node = parse_node(text)
    assert (node.name, node.port) == (name, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", "192.0.2", "192.0.2.256", "010.0.0.1", "192.0.2.1:", "192.0.2.1:65536", "[::1", "::1]"),
        *("[192.0.2.1]:1]", "fe80::1%eth0", "127.0.0.1 ", "1.2.3.4,5.6.7.8", "<script>", "_", "-", "١.٢.٣.٤"),
    ],
)
def test_what_is_no_node(text: str) -> None:
    with pytest.raises(Malformed):
        parse_node(text)


@given(st.text())
def test_any_text_is_a_node_or_malformed(text: str) -> None:
    try:
        node = parse_node(text)
    except Malformed:
        return
    assert node.address is None or str(node.address) == node.name


def test_an_empty_value_stands_for_a_proxy_too() -> None:
    assert parse_list(["a , b", "", "c,"]) == ["a", "b", "", "c", ""]


@pytest.mark.parametrize(("text", "scheme"), [("https", "https"), ("HTTP", "http"), ("wss", "https"), ("ws", "http")])
def test_schemes(text: str, scheme: str) -> None:
    assert parse_scheme(text) == scheme


@pytest.mark.parametrize("text", ["", "ftp", "https ", "javascript", "\u212a"])
def test_what_is_no_scheme(text: str) -> None:
    with pytest.raises(Malformed):
        parse_scheme(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "+80", "65536", "80 ", "٨٠", "8" * 5000])
def test_what_is_no_port(text: str) -> None:
    with pytest.raises(Malformed):
        parse_port(text)


@pytest.mark.parametrize(("text", "prefix"), [("/a", "/a"), ("/a/b/", "/a/b"), ("/", ""), ("", ""), ("/..a", "/..a")])
def test_prefixes(text: str, prefix: str) -> None:
    assert parse_prefix(text) == prefix


@pytest.mark.parametrize(
    "text", ["a", "//a", "/a//b", "/a/..", "/./a", "/\\a", "/a b", "/a%2f", "/a?b", "/a\0", "//", "/é"]
)
def test_s2_what_is_no_prefix(text: str) -> None:
    with pytest.raises(Malformed):
        parse_prefix(text)
