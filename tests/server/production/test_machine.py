from __future__ import annotations

import typing as t

import pytest

from kolben.server.production.machine import Machine

if t.TYPE_CHECKING:
    from pathlib import Path

MiB = 1024 * 1024


def machine(root: Path, files: dict[str, str]) -> Machine:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return Machine(str(root))


def test_without_control_groups_nothing_is_limited(tmp_path: Path) -> None:
    found = machine(tmp_path, {})
    assert found.cpu_quota is None
    assert found.memory is None
    assert found.processors >= 1


def test_memory_of_the_machine(tmp_path: Path) -> None:
    assert machine(tmp_path, {"proc/meminfo": "MemTotal:       2048 kB"}).memory == 2 * MiB


@pytest.mark.parametrize(("text", "quota"), [("150000 100000", 1.5), ("max 100000", None), ("", None)])
def test_quota_of_version_2(tmp_path: Path, text: str, quota: float | None) -> None:
    assert machine(tmp_path, {"sys/fs/cgroup/cpu.max": text}).cpu_quota == quota


@pytest.mark.parametrize(("text", "quota"), [("50000", 0.5), ("-1", None)])
def test_quota_of_version_1(tmp_path: Path, text: str, quota: float | None) -> None:
    folder = "sys/fs/cgroup/cpu"
    files = {f"{folder}/cpu.cfs_quota_us": text, f"{folder}/cpu.cfs_period_us": "100000"}
    assert machine(tmp_path, files).cpu_quota == quota


def test_the_lowest_limit_on_the_way_to_the_root_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/system.slice/web.service",
        "proc/meminfo": f"MemTotal: {8192 * 1024} kB",
        "sys/fs/cgroup/system.slice/cpu.max": "200000 100000",
        "sys/fs/cgroup/system.slice/memory.max": str(512 * MiB),
        "sys/fs/cgroup/system.slice/web.service/cpu.max": "max 100000",
        "sys/fs/cgroup/system.slice/web.service/memory.max": str(1024 * MiB),
    }
    found = machine(tmp_path, files)
    assert found.cpu_quota == 2
    assert found.memory == 512 * MiB


def test_memory_of_version_1_is_below_that_of_the_machine(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1",
        "proc/meminfo": f"MemTotal: {1024 * 1024} kB",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": str(256 * MiB),
    }
    assert machine(tmp_path, files).memory == 256 * MiB
