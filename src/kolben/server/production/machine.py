"""What this process may use of the machine: processors, memory, open files, as containers limit them too."""

from __future__ import annotations

import os
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_CGROUPS = "/sys/fs/cgroup"


class Machine:
    """The limits that count for this process.

    :param root: where the root of the file system is mounted, for tests.
    """

    def __init__(self, root: str = "") -> None:
        self._root = root.rstrip("/")
        self.processors = _affinity()
        """How many processors it may run on."""
        self.cpu_quota = self._cpu_quota()
        """How many processors' time its control groups (v1 or v2) let it have; ``None`` for all."""
        self.memory = self._memory()
        """Bytes of memory it may use: of its control groups, else of the machine; ``None`` where that is unknown."""
        self.open_files = _open_files()
        """How many files, connections among them, it may have open; ``None`` for any number."""

    def _cpu_quota(self) -> float | None:
        quotas = [quota for folder in self._groups("") if (quota := self._quota_v2(folder)) is not None]
        quotas += [quota for folder in self._groups("cpu") if (quota := self._quota_v1(folder)) is not None]
        return min(quotas, default=None)

    def _quota_v2(self, folder: str) -> float | None:
        quota, _, period = (self._read(f"{folder}/cpu.max") or "").partition(" ")
        return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() else None

    def _quota_v1(self, folder: str) -> float | None:
        quota, period = self._read(f"{folder}/cpu.cfs_quota_us"), self._read(f"{folder}/cpu.cfs_period_us")
        # NOTE: -1 is no quota.
        return int(quota) / int(period) if quota and period and quota.isdecimal() and int(quota) else None

    def _memory(self) -> int | None:
        limits = [self._read(f"{folder}/memory.max") for folder in self._groups("")]
        limits += [self._read(f"{folder}/memory.limit_in_bytes") for folder in self._groups("memory")]
        found = [int(limit) for limit in limits if limit and limit.isdecimal()]
        physical = self._physical_memory()
        if physical is not None:
            found.append(physical)
        return min(found, default=None)

    def _physical_memory(self) -> int | None:
        for line in (self._read("/proc/meminfo") or "").splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
        return None

    def _groups(self, controller: str) -> Iterator[str]:
        """The folders of this process's control group and of those above it. In a container it is often the root.

        :param controller: of version 1; empty for version 2.
        """
        base = f"{_CGROUPS}/{controller}" if controller else _CGROUPS
        yield base
        for line in (self._read("/proc/self/cgroup") or "").splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                parts = [part for part in path.split("/") if part]
                for length in range(1, len(parts) + 1):
                    yield "/".join([base, *parts[:length]])

    def _read(self, path: str) -> str | None:
        try:
            with open(self._root + path, encoding="ascii") as file:
                return file.read().strip()
        except (OSError, ValueError):
            return None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_files() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
