"""Every Python block of the README and of the documentation runs, unless it is marked `skip`."""

from __future__ import annotations

import sys
import typing as t

import pytest

from tests.examples.snippets import PAGES, ROOT, Snippet, snippets

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


@pytest.mark.parametrize("snippet", [snippet for snippet in ALL if snippet.runs], ids=str)
def test_python_block_runs(snippet: Snippet, tmp_path: pathlib.Path) -> None:
    snippet.load(tmp_path)


def test_blocks_are_found() -> None:
    assert any(snippet.page == ROOT / "README.md" and snippet.runs for snippet in ALL)


def test_only_known_words_stand_after_a_python_fence() -> None:
    unknown = [
        str(snippet) for snippet in ALL if snippet.info[:1] == ("python",) and snippet.info[1:] not in {(), ("skip",)}
    ]

    assert unknown == []
