"""What Kolben exports is decided, not drifted into: public_api.txt lists it, and it contains all that Flask 3.1 has.

A name is added to, or taken from, public_api.txt by hand, in the change that adds or removes it.
"""

from __future__ import annotations

import ast
import inspect
import pathlib
import types
import typing as t

import pytest

import kolben
from tests.budgets.source import package

if t.TYPE_CHECKING:
    from collections.abc import Sequence

HERE = pathlib.Path(__file__).parent


def _listed(file: str) -> list[str]:
    lines = (HERE / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


PUBLIC_API = _listed("public_api.txt")
FLASK_API = _listed("flask_api.txt")
FLASK_NAMES = [name for name in FLASK_API if "." not in name]
FLASK_ATTRIBUTES = [name for name in FLASK_API if "." in name]

# What `from __future__ import …` leaves in a module.
FUTURE = {"annotations"}

# Whose instances have attributes that the class does not: made with these arguments.
INSTANCES = {"Flask": ("tests.api",), "Blueprint": ("api", "tests.api")}


def test_public_names_are_the_listed_ones() -> None:
    names = [
        name for name in dir(kolben) if not name.startswith("_") and name not in FUTURE and not _is_submodule(name)
    ]

    assert sorted(names) == sorted(PUBLIC_API)


@pytest.mark.parametrize("name", PUBLIC_API)
def test_public_names_are_there(name: str) -> None:
    assert getattr(kolben, name) is getattr(kolben, name)


def test_star_import_gives_all_of_them() -> None:
    names: dict[str, t.Any] = {}
    exec("from kolben import *", names)

    assert _missing(PUBLIC_API, list(names)) == []


def test_all_of_flasks_names_are_public() -> None:
    assert _missing(FLASK_NAMES, PUBLIC_API) == []


@pytest.mark.parametrize("owner", ["Flask", "Blueprint", "Config", "Request", "Response"])
def test_all_of_flasks_attributes_are_there(owner: str) -> None:
    names = [name.partition(".")[2] for name in FLASK_ATTRIBUTES if name.startswith(f"{owner}.")]
    cls = getattr(kolben, owner)
    made = cls(*INSTANCES[owner]) if owner in INSTANCES else cls

    assert names
    assert _missing(names, dir(made)) == []


def test_public_classes_and_functions_say_what_they_do() -> None:
    silent = [
        name
        for name in PUBLIC_API
        if (inspect.isclass(value := getattr(kolben, name)) or inspect.isfunction(value)) and not inspect.getdoc(value)
    ]

    assert silent == []


def test_modules_say_what_they_are() -> None:
    silent = [source.name for source in package() if source.tree.body and ast.get_docstring(source.tree) is None]

    assert silent == []


def _is_submodule(name: str) -> bool:
    return name not in PUBLIC_API and isinstance(getattr(kolben, name), types.ModuleType)


def _missing(names: Sequence[str], there: Sequence[str]) -> list[str]:
    return sorted(set(names) - set(there))
