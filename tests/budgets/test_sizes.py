"""Files, functions and inheritance stay small (law 5)."""

from __future__ import annotations

import ast
import statistics
import typing as t

from tests.budgets.source import Source, package

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.budgets.conftest import Budget
    from tests.budgets.source import Function

FILE_AT_MOST = 500
FILE_MEDIAN = 150
FUNCTION_AT_MOST = 45
FUNCTION_MEDIAN = 6
INHERITANCE_AT_MOST = 2

SAMPLE = '''
"""Docstring
of two lines."""

import os  # counted

# not counted


@decorator
def greet(name: str) -> str:
    """Docstring."""

    # not counted
    text = f"""counted
    as two"""
    return text
'''


def test_a_line_of_code_is_not_blank_comment_or_docstring() -> None:
    source = Source.parse("sample.py", SAMPLE)
    (greet,) = source.functions()

    assert len(source.code_lines) == 6
    assert source.size(greet) == 4


def test_files_are_short(budget: Budget) -> None:
    sizes = {source.name: len(source.code_lines) for source in package() if source.code_lines}
    longest = max(sizes, key=sizes.__getitem__)

    budget(f"lines of code of the longest file, {longest}", sizes[longest], FILE_AT_MOST)
    budget("lines of code of a file, median", statistics.median(sizes.values()), FILE_MEDIAN)


def test_functions_are_short(budget: Budget) -> None:
    sizes = {f"{source.name}: {fn.name}": source.size(fn) for source in package() for fn in _written_out(source)}
    longest = max(sizes, key=sizes.__getitem__)

    budget(f"lines of code of the longest function, {longest}", sizes[longest], FUNCTION_AT_MOST)
    budget("lines of code of a function, median", statistics.median(sizes.values()), FUNCTION_MEDIAN)


def test_inheritance_is_shallow(budget: Budget) -> None:
    bases = {cls.name: [_last_name(base) for base in cls.bases] for source in package() for cls in source.classes()}
    depths = {name: _depth(name, bases) for name in bases}
    deepest = max(depths, key=depths.__getitem__)

    budget(f"own ancestors above the deepest class, {deepest}", depths[deepest], INHERITANCE_AT_MOST)


def _written_out(source: Source) -> Iterator[Function]:
    """The functions of a file without its overloads, which are signatures only and would flatter the median."""
    for fn in source.functions():
        if not any(_last_name(decorator) == "overload" for decorator in fn.decorator_list):
            yield fn


def _last_name(node: ast.expr) -> str:
    """`KeyError` of `KeyError`, `Request` of `wrappers.Request` and of `wrappers.Request[str]`."""
    if isinstance(node, (ast.Subscript, ast.Call)):
        return _last_name(node.value if isinstance(node, ast.Subscript) else node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _depth(name: str, bases: dict[str, list[str]]) -> int:
    """How many classes of the package stand above this one on the longest way up; a class that only shares its name
    with its base (`class Request(werkzeug.Request)`) does not stand above itself."""
    return max((1 + _depth(base, bases) for base in bases[name] if base in bases and base != name), default=0)
