"""Where an application's instance folder is, if it is not told."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def find_package(import_name: str) -> tuple[str | None, str]:
    """The prefix that a package is installed under, if it is, and the folder it is imported from.

    The prefix is the folder that holds ``lib`` and ``bin``: the system's, or that of a virtual environment.
    """
    folder = Path(_importing_folder(import_name))
    system = Path(sys.prefix).absolute()
    if folder.is_relative_to(system):
        return str(system), str(folder)
    if folder.name.lower() == "site-packages":
        parent = folder.parent
        if parent.name.lower() == "lib":  # NOTE: Windows, prefix/lib/site-packages
            return str(parent.parent), str(folder)
        if parent.parent.name.lower() == "lib":  # NOTE: Unix, prefix/lib/pythonX.Y/site-packages
            return str(parent.parent.parent), str(folder)
        return str(parent), str(folder)
    return None, str(folder)


def _importing_folder(import_name: str) -> str:
    root_name = import_name.partition(".")[0]
    try:
        spec = importlib.util.find_spec(root_name)
    except (ImportError, ValueError):  # NOTE: an invalid name, or `__main__`
        spec = None
    if spec is None:
        return os.getcwd()
    locations = spec.submodule_search_locations
    if not locations:
        return os.path.dirname(spec.origin or "")
    if spec.origin is not None and spec.origin != "namespace":
        return os.path.dirname(os.path.dirname(spec.origin))
    return os.path.dirname(_namespace_location(import_name, list(locations)))


def _namespace_location(import_name: str, locations: list[str]) -> str:
    """The part of a namespace package that holds ``import_name``."""
    spec = importlib.util.find_spec(import_name)
    if spec is None or not spec.submodule_search_locations:
        return locations[0]
    package = Path(os.path.commonpath(list(spec.submodule_search_locations)))
    return next(location for location in locations if package.is_relative_to(location))
