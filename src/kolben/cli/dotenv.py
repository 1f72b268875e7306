"""Environment variables from ``.env`` and ``.flaskenv`` files."""

from __future__ import annotations

import os

import click

files_read: list[str] = []
"""The files that :func:`load_dotenv` has read in this process."""

names_set: set[str] = set()
"""The variables that it has set from them, which were not set before."""


def is_dotenv_installed() -> bool:
    """Return whether python-dotenv, which reads the files, can be imported."""
    try:
        import dotenv  # noqa: F401
    except ImportError:
        return False
    return True


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set the environment variables that the files name and that are not set yet; return whether there were any.

    What ``path`` says comes before ``.env``, and ``.env`` before ``.flaskenv``. Without python-dotenv nothing is read,
    and a tip is printed where there is a file to read.

    :param path: a file to read; one that does not exist is skipped.
    :param load_defaults: whether to read the nearest ``.env`` and ``.flaskenv``, here or in a folder above.
    """
    if not is_dotenv_installed():
        if path or os.path.isfile(".env") or os.path.isfile(".flaskenv"):
            tip = " * Tip: There are .env files present. Install python-dotenv to use them."
            click.secho(tip, fg="yellow", err=True)
        return False

    import dotenv

    files = [dotenv.find_dotenv(name, usecwd=True) for name in (".flaskenv", ".env")] if load_defaults else []
    if path is not None and os.path.isfile(path):
        files.append(os.fspath(path))
    values: dict[str, str | None] = {}
    for file in filter(None, files):
        files_read.append(os.path.abspath(file))
        values |= dotenv.dotenv_values(file, encoding="utf-8")

    for name, value in values.items():
        if value is not None and name not in os.environ:
            os.environ[name] = value
            names_set.add(name)
    return bool(values)
