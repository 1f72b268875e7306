"""A clean environment for every test of the command line, a folder to write a user's project in, and runners."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t

import pytest
from click.testing import CliRunner

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Project: t.TypeAlias = Callable[[dict[str, str]], Path]
    Command: t.TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

OWN_PREFIXES = ("KOLBEN_", "FLASK_")


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Undo what a command does to the process: environment variables, the import path, imported modules."""
    environ, path, modules = dict(os.environ), list(sys.path), set(sys.modules)
    for name in environ:
        if name.startswith(OWN_PREFIXES):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(environ)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("kolben"):
            del sys.modules[name]


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """`project({"app.py": "...", ...})` writes files into an empty folder, makes it the current one and returns it."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def kolben() -> Command:
    """`kolben("routes", ...)` runs the command in a process of its own, in the current folder."""

    def run(*args: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kolben", *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            env={**os.environ, **environ},
        )

    return run
