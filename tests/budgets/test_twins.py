"""Sync and async differ only in `await` (law 2): the twins of a file are one syntax tree."""

from __future__ import annotations

import ast
import typing as t

import pytest

from tests.budgets.source import FUNCTIONS, Function, package

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# Where twins live: every function of these files is one of a pair, and no other file has a pair ...
TWIN_FILES = ("dispatch/run.py",)

# ... but the bridge, where the two of a pair are the two ways across and have nothing to be compared.
CROSSINGS = ("bridge.py",)

SUFFIX = "_async"

# What the language and its library spell differently in async code; all else keeps its name or adds the suffix.
SYNC_SPELLING = {
    "aclose": "close",
    "aiter": "iter",
    "anext": "next",
    "athrow": "throw",
    "asend": "send",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "AsyncExitStack": "ExitStack",
    "AsyncGenerator": "Generator",
    "AsyncIterable": "Iterable",
    "AsyncIterator": "Iterator",
    "StopAsyncIteration": "StopIteration",
    "asynccontextmanager": "contextmanager",
}


def sync_name(name: str) -> str:
    return SYNC_SPELLING.get(name, name.removesuffix(SUFFIX))


class WithoutAwait(ast.NodeTransformer):
    """Rewrites async code as the sync code that it would be, without docstrings."""

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return t.cast("ast.AST", self.visit(node.value))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self.visit_FunctionDef(ast.FunctionDef(**_fields(node)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = sync_name(node.name)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        return self.generic_visit(ast.For(**_fields(node)))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        return self.generic_visit(ast.With(**_fields(node)))

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        node.is_async = 0
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = sync_name(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = sync_name(node.attr)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = sync_name(node.arg)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.arg = sync_name(node.arg) if node.arg is not None else None
        return self.generic_visit(node)


def _fields(node: ast.AST) -> dict[str, t.Any]:
    return dict(ast.iter_fields(node))


def stripped(function: Function) -> str:
    """The sync function that a function of either kind stands for, as source."""
    copy = ast.parse(ast.unparse(function))
    return ast.unparse(ast.fix_missing_locations(WithoutAwait().visit(copy)))


def scopes(tree: ast.Module) -> Iterator[tuple[str, dict[str, Function]]]:
    """The functions of the module and of each of its classes, by name."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef)):
            prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            yield prefix, {child.name: child for child in node.body if isinstance(child, FUNCTIONS)}


def pairs(tree: ast.Module) -> Iterator[tuple[str, Function, Function]]:
    for prefix, functions in scopes(tree):
        for name, function in functions.items():
            if name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in functions:
                yield prefix + name, functions[name.removesuffix(SUFFIX)], function


ALL_PAIRS = [
    pytest.param(sync, twin, id=name)
    for source in package()
    if source.name in TWIN_FILES
    for name, sync, twin in pairs(source.tree)
]


@pytest.mark.parametrize(("sync", "twin"), ALL_PAIRS)
def test_twins_differ_only_in_await(sync: Function, twin: Function) -> None:
    assert isinstance(twin, ast.AsyncFunctionDef)
    assert isinstance(sync, ast.FunctionDef)
    assert stripped(twin) == stripped(sync)


@pytest.mark.parametrize("name", TWIN_FILES)
def test_every_function_of_a_twin_file_is_in_a_pair(name: str) -> None:
    (source,) = [source for source in package() if source.name == name]
    alone = [
        prefix + name
        for prefix, functions in scopes(source.tree)
        for name in functions
        if name.removesuffix(SUFFIX) not in functions or name.removesuffix(SUFFIX) + SUFFIX not in functions
    ]

    assert alone == []


def test_twins_stand_in_their_file_only() -> None:
    elsewhere = [source for source in package() if source.name not in TWIN_FILES + CROSSINGS]

    assert [f"{source.name}: {name}" for source in elsewhere for name, _, _ in pairs(source.tree)] == []


@pytest.mark.parametrize(
    ("sync", "twin"),
    [
        ("def f(a): return g(a)", "async def f_async(a): return await g_async(a)"),
        ("def f(a): return g(a)", "async def f_async(a):\n 'Docstring.'\n return await g(a)"),
        ("def f(a):\n for x in a: a.close()", "async def f_async(a):\n async for x in a: await a.aclose()"),
        ("def f(a):\n with a as b: return list(b)", "async def f_async(a):\n async with a as b: return list(b)"),
        ("def f(a): return [x for x in a]", "async def f_async(a): return [x async for x in a]"),
    ],
)
def test_await_alone_is_no_difference(sync: str, twin: str) -> None:
    assert stripped(_function(twin)) == stripped(_function(sync))


def test_a_missing_line_is_a_difference() -> None:
    sync = _function("def f(a):\n a.lock()\n return g(a)")
    twin = _function("async def f_async(a):\n return await g_async(a)")

    assert stripped(twin) != stripped(sync)


def _function(text: str) -> Function:
    (function,) = ast.parse(text).body
    assert isinstance(function, FUNCTIONS)
    return function
