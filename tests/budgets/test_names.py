"""Files are named for what is in them, and none names the machine or the index that it was written on."""

from __future__ import annotations

import functools
import pathlib
import re
import subprocess

import pytest

from tests.budgets.source import ROOT

NOT_A_NOUN = {"base", "common", "core", "misc", "util", "utils"}

# Put together from parts, so that this file does not contain them.
MACHINE_PATHS = [
    "/".join(["", *parts]) for parts in (("work", ""), ("root", "."), ("home", ""), ("tmp", "ref"), ("Users", ""))
]
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("registry", "internal"),
    )
]
FORBIDDEN = re.compile(
    "|".join(rf"(?<![\w.]){re.escape(text)}" for text in MACHINE_PATHS) + "|" + "|".join(map(re.escape, INDEX_HOSTS))
)


@functools.cache
def tracked() -> tuple[pathlib.PurePath, ...]:
    """The files that git tracks; where this is no git checkout, what a source distribution contains."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        return tuple(pathlib.PurePath(name) for name in listing.stdout.split("\0") if name and (ROOT / name).is_file())
    folders = [ROOT / name for name in ("src", "tests", "docs", "examples", "benchmarks")]
    files = [*ROOT.glob("*.*"), *(path for folder in folders for path in folder.rglob("*.*") if path.is_file())]
    return tuple(path.relative_to(ROOT) for path in files if path.suffix not in {".pyc", ".so"})


def test_names_are_nouns() -> None:
    vague = [str(path) for path in tracked() if path.suffix == ".py" and NOT_A_NOUN & {*path.parts[:-1], path.stem}]

    assert vague == []


def test_no_file_names_a_machine_or_an_index() -> None:
    found = [
        f"{path}:{number}: {match.group()}"
        for path in tracked()
        for number, line in enumerate(_text(path).splitlines(), 1)
        if (match := FORBIDDEN.search(line))
    ]

    assert found == []


@pytest.mark.parametrize(
    "text", [f"open('{MACHINE_PATHS[1]}x')", f"https://{INDEX_HOSTS[0]}/simple", f"files.{INDEX_HOSTS[1]}"]
)
def test_the_patterns_find_what_they_are_for(text: str) -> None:
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["docs/work/plan.md", "the root / path", "example.org/root/"])
def test_the_patterns_leave_ordinary_text_alone(text: str) -> None:
    assert not FORBIDDEN.search(text)


def _text(path: pathlib.PurePath) -> str:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
