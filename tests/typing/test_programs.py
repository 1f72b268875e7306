"""Programs of users, as mypy in its strict mode sees them.

Those in ``must`` are without an error. Those in ``must_not`` have an error in each line with a comment ``# E: code``,
of that code, and no other.
"""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is one of the linters, which need not be installed to run the tests")

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MUST = sorted((HERE / "must").glob("*.py"))
MUST_NOT = sorted((HERE / "must_not").glob("*.py"))

EXPECTED = re.compile(r"# E: ([\w-]+)")
REPORTED = re.compile(r"(?P<file>.+?):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]")

Errors = set[tuple[int, str]]


@pytest.fixture(scope="module")
def reported(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> t.Mapping[Path, Errors]:
    """The lines and codes of each program's errors. mypy runs once; what it knows of Kolben is kept for next time."""
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    cache = tmp_path_factory.mktemp("mypy") if kept is None else kept.mkdir("mypy")
    options = ["--no-error-summary", "--hide-error-context", "--no-pretty", f"--cache-dir={cache}"]
    programs = [str(path.relative_to(ROOT)) for path in (*MUST, *MUST_NOT)]
    mypy = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *programs], cwd=ROOT, capture_output=True, text=True, check=False
    )
    errors: dict[Path, Errors] = defaultdict(set)
    for match in REPORTED.finditer(mypy.stdout):
        errors[ROOT / match["file"]].add((int(match["line"]), match["code"]))
    assert errors, mypy.stdout + mypy.stderr
    return errors


def _name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("program", MUST, ids=_name)
def test_a_program_type_checks(program: Path, reported: t.Mapping[Path, Errors]) -> None:
    assert reported.get(program, set()) == set()


@pytest.mark.parametrize("program", MUST_NOT, ids=_name)
def test_a_mistake_is_an_error(program: Path, reported: t.Mapping[Path, Errors]) -> None:
    lines = enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
    expected = {(number, code) for number, line in lines for code in EXPECTED.findall(line)}

    assert reported.get(program, set()) == expected
