"""Fenced blocks of Markdown pages, and the Python ones as modules."""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
import re
import sys
import typing as t

if t.TYPE_CHECKING:
    import types
    from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCED = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A fenced block: the page and the line it stands on, the words after its fence, its text."""

    page: pathlib.Path
    line: int
    info: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether this is Python that is meant to run: ```` ```python ````, and not ```` ```python skip ````."""
        return self.info == ("python",)

    @property
    def needs(self) -> tuple[str, ...]:
        """The modules without which the block cannot run: ```` ```python needs sqlalchemy aiosqlite ````."""
        return self.info[2:] if self.info[:2] == ("python", "needs") else ()

    def load(self, folder: pathlib.Path) -> types.ModuleType:
        """Write the block into the folder as a module, and import it."""
        name = f"snippet_{self.page.stem.replace('-', '_').lower()}_{self.line}"
        path = folder / f"{name}.py"
        path.write_text(self.text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def write_templates(page: pathlib.Path, folder: pathlib.Path) -> None:
    """Write the page's HTML blocks into the folder, each by the name that its first line gives as a comment."""
    for block in snippets(page):
        first, _, rest = block.text.partition("\n")
        if block.info == ("html",) and first.startswith("<!-- ") and first.endswith(" -->"):
            path = folder / first.removeprefix("<!-- ").removesuffix(" -->")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rest, encoding="utf-8")


def snippets(page: pathlib.Path) -> Iterator[Snippet]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCED.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Snippet(page, line, tuple(match["info"].split()), match["text"])
