"""Development servers for tests: projects in folders of their own, served by processes of their own."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import typing as t

from tests.servers.process import wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 15.0
"""Seconds to wait for what should happen: many times what it takes."""

RUN = ["-m", "kolben", "run", "--port", "0"]
DEBUG = ["-m", "kolben", "--debug", "run", "--port", "0"]


class Server:
    """A development server and the folder of what it serves."""

    def __init__(self, process: subprocess.Popen[str], folder: pathlib.Path) -> None:
        self.process = process
        self.folder = folder
        self._written: list[str] = []
        self._printed: list[str] = []
        for stream, texts in ((process.stderr, self._written), (process.stdout, self._printed)):
            assert stream is not None
            fd = os.dup(stream.fileno())
            threading.Thread(target=self._read, args=(fd, texts), daemon=True).start()

    def _read(self, fd: int, texts: list[str]) -> None:
        # NOTE: not by lines: a prompt is none.
        while text := os.read(fd, 4096):
            texts.append(text.decode())
        os.close(fd)

    @property
    def terminal(self) -> str:
        """What was written to standard error so far."""
        return "".join(self._written)

    @property
    def printed(self) -> str:
        """What was written to standard output so far."""
        return "".join(self._printed)

    def forget(self) -> None:
        """Forget what was written so far, but for where the server listens."""
        self._written[:] = [text for text in ("".join(self._written).splitlines(keepends=True)) if "Running on" in text]

    def wait_for_prompt(self) -> None:
        """Wait until pdb asks for a command."""
        wait_until(lambda: "(Pdb)" in self.printed, PATIENCE)

    def type(self, line: str) -> None:
        """Type a line into the terminal."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def wait_for(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until a line that matches was written that many times, and return the last match."""
        try:
            wait_until(lambda: len(re.findall(pattern, self.terminal)) >= times, PATIENCE)
        except TimeoutError:
            raise AssertionError(f"No {pattern!r} in:\n{self.terminal}") from None
        return list(re.finditer(pattern, self.terminal))[-1]

    @property
    def port(self) -> int:
        return int(self.wait_for(r"Running on https?://127\.0\.0\.1:(\d+)")[1])

    def get(self, path: str = "/", **headers: str) -> str:
        """The text of a response, whatever its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def get_until(self, expected: str, path: str = "/") -> None:
        """Ask until the answer contains what is expected."""
        last = ""

        def is_there() -> bool:
            nonlocal last
            with contextlib.suppress(OSError, http.client.HTTPException):
                last = self.get(path)
            return expected in last

        try:
            wait_until(is_there, PATIENCE)
        except TimeoutError:
            raise AssertionError(f"No {expected!r} in:\n{last}\nTerminal:\n{self.terminal}") from None

    def connect(self, request: str) -> socket.socket:
        """A connection on which the head of a request was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.sendall(f"{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        return connection

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def child(self) -> int:
        """The process that serves."""
        wait_until(lambda: len(processes_of(self.process)) == 2, PATIENCE)
        (child,) = processes_of(self.process) - {self.process.pid}
        return child


@contextlib.contextmanager
def developing(
    folder: pathlib.Path, files: dict[str, str], arguments: list[str] = DEBUG, **environ: str
) -> Iterator[Server]:
    """Write a project and start Python with these arguments in its folder."""
    own = ("KOLBEN_", "FLASK_", "WERKZEUG_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(own)} | environ
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    pipes: dict[str, t.Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=folder, env=env, text=True, start_new_session=True, **pipes) as process:
        try:
            yield Server(process, folder)
        finally:
            for pid in processes_of(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def processes_of(process: subprocess.Popen[str]) -> set[int]:
    """The processes that live in the session of one that was started as its leader, whoever is their parent now."""
    return {
        int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and _is_of(entry, process)
    }


def _is_of(entry: pathlib.Path, process: subprocess.Popen[str]) -> bool:
    try:
        state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return False
    return int(session) == process.pid and state != "Z"
