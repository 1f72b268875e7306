"""A type checker is overruled seldom, and with a reason."""

from __future__ import annotations

import re
import typing as t

from tests.budgets.source import package

if t.TYPE_CHECKING:
    from tests.budgets.conftest import Budget

PER_THOUSAND_LINES = 5

IGNORE = re.compile(r"#\s*(?:type|pyright):\s*ignore\b")
WITH_CODE_AND_REASON = re.compile(r"# (?:type|pyright): ignore\[[\w-]+(?:, ?[\w-]+)*\]  # \w.+")


def test_type_ignores_are_few(budget: Budget) -> None:
    lines = sum(len(source.code_lines) for source in package())
    ignores = sum(len(IGNORE.findall(source.text)) for source in package())

    budget("type: ignore per 1000 lines of code", round(1000 * ignores / lines, 1), PER_THOUSAND_LINES)


def test_a_type_ignore_names_its_code_and_its_reason() -> None:
    bare = [
        f"{source.name}:{number}: {line.strip()}"
        for source in package()
        for number, line in enumerate(source.text.splitlines(), 1)
        if IGNORE.search(line) and not WITH_CODE_AND_REASON.search(line)
    ]

    assert bare == []
