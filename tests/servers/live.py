"""A server that runs an application, as a test sees it: its port, its processes, what it wrote."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import socket
import struct
import sys
import typing as t
from tempfile import TemporaryDirectory, TemporaryFile

from tests.servers.process import COMMANDS, STARTS_WITHIN, answers, free_port, has_ended, started, wait_until

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = pathlib.Path(__file__).with_name("programs")
"""Where the applications of these tests are."""

WSGI = ("kolben-wsgi", "granian-wsgi", "gunicorn")
ASGI = ("kolben-asgi", "granian-asgi", "uvicorn")


class Live:
    """A running server.

    :ivar name: its key in :data:`.COMMANDS`.
    :ivar port: of the loopback.
    """

    def __init__(self, name: str, port: int, process: subprocess.Popen[str], output: t.IO[bytes]) -> None:
        self.name = name
        self.port = port
        self.process = process
        self._output = output

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return os.pread(self._output.fileno(), 1_000_000, 0).decode(errors="replace")

    def connect(self, timeout: float = 30.0) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def send(self, target: str, method: str = "GET", head: str = "", body: bytes = b"") -> socket.socket:
        """A connection on which one request was sent.

        :param head: further header lines, each with its CRLF.
        """
        connection = self.connect()
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body)
        return connection

    def get(self, target: str) -> t.Any:
        """The JSON that a view answers.

        :raises AssertionError: the status is not 200.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"Host": "localhost", "Connection": "close"})
            response = connection.getresponse()
            body = response.read()
        assert response.status == 200, f"{response.status} {body!r}\n{self.log}"
        return json.loads(body)


def reset(connection: socket.socket) -> None:
    """Close a connection as a crashed client does: with RST, whatever is still under way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextlib.contextmanager
def run(
    name: str, app: str, *options: str, folder: pathlib.Path = PROGRAMS, env: Mapping[str, str] | None = None
) -> Iterator[Live]:
    """Run a server with one worker until the end of the block.

    :param name: a key of :data:`.COMMANDS`.
    :param app: such as ``streams:app``.
    :param options: more arguments for its command line.
    :param env: environment variables beside those of this process. ``TMPDIR`` is a folder of its own, and goes with it:
        a server, or a program, that is killed leaves its temporary files behind.
    """
    program, *arguments = COMMANDS[name]
    port = free_port()
    command = [str(pathlib.Path(sys.executable).with_name(program)), *options]
    command += [argument.format(port=port, app=app) for argument in arguments]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(TemporaryDirectory(prefix="live-", ignore_cleanup_errors=True))
        output = stack.enter_context(TemporaryFile())
        own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": temporary}
        environment = {**os.environ, **own, **(env or {})}
        process = stack.enter_context(started(command, cwd=folder, env=environment, stdout=output, stderr=output))
        live = Live(name, port, process, output)
        wait_until(lambda: has_ended(process) or answers(port), STARTS_WITHIN)
        assert not has_ended(process), f"{name} ended with code {process.returncode}:\n{live.log}"
        yield live
