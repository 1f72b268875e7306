"""The watcher tells what has changed, and looks at what is meant."""

from __future__ import annotations

import os
import pathlib
import time

import pytest

from kolben.server.development import watcher as module
from kolben.server.development.watcher import Watcher


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    write("app.py", "one")
    write("pages/__init__.py")
    write("pages/home.html")
    return tmp_path


def write(name: str, text: str = "") -> str:
    path = pathlib.Path(name).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_change_is_told_once(folder: pathlib.Path) -> None:
    watcher = Watcher(["."])
    assert watcher.changed() == []

    path = write("app.py", "longer")

    assert watcher.changed() == [path]
    assert watcher.changed() == []


def test_a_write_that_leaves_time_and_size_is_seen_if_another_file_took_the_place(folder: pathlib.Path) -> None:
    watcher = Watcher(["."])
    new = write("app.tmp", "two")
    status = os.stat("app.py")
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(new, "app.py")

    assert watcher.changed() == [str(folder / "app.py")]


def test_files_and_folders_that_come_and_go_are_seen(folder: pathlib.Path) -> None:
    watcher = Watcher(["."])

    deep = write("pages/deep/very/new.py")
    assert watcher.changed() == [deep]
    beside = write("pages/deep/very/newer.py")
    assert watcher.changed() == [beside]
    os.unlink(beside)
    assert watcher.changed() == [beside]
    write("pages/deep/very/newer.py")
    assert watcher.changed() == [beside]


@pytest.mark.parametrize(
    "name",
    [
        "pages/home.html",
        "pages/__pycache__/a.py",
        "node_modules/gyp/a.py",
        ".git/hooks/a.py",
        "mine/lib/python3/site-packages/a.py",
        "own-env/lib/a.py",
    ],
)
def test_what_is_not_meant_is_not_looked_at(folder: pathlib.Path, name: str) -> None:
    write("own-env/pyvenv.cfg")
    write(name)
    watcher = Watcher(["."])
    write(name, "changed")

    assert watcher.changed() == []


def test_files_beside_the_python_files_are_watched_if_they_are_named(folder: pathlib.Path) -> None:
    watcher = Watcher(["."], ["pages", "not-there-yet.toml"])

    html, new, toml = write("pages/home.html", "changed"), write("pages/new.html"), write("not-there-yet.toml")

    assert sorted(watcher.changed()) == sorted([html, new, toml])


@pytest.mark.parametrize("pattern", ["*/draft.py", "draft.py", "old/*", "{folder}/old/*"])
def test_excluded_files_are_not_watched(folder: pathlib.Path, pattern: str) -> None:
    name = write("old/draft.py")
    watcher = Watcher(["."], [name], [pattern.format(folder=folder)])
    watcher.add_modules([name], since=0)
    write("old/draft.py", "changed")

    assert watcher.changed() == []


def test_a_module_that_was_written_since_it_may_have_been_loaded_counts_as_changed(folder: pathlib.Path) -> None:
    path = write("elsewhere.txt")
    os.utime(path, (1000, 1000))

    before, after = Watcher([]), Watcher([])
    before.add_modules([path], since=999)
    after.add_modules([path], since=1001)

    assert before.changed() == [path]
    assert after.changed() == []


def test_modules_of_python_itself_are_not_watched(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_INSTALLED", (str(folder / "python") + os.sep,))
    path = write("python/os.py")
    watcher = Watcher([])

    watcher.add_modules([path], since=time.time() - 60)

    assert watcher.changed() == []


def test_a_folder_that_is_no_project_is_not_walked_through_without_end(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FOLDERS_AT_MOST", 5)
    for number in range(20):
        write(f"many/{number}/a.py")
    watcher = Watcher(["."])

    path = write("app.py", "changed")

    assert len(watcher._folders) == 5
    assert watcher.changed() == [path]
