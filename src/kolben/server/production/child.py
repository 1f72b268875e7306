"""A worker, as the supervisor sees it."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t

from .. import listener, supervision
from ..supervision import RETIRE, Lines

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..listener import Listener


class Child:
    """A process that runs this process's command again.

    :param command: with its arguments.
    :param listeners: it inherits them.
    :param env: its environment.
    :param folder: where it runs.
    :param generation: which reload it belongs to.
    :param slot: whose sockets it has: one of those that are to be served, each by one worker.
    """

    def __init__(
        self,
        command: Sequence[str],
        listeners: Sequence[Listener],
        env: Mapping[str, str],
        folder: str,
        generation: int,
        slot: int,
    ) -> None:
        own, its = socket.socketpair()
        fds = [item.sock.fileno() for item in listeners]
        env = {
            **env,
            supervision.FD_VARIABLE: str(its.fileno()),
            listener.FD_VARIABLE: ",".join(map(str, fds)),
        }
        with its:
            self._process = subprocess.Popen(command, env=env, cwd=folder, pass_fds=[its.fileno(), *fds])
        self.lines = Lines(own)
        self.generation = generation
        self.slot = slot
        self.listeners = frozenset(listeners)
        self.ready_at: float | None = None
        self.is_deaf = False
        """Whether it has said that it accepts no more."""
        self.is_leaving = False
        """Whether it asked to be replaced."""
        self.kill_at: float | None = None
        """When it is killed, once it was told to stop."""

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether it has begun to answer."""
        return self.ready_at is not None

    @property
    def is_serving(self) -> bool:
        """Whether it answers, and was not told to stop."""
        return self.is_ready and self.kill_at is None

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; ``None`` while it runs."""
        return self._process.poll()

    def retire(self, within: float) -> None:
        """Tell it to stop within so many seconds, while others accept what comes."""
        if self.is_ready:
            self.kill_at = time.monotonic() + within
            self.lines.send(RETIRE)
        else:
            self.stop(within)

    def stop(self, within: float, *, again: bool = False) -> None:
        """Tell it to stop within so many seconds, unless it was told; again, not to wait for what is under way."""
        if self.kill_at is None or again:
            until = time.monotonic() + within
            self.kill_at = until if self.kill_at is None else min(self.kill_at, until)
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.kill_at = math.inf
        self._process.kill()


def own_command() -> list[str]:
    """The command that started this process."""
    return [sys.executable, *sys.orig_argv[1:]]


def own_environment() -> dict[str, str]:
    """The environment that this process was started with: not what it has read from files since, which may change.

    NOTE: where the system does not tell, it is that of now.
    """
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return dict(os.environ)
    pairs = (entry.partition(b"=") for entry in entries if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs} or dict(os.environ)


def own_folder() -> str:
    """The current folder by the name it was entered by: a link that leads elsewhere by now is followed anew."""
    folder, named = os.getcwd(), os.environ.get("PWD")
    if named and os.path.isabs(named):
        try:
            if os.path.samefile(named, folder):
                return named
        except OSError:
            pass
    return folder
