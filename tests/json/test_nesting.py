from __future__ import annotations

import json

import pytest

from kolben.json.nesting import MAX_DEPTH, is_too_deep


@pytest.mark.parametrize("text", ["[" * 980 + "]" * 980, "[[]," * 480, '{"a":[' * 450, "[],{}," * 100_000, "1", ""])
def test_ordinary_nesting_is_accepted(text: str) -> None:
    assert not is_too_deep(text)
    assert not is_too_deep(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 2000 + "]" * 2000,
        '{"a":' * 2000,
        # Brackets in strings count neither way.
        '["]",' * 2000,
        '{"}":' * 2000,
        '["\\"]",' * 2000,
        "[[]," * 2000,
    ],
)
def test_deep_nesting_is_found(text: str) -> None:
    assert is_too_deep(text)
    assert is_too_deep(text.encode())


def test_brackets_in_strings_are_no_nesting() -> None:
    text = json.dumps(["[" * 5000, '"[' * 5000, "\\", "{" * 5000])

    assert not is_too_deep(text)


def test_a_string_that_is_not_closed_is_read_once() -> None:
    assert is_too_deep("[" * 2000 + '"' + '\\"' * 1_000_000)


def test_the_limit_leaves_a_margin() -> None:
    assert is_too_deep("[" * (MAX_DEPTH + 1))
