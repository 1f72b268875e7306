"""Values as text: bounded in size and in time, whatever their own code does."""

from __future__ import annotations

import contextvars
import threading
import typing as t
from collections import OrderedDict, namedtuple

import pytest

from kolben.config import Config
from kolben.debug import values
from kolben.debug.redaction import MASK, Redactor
from kolben.debug.values import MAX_TEXT, TOO_LONG, Describer, describe_all

describe = Describer(Redactor([]))
Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [1, "a", b"a", None, [1, "a"], (1,), (), (1, 2, 3), {1}, set(), frozenset([1]), {"a": [1]}, Point(1, 2), range(3)],
)
def test_small_values_are_as_python_shows_them(value: object) -> None:
    assert describe("value", value) == repr(value).replace("frozenset({1})", "frozenset([1])")


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000_000,
        b"x" * 10_000_000,
        list(range(1_000_000)),
        dict.fromkeys(range(1_000_000)),
        [["x" * 1000] * 50] * 50,
    ],
)
def test_big_values_are_cut(value: object) -> None:
    assert len(describe("value", value)) <= MAX_TEXT + 1


def test_a_value_that_contains_itself_ends() -> None:
    value: list[t.Any] = []
    value.append(value)

    assert describe("value", value) == "[[[[list(…)]]]]"


@pytest.mark.parametrize("error", [ValueError, RecursionError, SystemExit, KeyboardInterrupt])
def test_a_repr_that_fails_is_named(error: type[BaseException]) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise error

    assert describe("value", [1, Odd()]).endswith(f"Odd object: {error.__name__} in its repr()>]")


def test_a_repr_that_is_no_text_is_named() -> None:
    class Odd:
        def __repr__(self) -> t.Any:
            return 3

    assert describe("value", Odd()).endswith("Odd object: TypeError in its repr()>")


def test_attributes_of_values_are_not_asked_for() -> None:
    class Trap:
        def __getattribute__(self, name: str) -> t.Any:
            raise AssertionError(name)

        def __repr__(self) -> str:
            return "Trap"

    assert describe("value", {"a": Trap()}) == "{'a': Trap}"


def test_a_repr_that_does_not_return_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "PATIENCE", 0.2)
    free = threading.Event()

    class Slow:
        def __repr__(self) -> str:
            free.wait()
            return "late"

    items: list[tuple[str, t.Any]] = [("a", 1), ("b", Slow()), ("c", 3), ("d", Slow())]
    texts = describe_all(describe, items, contextvars.copy_context())
    free.set()

    assert texts == ["1", TOO_LONG, "3", TOO_LONG]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("password", "x", MASK),
        ("user_passwd", "x", MASK),
        ("api_key", b"x", MASK),
        ("ACCESS_TOKEN", "x", MASK),
        ("token", None, "None"),
        ("token", "", "''"),
        ("keys", "x", "'x'"),
        ("author", "x", "'x'"),
        ("form", {"password": "x", "name": "y"}, f"{{'password': {MASK}, 'name': 'y'}}"),
        ("headers", [(b"authorization", b"x"), (b"accept", b"y")], f"[(b'authorization', {MASK}), (b'accept', b'y')]"),
        ("ordered", OrderedDict(token="x"), f"OrderedDict({{'token': {MASK}}})"),
        ("config", Config("", {"SECRET_KEY": "x"}), f"Config({{'SECRET_KEY': {MASK}}})"),
        ("SECRET_KEY_FALLBACKS", ["x"], MASK),
    ],
)
def test_s37_secrets_are_known_by_their_names(name: str, value: object, text: str) -> None:
    assert describe(name, value) == text


def test_s37_secrets_in_a_repr_are_known_by_their_names() -> None:
    class Settings:
        def __repr__(self) -> str:
            return "Settings(name='shop', secret_key='x', 'token': \"it's\")"

    assert describe("settings", Settings()) == f"Settings(name='shop', secret_key={MASK}, 'token': {MASK})"


def test_s37_known_secrets_are_masked_wherever_they_stand() -> None:
    redact = Redactor(["it's a secret", b"\xff-bytes", "short", 3])

    assert redact("x it's a secret y") == f"x {MASK} y"
    assert redact(repr(b"\xff-bytes")) == f"b'{MASK}'"
    assert redact("?a=it%27s%20a%20secret&b=it%27s+a+secret") == f"?a={MASK}&b={MASK}"
    assert redact("short") == "short"
    assert redact("postgres://ada:lovelace@db") == f"postgres://ada:{MASK}@db"
    assert redact.in_place("x it's a secret y") == "x ••••••••••••• y"
