"""Generated functions whose source tracebacks and debuggers can show."""

from __future__ import annotations

import itertools
import linecache
import typing as t
import weakref

_numbers = itertools.count(1)


def load(name: str, source: str, namespace: dict[str, t.Any], owner: object) -> str:
    """Execute *source* in *namespace*, and return the file name under which it is in :mod:`linecache`.

    :param name: what the source is for; part of the file name.
    :param owner: its source is forgotten when this object goes.
    """
    filename = f"<{name} {next(_numbers)}>"
    exec(compile(source, filename, "exec"), namespace)
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    weakref.finalize(owner, linecache.cache.pop, filename, None).atexit = False
    return filename
