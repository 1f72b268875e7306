"""``kolben new``: a project to start from."""

from __future__ import annotations

import keyword
import re
import secrets
import sys
import typing as t
from importlib import resources
from pathlib import Path

import click

from .environment import EnvOption

if t.TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PACKAGE_FOLDER = "package"
_TEMPLATE_SUFFIX = ".tpl"
_TAKEN_NAMES = frozenset(
    {"app", "click", "config", "flask", "instance", "jinja2", "kolben", "tests", "werkzeug", "wsgi"}
)


@click.command("new", short_help="Make a new project.")
@click.argument("path", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--minimal", cls=EnvOption, is_flag=True, help="Make a single file, app.py, instead of a whole project.")
def new_command(path: Path, minimal: bool) -> None:
    """Make a new project in the folder NAME, which runs at once.

    It has an application factory, a blueprint, templates, static files, configuration and tests; with '--minimal' it is
    a single file.
    """
    package = package_name(path)
    if not path.parent.is_dir():
        raise click.BadParameter(
            f"There is no folder '{path.parent}' to make the project '{path.name}' in. A name has no '/'; for a path,"
            " make the folder first.",
            param_hint="NAME",
        )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise click.ClickException(
            f"'{path}' exists already and is not empty. Choose another name, or remove it first."
        )
    words = {
        "package": package,
        "distribution": package.replace("_", "-"),
        "title": package.replace("_", " ").strip().capitalize(),
        "secret": secrets.token_hex(32),
    }
    source = resources.files("kolben.cli") / "project" / ("minimal" if minimal else "factory")
    for relative in write_project(source, path, words):
        click.echo(f"  {path / relative}")
    click.secho("\nReady. Next:\n", bold=True)
    click.echo(f"  cd {path}\n  kolben run --debug")


def package_name(path: Path) -> str:
    """Return the name of the package for a project in ``path``, or say why there cannot be one."""
    name = path.resolve().name
    package = re.sub(r"[-. ]+", "_", name).lower()
    if not package.isidentifier() or not package.isascii() or keyword.iskeyword(package):
        raise click.BadParameter(
            f"'{name}' cannot be the name of a Python package. Use letters, digits and underscores.",
            param_hint="NAME",
        )
    if package in _TAKEN_NAMES or package in sys.stdlib_module_names:
        raise click.BadParameter(
            f"'{name}' is the name of a Python module that the project needs, and would hide it. Choose another.",
            param_hint="NAME",
        )
    return package


def write_project(source: Traversable, target: Path, words: dict[str, str]) -> list[Path]:
    """Write the template in ``source`` to ``target``; return the paths of its files, relative to that.

    A folder ``package`` becomes the one named by the word ``package``, a trailing ``.tpl`` is dropped, and a word
    between two pairs of percent signs is replaced.
    """
    written: list[Path] = []
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            folder = Path(words["package"] if entry.name == _PACKAGE_FOLDER else entry.name)
            written += [folder / path for path in write_project(entry, target / folder, words)]
        else:
            file = Path(entry.name.removesuffix(_TEMPLATE_SUFFIX))
            text = re.sub(r"%%(\w+)%%", lambda match: words[match[1]], entry.read_text(encoding="utf-8"))
            (target / file).write_text(text, encoding="utf-8")
            written.append(file)
    return written
