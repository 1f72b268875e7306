"""Every Python block of the README and of the documentation runs, unless it is marked `skip`.

One that `needs` modules runs where these are installed, in a process of its own: what it imports may change others.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import typing as t

import pytest

from tests.examples.snippets import PAGES, ROOT, Snippet, snippets, write_templates

if t.TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

ALL = [snippet for page in PAGES for snippet in snippets(page)]


@pytest.fixture(autouse=True)
def modules_are_forgotten() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name.startswith("snippet_") and name not in before]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def temporary_files_are_removed(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.mark.parametrize("snippet", [snippet for snippet in ALL if snippet.runs], ids=str)
def test_python_block_runs(snippet: Snippet, tmp_path: pathlib.Path) -> None:
    write_templates(snippet.page, tmp_path)
    snippet.load(tmp_path)


@pytest.mark.parametrize("snippet", [snippet for snippet in ALL if snippet.needs], ids=str)
def test_python_block_that_needs_others_runs(snippet: Snippet, tmp_path: pathlib.Path) -> None:
    missing = [name for name in snippet.needs if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    program = tmp_path / "program.py"
    program.write_text(snippet.text, encoding="utf-8")

    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_blocks_are_found() -> None:
    assert any(snippet.page == ROOT / "README.md" and snippet.runs for snippet in ALL)


def test_only_known_words_stand_after_a_python_fence() -> None:
    python = [snippet for snippet in ALL if snippet.info[:1] == ("python",)]
    unknown = [str(snippet) for snippet in python if snippet.info[1:] not in {(), ("skip",)} and not snippet.needs]

    assert unknown == []
