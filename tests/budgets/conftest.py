"""Prints what the budgets measured, beside what they allow, when they run on their own (`make budgets`)."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Budget: t.TypeAlias = Callable[[str, float, float], None]


@pytest.fixture
def budget(record_property: Callable[[str, object], None]) -> Budget:
    """`budget(what, measured, allowed)`: remembers the figures for the report, and fails where there is too much."""

    def check(what: str, measured: float, allowed: float) -> None:
        record_property("budget", f"{what}: {measured:g} of {allowed:g}")
        assert measured <= allowed, f"{what}: {measured:g}, and {allowed:g} are allowed."

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == "budget"
    ]
    if lines:
        terminalreporter.section("budgets")
        for line in lines:
            terminalreporter.line(str(line))
