"""The examples as modules."""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import sys
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


@contextlib.contextmanager
def imported(name: str, folder: str) -> Iterator[t.Any]:
    """The module or package of that name in this folder of the examples, imported afresh and forgotten again."""
    sys.path.insert(0, str(EXAMPLES / folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(EXAMPLES / folder))
        for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
            del sys.modules[module]
