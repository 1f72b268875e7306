"""What a check found."""

from __future__ import annotations

import typing as t


class Finding(t.NamedTuple):
    """Something that would be unsafe or broken in production.

    An error is so for certain; a warning may be as intended.

    :ivar place: the file and the line of the fault, where there is one.
    """

    level: t.Literal["error", "warning"]
    problem: str
    fix: str
    place: tuple[str, int] | None = None


def error(problem: str, fix: str, place: tuple[str, int] | None = None) -> Finding:
    return Finding("error", problem, fix, place)


def warning(problem: str, fix: str, place: tuple[str, int] | None = None) -> Finding:
    return Finding("warning", problem, fix, place)
