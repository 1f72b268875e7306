"""What a check found."""

from __future__ import annotations

import typing as t


class Finding(t.NamedTuple):
    """Something that would be unsafe or broken in production.

    An error is so for certain; a warning may be as intended.
    """

    level: t.Literal["error", "warning"]
    problem: str
    fix: str


def error(problem: str, fix: str) -> Finding:
    return Finding("error", problem, fix)


def warning(problem: str, fix: str) -> Finding:
    return Finding("warning", problem, fix)
