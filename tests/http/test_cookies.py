"""Cookies read and written, with Werkzeug as the oracle."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.http import dump_cookie as werkzeug_dump_cookie
from werkzeug.http import http_date
from werkzeug.sansio.http import parse_cookie as werkzeug_parse_cookie

from kolben.http import cookies as cookies_module
from kolben.http.cookies import dump_cookie, parse_cookies, read_cookies
from kolben.http.urlencoded import Parameters


def oracle(header: str) -> list[tuple[str, str]]:
    return werkzeug_parse_cookie(header, cls=t.cast(t.Any, list))  # type: ignore[return-value]  # Given `list`.


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        ("", []),
        ("a=1", [("a", "1")]),
        ("a=1; b=2;c=3", [("a", "1"), ("b", "2"), ("c", "3")]),
        ("a=1; a=2", [("a", "1"), ("a", "2")]),
        ("a=b=c", [("a", "b=c")]),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        (' a = "x y" ; b=2', [("a", "x y"), ("b", "2")]),
        ('a="\\"\\\\"', [("a", '"\\')]),
        ("a=x y; b=2", [("b", "2")]),
        (';;; ="; a=1', [("a", "1")]),
    ],
)
def test_parse_cookies(header: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_cookies(header) == pairs == oracle(header)


@pytest.mark.parametrize("header", ["=__Host-x=1", "=", " = x", "=a; =b", "==__Secure-a=1"])
def test_s28_cookies_without_a_name_are_left_out(header: str) -> None:
    assert parse_cookies(header) == []


def test_s28_a_quoted_value_may_hold_octal_escapes_and_semicolons() -> None:
    assert parse_cookies('a="\\303\\244\\073\\012;b=2"; c=3') == [("a", "\u00e4;\n;b=2"), ("c", "3")]


def test_s28_the_first_of_several_cookies_of_one_name_wins() -> None:
    from werkzeug.datastructures import ImmutableMultiDict

    cookies = ImmutableMultiDict(parse_cookies("__Host-a=mine; __Host-a=shadow"))
    assert cookies["__Host-a"] == "mine"
    assert cookies.getlist("__Host-a") == ["mine", "shadow"]


def test_utf8_is_read_from_its_latin1_disguise() -> None:
    assert parse_cookies("a=café".encode().decode("latin-1")) == [("a", "café")]


def test_bytes_that_are_not_utf8_are_an_error() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        parse_cookies("a=1; b=\xff")


nasty = st.text(alphabet='ab \t=";\\,073\n\xe9%', max_size=30)


@given(nasty)
def test_parse_cookies_agrees_with_werkzeug(header: str) -> None:
    assert parse_cookies(header.encode().decode("latin-1")) == oracle(header)


@pytest.mark.parametrize(
    "part",
    [
        *('"', "\\", '"\\', '\\"', 'a="', 'a="\\', 'a="\\";', ';a="', 'a="b";', " ", "\t", "a= ", "a =", "=", ";", "a"),
        *('a="x;', '";', "a=\\ ", '="\\\\'),
    ],
)
@pytest.mark.parametrize("start", ["", "a=", 'a="', "a", " "])
@pytest.mark.parametrize("end", ["", "x y", '"', ";b=2"])
@pytest.mark.timeout(20)
def test_s16_quotes_and_backslashes_cost_linear_time(start: str, part: str, end: str) -> None:
    """At this length a quadratic reader would take minutes."""
    parse_cookies(start + part * (400_000 // len(part)) + end)


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_what_is_dumped_is_parsed(value: str) -> None:
    assert parse_cookies(dump_cookie("a", value, path=None)) == [("a", value)]


werkzeug_forgets = set("\x1a\x1b\x1c\x1d\x1e\x1f")
dates = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))


@given(
    key=st.text(alphabet="abAB01_-.!~\xe9,", min_size=1, max_size=5),
    value=st.text(max_size=10).filter(lambda text: not set(text) & werkzeug_forgets)
    | st.text(alphabet="abc.-_=/+", max_size=30),
    max_age=st.none() | st.integers() | st.timedeltas(),
    expires=st.none() | dates | st.integers(0, 2**31) | st.just("Thu, 01 Jan 1970 00:00:00 GMT"),
    path=st.none() | st.text(alphabet="/ab%20é (,", max_size=8),
    domain=st.none() | st.sampled_from(["", "example.com", ".example.com", "example.com:80", "b\u00fccher.example"]),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    samesite=st.sampled_from([None, "Lax", "Strict", "None", "lax", "NONE"]),
)
def test_dump_cookie_agrees_with_werkzeug(
    key: str,
    value: str,
    max_age: t.Any,
    expires: t.Any,
    path: str | None,
    domain: str | None,
    flags: tuple[bool, bool, bool],
    samesite: str | None,
) -> None:
    secure, httponly, partitioned = flags
    arguments = (max_age, expires, path, domain, secure, httponly, False, 0, samesite, partitioned)
    try:
        expected: str | None = werkzeug_dump_cookie(key, value, *arguments)
    except ValueError:
        expected = None
    dumped: str | None
    try:
        dumped = dump_cookie(key, value, *arguments)
    except ValueError:
        dumped = None
    assert dumped == expected


@pytest.mark.parametrize("max_age", [0, 60, -1, timedelta(days=1), 10**6])
def test_max_age_sets_expires_as_werkzeug_does(max_age: int | timedelta) -> None:
    before = werkzeug_dump_cookie("a", "b", max_age=max_age)
    dumped = dump_cookie("a", "b", max_age=max_age)
    after = werkzeug_dump_cookie("a", "b", max_age=max_age)
    assert dumped in {before, after}
    assert "; Expires=" not in dump_cookie("a", "b", max_age=max_age, sync_expires=False)


def test_a_cookie_that_browsers_would_drop_warns() -> None:
    with pytest.warns(UserWarning, match="'a' cookie is too large"):
        dump_cookie("a", "b" * 5000)
    dump_cookie("a", "b" * 5000, max_size=0)


@pytest.mark.parametrize("name", ["", "a\r\nX: y", "a\n", "a\0", "a;b", "a=b", "a b", 'a"', "a\tb", "\x7f"])
def test_s24_a_cookie_name_that_would_split_the_header_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name"):
        dump_cookie(name, "1")


@pytest.mark.parametrize("text", ["\r\nX: y", "/\n", "\0", "/; Domain=evil.com", "/\x1f", "/\x7f"])
@pytest.mark.parametrize("attribute", ["path", "domain", "expires", "samesite"])
def test_s24_a_cookie_attribute_that_would_split_the_header_is_refused(attribute: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be sent|SameSite"):
        dump_cookie("a", "1", **{attribute: text})  # type: ignore[arg-type]  # One of several text arguments.


@pytest.mark.parametrize("domain", ["example.com; Secure", "a b", "http://a", "a,b", "a/b", "a@b"])
def test_s24_a_domain_that_is_no_host_name_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="'domain' of the cookie 'a'"):
        dump_cookie("a", "1", domain=domain)


def test_s24_max_age_as_text_cannot_bring_an_attribute() -> None:
    with pytest.raises(ValueError, match="'max_age'"):
        dump_cookie("a", max_age="1; Secure", expires="x")  # type: ignore[arg-type]  # The mistake that is tested.


@given(st.text())
def test_s24_a_value_is_escaped_and_cannot_split_the_header(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        with pytest.raises(ValueError, match="surrogates"):
            dump_cookie("a", value)
        return
    dumped = dump_cookie("a", value, path=None, max_size=0)
    assert dumped.isascii()
    assert dumped.isprintable()
    assert ";" not in dumped
    assert parse_cookies(dumped) == [("a", value)]


@given(st.text(alphabet='ab=;" \t,\\é', max_size=30))
def test_a_multi_dict_has_the_cookies_of_the_header(header: str) -> None:
    raw = header.encode().decode("latin-1")
    assert read_cookies(Parameters, raw) == Parameters(parse_cookies(raw))
    assert read_cookies(MultiDict, raw) == MultiDict(parse_cookies(raw))


def test_the_doctests_hold() -> None:
    import doctest

    assert doctest.testmod(cookies_module).failed == 0


@given(st.integers(-(10**10), 10**10), st.sampled_from([0, 0.25, 1e9, 1.7e9 + 0.75]))
def test_the_date_until_which_a_cookie_lives_is_werkzeugs(max_age: int, now: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kolben.http.cookies.time", lambda: now)
        assert f"; Expires={http_date(now + max_age)};" in dump_cookie("a", "b", max_age)
