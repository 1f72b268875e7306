"""docs/security.md says which classes of faults are held: each of those has a test under its number."""

from __future__ import annotations

import ast
import re

from tests.budgets.source import FUNCTIONS, ROOT

ROW = re.compile(r"^\| S(?P<number>\d+) \| .+ \| (?P<state>[^|]+) \|$", re.MULTILINE)
IN_NAME = re.compile(r"^test_s(\d+)_")
IN_DOCSTRING = re.compile(r"\bS(\d+)\b")

STATES = dict(ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8")))


def carried_by_tests() -> set[str]:
    """The numbers that tests carry, in their name or in their docstring."""
    numbers: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, FUNCTIONS) and node.name.startswith("test_"):
                numbers.update(IN_NAME.findall(node.name), IN_DOCSTRING.findall(ast.get_docstring(node) or ""))
    return numbers


def test_the_table_lists_every_class_once() -> None:
    numbers = [number for number, _ in ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))]

    assert numbers == [str(number) for number in range(1, 41)]


def test_a_class_is_held_or_open() -> None:
    assert set(STATES.values()) <= {"held", "open"}


def test_every_held_class_has_a_test_under_its_number() -> None:
    assert {number for number, state in STATES.items() if state == "held"} - carried_by_tests() == set()


def test_tests_carry_numbers_of_the_table() -> None:
    assert carried_by_tests() - set(STATES) == set()
