"""Kolben's own source as the budgets measure it: its files, their classes and functions, and lines of code.

A line of code is one that holds more than a comment or a docstring.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import io
import pathlib
import tokenize
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "kolben"

Function: t.TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


@dataclasses.dataclass(frozen=True)
class Source:
    """One file: its name inside the package, its syntax tree, and the numbers of its lines of code."""

    name: str
    text: str
    tree: ast.Module
    code_lines: frozenset[int]

    @classmethod
    def parse(cls, name: str, text: str) -> Source:
        tree = ast.parse(text)
        return cls(name, text, tree, frozenset(_code_lines(text, tree)))

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def size(self, node: Function) -> int:
        """The lines of code of a function: from `def`, so without decorators, to its last line."""
        return sum(line in self.code_lines for line in range(node.lineno, (node.end_lineno or node.lineno) + 1))


@functools.cache
def package() -> tuple[Source, ...]:
    """Every Python file of the package."""
    return tuple(
        Source.parse(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def _code_lines(text: str, tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS))
            and ast.get_docstring(node, clean=False) is not None
        ):
            docstring = node.body[0]
            lines.difference_update(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return lines
