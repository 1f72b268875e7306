"""Which folders may be looked at on an event loop."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

from kolben.http import local_disks
from kolben.http.local_disks import local_file_system

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mountinfo is Linux's")


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[..., None]]:
    """Have only these file systems mounted: pairs of mount point and type."""

    def mount(*mounts: tuple[object, str]) -> None:
        lines = [f"36 35 98:0 / {point} rw,noatime master:1 - {kind} /dev/root rw\n" for point, kind in mounts]
        monkeypatch.setattr(local_disks, "open", lambda *args, **kwargs: _Lines(lines), raising=False)

    local_file_system.cache_clear()
    yield mount
    local_file_system.cache_clear()


class _Lines(list[str]):
    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "found"), [("ext4", "ext4"), ("tmpfs", "tmpfs"), ("nfs4", None), ("fuse.sshfs", None)]
)
def test_what_is_mounted_says_whether_it_is_local(
    mount: t.Callable[..., None], tmp_path: Path, kind: str, found: str | None
) -> None:
    mount(("/", kind))
    assert local_file_system(str(tmp_path), 1) == found


def test_a_local_disk_below_one_of_a_network_is_reached_through_it(
    mount: t.Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "net" / "local").mkdir(parents=True)
    mount(("/", "ext4"), (tmp_path / "net", "nfs"), (tmp_path / "net" / "local", "xfs"))
    assert local_file_system(str(tmp_path), 1) == "ext4"
    assert local_file_system(str(tmp_path / "net" / "local"), 1) is None


def test_a_mount_is_of_folders_not_of_the_beginnings_of_names(mount: t.Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "network").mkdir()
    mount(("/", "ext4"), (tmp_path / "net", "nfs"))
    assert local_file_system(str(tmp_path / "network"), 1) == "ext4"


def test_a_link_is_followed_and_counts_itself(mount: t.Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "to-net").symlink_to("net")
    (tmp_path / "net" / "back").symlink_to("../here")
    mount(("/", "ext4"), (tmp_path / "net", "cifs"))
    assert local_file_system(str(tmp_path / "here"), 1) == "ext4"
    assert local_file_system(str(tmp_path / "to-net"), 1) is None
    assert local_file_system(str(tmp_path / "net" / "back"), 1) is None


def test_a_mount_point_may_have_blanks(mount: t.Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    mount(("/", "ext4"), (f"{tmp_path}/a\\040b", "nfs"))
    assert local_file_system(str(tmp_path / "a b"), 1) is None


def test_links_in_a_circle_and_missing_folders_are_not_known(mount: t.Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    mount(("/", "ext4"))
    assert local_file_system(str(tmp_path / "round"), 1) is None
    assert local_file_system(str(tmp_path / "missing"), 1) is None
    assert local_file_system("relative", 1) is None


def test_without_mountinfo_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*args: object, **kwargs: object) -> t.NoReturn:
        raise FileNotFoundError

    local_file_system.cache_clear()
    monkeypatch.setattr(local_disks, "open", fail, raising=False)
    assert local_file_system(str(tmp_path), 1) is None
    local_file_system.cache_clear()


def test_the_real_table_is_read() -> None:
    assert local_disks._mounts()[0][0] == "/"
