"""`import kolben` is light: what not every program needs is loaded when it is first needed."""

from __future__ import annotations

import functools
import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

import kolben

if t.TYPE_CHECKING:
    from tests.budgets.conftest import Budget

# Werkzeug loads 156 of them, msgspec and Blinker 22 more.
MODULES_AT_MOST = 230

SOURCE = str(pathlib.Path(kolben.__file__).parents[1])
LIST_MODULES = """
import json, sys
sys.path.insert(0, {source!r})  # what is tested, which need not be what is installed
before = set(sys.modules)
import {module}
print(json.dumps([*set(sys.modules) - before]))
"""


@functools.cache
def _loaded_by(module: str) -> frozenset[str]:
    """The modules that importing this one loads, in an interpreter of its own."""
    code = LIST_MODULES.format(module=module, source=SOURCE)
    ran = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return frozenset(json.loads(ran.stdout))


@pytest.mark.parametrize(
    "module", ["jinja2", "click", "itsdangerous", "granian", "asyncio", "anyio", "uvloop", "sqlite3", "unittest"]
)
def test_import_kolben_does_not_load(module: str) -> None:
    assert module not in _loaded_by("kolben")


def test_import_kolben_loads_few_modules(budget: Budget) -> None:
    budget("modules that `import kolben` loads", len(_loaded_by("kolben")), MODULES_AT_MOST)


def test_the_count_sees_what_is_loaded() -> None:
    assert {"asyncio", "asyncio.events"} <= _loaded_by("asyncio")
