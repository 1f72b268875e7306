"""Which files are on disks of this machine, that answer at once or fail, and not on a network's, which may hang."""

from __future__ import annotations

import os
import re
import stat
import sys
import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = frozenset({"ramfs", "tmpfs"})
"""File systems without a disk."""
LOCAL = IN_MEMORY | {
    "btrfs",
    "erofs",
    "ext2",
    "ext3",
    "ext4",
    "f2fs",
    "overlay",
    "squashfs",
    "xfs",
    "zfs",
}
_MOST_LINKS = 40


@lru_cache(maxsize=512)
def local_file_system(folder: str, device: int) -> str | None:
    """The type of the file system that a folder is on; ``None`` if that may hang, or is not known.

    Whatever is looked at on the way to the folder is on local file systems too. Elsewhere than on Linux none is known.

    :param folder: an absolute path.
    :param device: ``st_dev`` of a file there: another one is another file system, for which this is asked anew.
    """
    if sys.platform != "linux" or not folder.startswith("/"):
        return None
    try:
        mounts = _mounts()
        found = [kind for path in _on_the_way(folder) for kind in _above(mounts, path)]
    except (OSError, ValueError):
        return None
    # NOTE: the last is where the folder is; one that another was mounted over counts all the same.
    return found[-1] if found and LOCAL.issuperset(found) else None


def _mounts() -> list[tuple[str, str]]:
    """Mount points, each with a slash at its end, and the types of what is mounted there, shorter paths first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        fields = [line.split(" - ", 1) for line in lines]
    mounts = [(_unescaped(before.split(" ")[4]), after.split(" ", 1)[0]) for before, after in fields]
    return sorted([(f"{point.rstrip('/')}/", kind) for point, kind in mounts], key=lambda mount: len(mount[0]))


def _unescaped(point: str) -> str:
    # NOTE: by proc(5), blank, tab, line feed and backslash are written in octal.
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)


def _above(mounts: list[tuple[str, str]], path: str) -> list[str]:
    return [kind for point, kind in mounts if f"{path}/".startswith(point)]


def _on_the_way(folder: str) -> Iterator[str]:
    """The symbolic links on the way to a folder, and last the folder without any.

    :raises OSError: something is not there, or there are too many links.
    """
    at, links = "", 0
    left = folder.split("/")[::-1]
    while left:
        part = left.pop()
        if part == "..":
            at = at.rpartition("/")[0]
        elif part and part != ".":
            path = f"{at}/{part}"
            if stat.S_ISLNK(os.lstat(path).st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(f"There are too many symbolic links on the way to {folder!r}.")
                yield path
                target = os.readlink(path)
                at = "" if target.startswith("/") else at
                left += target.split("/")[::-1]
            else:
                at = path
    yield at
