"""The files whose change means a reload, and which of them have changed."""

from __future__ import annotations

import fnmatch
import os
import sys
import time
import typing as t
from collections import deque

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    Stamp: t.TypeAlias = tuple[int, int, int] | None

FOLDERS_AT_MOST = 3000
"""Folders that are looked through for Python files, the nearest first. A home folder, or the root, is not a project."""

_IGNORED = frozenset({"__pycache__", "node_modules", "site-packages"})
_INSTALLED = tuple({sys.base_prefix + os.sep, sys.base_exec_prefix + os.sep})


class Watcher:
    """Looks at files again and again: :meth:`changed` returns those that are not as they were the last time.

    NOTE: by asking for each file's state, which works on every system, mount and container. Three thousand files are
    3 ms; what tells of changes by itself would be one dependency more, and watch folders that are not meant.

    :param roots: folders in and below which all Python files are watched, those too that are yet to be written.
    :param files: other files, which need not exist; of a folder, all files in and below it.
    :param exclude: :mod:`fnmatch` patterns of files that are not: of whole paths, paths from here, or names.
    """

    def __init__(self, roots: Iterable[str], files: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._exclude = tuple(exclude)
        self._here = os.getcwd()
        self._folders: dict[str, Stamp] = {}
        self._all_files_below: list[str] = []
        self._stamps: dict[str, Stamp] = {}
        for root in roots:
            self.add_root(root)
        self.add(files)

    def add_root(self, root: str) -> list[str]:
        """Watch the Python files in and below a folder too, and return those that were not watched."""
        root = os.path.abspath(root)
        return [] if root in self._folders else self._enter(root)

    def add(self, files: Iterable[str]) -> None:
        """Watch these files too, as they are now."""
        for path in map(os.path.abspath, files):
            if os.path.isdir(path):
                self._all_files_below.append(path + os.sep)
                self._enter(path)
            elif self._is_new(path):
                self._stamps[path] = _stamp(path)

    def add_modules(self, files: Iterable[str], since: float) -> None:
        """Watch the files of loaded modules, but Python's own.

        :param since: one written after that moment (Unix time) counts as changed: it may have been loaded before.
        """
        new = [path for path in files if not path.startswith(_INSTALLED) and self._is_new(os.path.abspath(path))]
        self.add(new)
        for path in map(os.path.abspath, new):
            stamp = self._stamps.get(path)
            if stamp is not None and stamp[0] > since * 1e9:
                self._stamps[path] = None

    def changed(self) -> list[str]:
        """The files that were written, replaced, made or removed since the last call."""
        made: list[str] = []
        for folder, before in list(self._folders.items()):
            now = _stamp(folder)
            if now is None:
                del self._folders[folder]
            elif now != before:
                made += self._enter(folder)
        changed = [path for path, before in self._stamps.items() if _stamp(path) != before]
        for path in changed:
            self._stamps[path] = _stamp(path)
        return list(dict.fromkeys(changed + made))

    def _enter(self, folder: str) -> list[str]:
        """Look through a folder and those below it that are new; return what is new in them."""
        new: list[str] = []
        waiting = deque([folder])
        while waiting and len(self._folders) < FOLDERS_AT_MOST:
            folder = waiting.popleft()
            self._folders[folder] = _settled_stamp(folder)
            takes_all = (folder + os.sep).startswith(tuple(self._all_files_below))
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir():
                    if entry.path not in self._folders and _is_of_interest(entry):
                        waiting.append(entry.path)
                elif (takes_all or entry.name.endswith(".py")) and self._is_new(entry.path):
                    self._stamps[entry.path] = _stamp(entry.path)
                    new.append(entry.path)
        return new

    def _is_new(self, path: str) -> bool:
        if path in self._stamps:
            return False
        names = (path, os.path.relpath(path, self._here), os.path.basename(path)) if self._exclude else ()
        return not any(fnmatch.fnmatch(name, pattern) for name in names for pattern in self._exclude)


def _is_of_interest(folder: os.DirEntry[str]) -> bool:
    is_ignored = folder.name.startswith(".") or folder.name in _IGNORED or folder.is_symlink()
    return not is_ignored and not os.path.exists(os.path.join(folder.path, "pyvenv.cfg"))


def _stamp(path: str) -> Stamp:
    """What is different once a file was written (also twice in one tick of the clock) or replaced by another."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _settled_stamp(folder: str) -> Stamp:
    """The state of a folder, or none that it will ever be in while it is so new that a file may yet join unseen, within
    the same tick of the file system's clock."""
    stamp = _stamp(folder)
    return (0, 0, 0) if stamp is not None and time.time_ns() - stamp[0] < 100_000_000 else stamp
