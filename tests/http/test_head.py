"""Headers that are looked up where the server left them, and what stands in them."""

from __future__ import annotations

import typing as t

import pytest
from werkzeug.datastructures import EnvironHeaders as WerkzeugEnvironHeaders
from werkzeug.exceptions import BadRequestKeyError

from kolben.http.head import EnvironHeaders, ScopeHead, ScopeHeaders, Spellings, parse_content_length

PAIRS = [(b"host", b"example.com"), (b"x-user", b"Zo\xeb"), (b"x_user", b"evil")]


def test_a_header_of_an_environ_is_found_by_any_spelling_of_its_name() -> None:
    headers = EnvironHeaders({"HTTP_X_USER": "Ann", "CONTENT_TYPE": "text/plain"})

    assert [headers[name] for name in ("X-User", "x-user", "X-USER")] == ["Ann"] * 3
    assert (headers["Content-Type"], headers.get("content-type")) == ("text/plain", "text/plain")


@pytest.mark.parametrize("key", ["Missing", 0, None, slice(0, 1), ["a"]])
def test_what_an_environ_does_not_have_is_the_error_that_it_is_in_werkzeug(key: t.Any) -> None:
    errors = []
    for headers in (EnvironHeaders({}), WerkzeugEnvironHeaders({})):
        with pytest.raises(KeyError) as raised:
            headers[key]
        errors.append(raised.type)
        assert headers.get(key, "-") == "-"

    assert errors[0] is errors[1]


@pytest.mark.parametrize("index", [None, dict(PAIRS)])
def test_a_header_of_a_scope_is_found_with_or_without_an_index(index: dict[bytes, bytes] | None) -> None:
    headers = ScopeHeaders(PAIRS, index)

    assert (headers["X-User"], headers.get("x-USER"), headers[0]) == ("Zoë", "Zoë", ("Host", "example.com"))
    assert (headers.get("X_User"), headers.get("Missing"), headers.get("Missing", "-")) == (None, None, "-")
    for name in ("X_User", "Missing"):
        with pytest.raises(BadRequestKeyError):
            headers[name]


def test_the_first_of_several_counts_in_whatever_letters_middleware_wrote_it() -> None:
    pairs = [(b"X-User", b"Ann"), (b"x-user", b"evil")]

    for index in (None, dict(pairs)):
        assert ScopeHeaders(pairs, index)["X-User"] == "Ann"


def test_a_head_takes_what_is_known_of_its_headers() -> None:
    scope = {"headers": PAIRS}

    for index in (None, dict(PAIRS)):
        head = ScopeHead(scope, index)
        assert (head.header("x-user"), head.header("missing")) == ("Zoë", None)
        assert head.headers()["X-User"] == "Zoë"


def test_no_more_spellings_are_kept_than_a_program_has_names() -> None:
    spellings = Spellings(str.upper)
    for n in range(3 * Spellings.MOST):
        assert spellings[f"x-{n}"] == f"X-{n}"

    assert len(spellings) <= Spellings.MOST
    with pytest.raises(KeyError):
        spellings[t.cast(str, 7)]


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (None, None),
        ("", None),
        (b"", None),
        ("0", 0),
        ("007", 7),
        (b"12", 12),
        (" 5\t", 5),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_a_content_length(value: str | bytes | None, length: int | None) -> None:
    assert parse_content_length(value) == length
