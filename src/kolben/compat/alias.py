"""Making ``import flask`` mean Kolben: a finder in front of all others, for the modules and for their version."""

from __future__ import annotations

import ast
import re
import sys
import typing as t
from importlib import import_module, metadata
from importlib.abc import MetaPathFinder
from importlib.util import spec_from_file_location
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

FLASK_VERSION = "3.1.3"
"""The version of Flask whose behaviour the alias has, and which it names to those who ask."""

FOLDER = Path(__file__).parent / "flask"

_METADATA = f"""\
Metadata-Version: 2.4
Name: Flask
Version: {FLASK_VERSION}
Summary: Flask's names, answered by Kolben.
Requires-Dist: blinker>=1.9.0
Requires-Dist: click>=8.1.3
Requires-Dist: itsdangerous>=2.2.0
Requires-Dist: jinja2>=3.1.2
Requires-Dist: markupsafe>=2.1.1
Requires-Dist: werkzeug>=3.1.0
"""


def install() -> None:
    """Let ``flask`` and all modules below it be Kolben's, in this process. Calling it again does nothing.

    :raises ImportError: another ``flask`` was imported before.
    """
    if any(isinstance(finder, FlaskFinder) for finder in sys.meta_path):
        return
    if "flask" in sys.modules:
        raise ImportError(_too_late(sys.modules["flask"]), name="flask")
    sys.meta_path.insert(0, FlaskFinder())


def follow_spawned_processes() -> None:
    """Let Python processes that :mod:`multiprocessing` starts from this one have the alias too, before all else.

    A forked one has it anyway. A spawned one begins anew: it is sent what it needs, and unpickling that is the first
    thing it does.
    """
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, t.Any]:
        return {**prepare(name), "kolben.as_flask": _InSpawned()}

    spawn.get_preparation_data = get_preparation_data


class _InSpawned:
    """What is unpickled as a call of :func:`_enter_spawned`."""

    def __reduce__(self) -> tuple[t.Any, ...]:
        return _enter_spawned, ()


def _enter_spawned() -> None:
    import_module("kolben.as_flask")
    follow_spawned_processes()


class FlaskFinder(MetaPathFinder):
    """Finds ``flask`` in Kolben's folder; its submodules follow by the package's path, as for any package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of ``flask``; of nothing else."""
        if fullname != "flask":
            return None
        return spec_from_file_location("flask", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)])

    def find_distributions(self, context: t.Any = None) -> Iterable[metadata.Distribution]:
        """What :mod:`importlib.metadata` asks: the distribution named Flask, also where none is installed."""
        name = None if context is None else context.name
        if name is None or re.sub(r"[-_.]+", "-", name).lower() == "flask":
            yield _FlaskDistribution()


class _FlaskDistribution(metadata.Distribution):
    """What an installed Flask would say of itself."""

    def read_text(self, filename: str) -> str | None:
        return {"METADATA": _METADATA, "top_level.txt": "flask\n"}.get(filename)

    def locate_file(self, path: t.Any) -> t.Any:
        return FOLDER.parent / path


def _too_late(flask: ModuleType) -> str:
    importer = next(_importers(), None)
    by = "" if importer is None else f" by {importer}"
    return (
        f"'flask' was imported{by} before 'kolben.as_flask', and is '{getattr(flask, '__file__', None)}'. What has it"
        " already would go on with that one. Import 'kolben.as_flask' first: put it above every import of 'flask' and"
        " of Flask's extensions, or run the program by 'python -m kolben.as_flask'."
    )


def _importers() -> Iterator[str]:
    """``file, line n`` of imports of ``flask`` in the modules that are loaded, the likeliest to be the first one first.

    Modules stand in :data:`sys.modules` in the order in which they began to be imported: who asked for ``flask`` stands
    before it, mostly right before.
    """
    names = [name for name in sys.modules if name.partition(".")[0] not in {"flask", "kolben"}]
    position = list(sys.modules).index("flask")
    before = [name for name in names if list(sys.modules).index(name) < position]
    for name in [*reversed(before), *names]:
        file = getattr(sys.modules[name], "__file__", None)
        line = None if file is None or not file.endswith(".py") else _import_line(Path(file))
        if line is not None:
            yield f"'{file}', line {line},"


def _import_line(path: Path) -> int | None:
    """The line on which a file imports ``flask`` or something below it."""
    try:
        source = path.read_bytes()
        if b"flask" not in source:
            return None
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if isinstance(node, (ast.Import, ast.ImportFrom)) and any(n.partition(".")[0] == "flask" for n in names):
            return node.lineno
    return None
