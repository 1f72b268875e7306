"""Response headers and the status line, checked and encoded."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben.http import headers as headers_module
from kolben.http.headers import MAX_REMEMBERED, check_headers, check_status, encode_headers

ORDINARY = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "13"), ("X-Request-Id", "a1-b2")]
TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CONTROLS = [chr(n) for n in (*range(9), *range(10, 32), 127)]


def test_ordinary_headers_pass_and_are_encoded() -> None:
    check_headers(ORDINARY)
    assert encode_headers(ORDINARY) == [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"13"),
        (b"x-request-id", b"a1-b2"),
    ]


def test_order_and_repeated_names_are_kept() -> None:
    pairs = [("Set-Cookie", "a=1"), ("X", "1"), ("set-cookie", "b=2")]
    assert encode_headers(pairs) == [(b"set-cookie", b"a=1"), (b"x", b"1"), (b"set-cookie", b"b=2")]


@pytest.mark.parametrize("value", ["", "caf\xe9", "a\tb", "\xa0\xad", " a ", "\x80\xff"])
def test_a_value_may_hold_tabs_and_latin1(value: str) -> None:
    check_headers([("X", value)])
    assert encode_headers([("X", value)]) == [(b"x", value.encode("latin-1"))]


@pytest.fixture(params=[check_headers, encode_headers])
def check(request: pytest.FixtureRequest) -> t.Callable[[list[tuple[t.Any, t.Any]]], object]:
    return t.cast("t.Callable[[list[tuple[t.Any, t.Any]]], object]", request.param)


Check = t.Callable[[list[tuple[t.Any, t.Any]]], object]


@pytest.mark.parametrize("character", [*CONTROLS, "\u20ac", "\u2028", "\ud800", "\u0100"])
def test_s24_a_value_with_a_control_character_or_outside_latin1_names_its_header(character: str, check: Check) -> None:
    for value in (character, f"a{character}b", f"a{character}"):
        with pytest.raises(ValueError, match="'X-Bad'"):
            check([*ORDINARY, ("X-Bad", value)])


@pytest.mark.parametrize("name", ["", "a b", "a:", "X\r\nY", "X\0", "caf\xe9", "a(b)", "X\n", '"a"', "\u212a"])
def test_s24_a_name_that_is_not_a_token_is_refused(name: str, check: Check) -> None:
    for _ in range(2):  # The second time it must not be taken from a table.
        with pytest.raises(ValueError, match="cannot be sent"):
            check([*ORDINARY, (name, "1")])


@pytest.mark.parametrize("pair", [(b"X", "1"), ("X", b"1"), ("X", 1), ("X", None), (1, "1")])
def test_a_header_that_is_not_text_is_refused(pair: tuple[t.Any, t.Any], check: Check) -> None:
    with pytest.raises(TypeError, match="must be a 'str'"):
        check([pair])


class Text(str):
    __slots__ = ()


def test_subclasses_of_str_are_text(check: Check) -> None:
    check([("X", Text("a"))])
    assert encode_headers([(Text("X"), Text("a"))]) == [(b"x", b"a")]
    with pytest.raises(ValueError, match="'X'"):
        check([("X", Text("a\n"))])


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=4))
def test_s24_what_passes_cannot_change_the_shape_of_the_response(pairs: list[tuple[str, str]]) -> None:
    valid = all(
        name
        and not set(name) - set(TOKEN)
        and all(c == "\t" or " " <= c <= "~" or "\x80" <= c <= "\xff" for c in value)
        for name, value in pairs
    )
    try:
        encoded = encode_headers(pairs)
        check_headers(pairs)
    except ValueError:
        assert not valid
    else:
        assert valid
        wire = b"".join(b"%s: %s\r\n" % pair for pair in encoded)
        assert wire.count(b"\r") == wire.count(b"\n") == len(pairs)


@pytest.mark.parametrize("status", ["200 OK", "404 NOT FOUND", "299 Custom: caf\xe9", "200 ", "200", "999 x"])
def test_a_status_line_passes(status: str) -> None:
    check_status(status)
    check_status(status)


@pytest.mark.parametrize(
    "status",
    [
        *("", "OK", "20 OK", "2000 OK", "200OK", "0", "099 x", "\u0662\u0660\u0660 OK"),
        *("200 a\r\nX: y", "200 a\n", "200 \0", "200 \u20ac"),
    ],
)
def test_s24_a_status_line_with_anything_else_is_refused(status: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be sent"):
            check_status(status)


def test_s18_names_and_statuses_from_outside_do_not_grow_the_tables() -> None:
    for n in range(3 * MAX_REMEMBERED):
        encode_headers([(f"X-{n}", f"value {n}")])
        check_status(f"200 {n}")
    assert len(headers_module.NAMES) <= MAX_REMEMBERED
    assert len(headers_module.STATUSES) <= MAX_REMEMBERED
    assert len(headers_module.VALUES) <= MAX_REMEMBERED


def test_ordinary_headers_cost_one_call(count_calls: t.Callable[..., int]) -> None:
    check_headers(ORDINARY)
    assert count_calls(check_headers, ORDINARY) == 1
    assert count_calls(encode_headers, ORDINARY) == 1


def test_the_doctests_hold() -> None:
    import doctest

    assert doctest.testmod(headers_module).failed == 0
