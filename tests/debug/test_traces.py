"""Tracebacks as data: positions, source, whose code it is."""

from __future__ import annotations

import os
import typing as t

import pytest

from kolben.debug import traces
from kolben.debug.traces import MAX_FRAMES, explore, is_library


def raised_by(func: t.Callable[[], object]) -> BaseException:
    try:
        func()
    except BaseException as exc:
        return exc
    raise AssertionError("It raised nothing.")


def marked(exc: BaseException) -> str:
    return "\n".join(
        line.text[line.start : line.end] for line in explore(exc)[0].frames[-1].lines if line.end > line.start
    )


def test_the_failing_part_of_a_line_is_marked() -> None:
    values: list[int] = []

    assert marked(raised_by(lambda: 1 + values[3])) == "values[3]"


def test_columns_count_characters() -> None:
    values: dict[str, int] = {"größe → ü": 1}

    assert marked(raised_by(lambda: "größe → ü" + str(values["ä"]))) == 'values["ä"]'


def test_a_part_of_several_lines_is_marked() -> None:
    def call() -> object:
        return int(
            "x",
            base=99,
        )

    assert marked(raised_by(call)) == 'int(\n"x",\nbase=99,\n)'


def test_lines_around_are_shown() -> None:
    def call() -> object:
        return 1 / 0  # this one

    lines = explore(raised_by(call))[0].frames[-1].lines
    (current,) = [line for line in lines if line.is_current]

    assert current.text.endswith("# this one")
    assert [line.number - current.number for line in lines] == list(range(-6, 7))


def test_a_syntax_error_shows_its_own_line(tmp_path: t.Any) -> None:
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ny = (1 +* 2)\nz = 3\n")
    exc = raised_by(lambda: compile(path.read_text(), str(path), "exec"))
    frame = explore(exc)[0].frames[-1]

    assert (frame.filename, frame.line, frame.name) == (str(path), 2, "(syntax)")
    assert [line.text for line in frame.lines] == ["x = 1", "y = (1 +* 2)", "z = 3"]
    assert marked(exc) == "*"


def test_the_source_of_what_was_changed_since_is_read_again(tmp_path: t.Any) -> None:
    path = tmp_path / "changed.py"
    for text in ("a = 1\n1 / 0\n", "longer = 1\n2 / 0\n"):
        path.write_text(text)
        exc = raised_by(lambda: exec(compile(path.read_text(), str(path), "exec"), {}))
        assert [line.text for line in explore(exc)[0].frames[-1].lines] == text.splitlines()


def test_the_middle_of_an_endless_recursion_is_left_out() -> None:
    def endless(n: int) -> int:
        return endless(n + 1)

    (raised,) = explore(raised_by(lambda: endless(0)))

    assert len(raised.frames) == MAX_FRAMES
    assert raised.omitted > 500


def test_a_chain_that_leads_back_ends() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first

    assert [raised.message for raised in explore(first)] == ["first", "second"]


def test_what_is_suppressed_is_not_shown() -> None:
    def call() -> None:
        try:
            raise KeyError
        except KeyError:
            raise ValueError from None

    assert [raised.kind for raised in explore(raised_by(call))] == ["ValueError"]


def test_groups_are_bounded() -> None:
    group: Exception = ExceptionGroup("many", [ValueError(n) for n in range(1000)])

    assert len(explore(group)) == traces.MAX_EXCEPTIONS


def test_a_message_that_fails_is_named() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise LookupError

    assert explore(Odd())[0].message == "(its message could not be shown: LookupError in __str__)"
    assert "Odd" in traces.as_text(Odd())


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        (os.__file__, True),
        (pytest.__file__, True),
        (traces.__file__, True),
        ("<frozen importlib._bootstrap>", True),
        (__file__, False),
        ("<template>", False),
        ("<string>", False),
    ],
)
def test_whose_code_it_is(filename: str, expected: bool) -> None:
    assert is_library(filename) is expected
