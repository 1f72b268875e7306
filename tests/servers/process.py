"""Real servers for tests: started as processes of their own on a free port of the loopback, and ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

STARTS_WITHIN = 40.0
"""Seconds that a server has to answer its first request."""

ENDS_WITHIN = 10.0
"""Seconds that it has to end by itself once it is told to, before it is killed."""

# NOTE: of the servers that may use uvloop, Kolben's ASGI does ("auto", where it is installed). The others stay with
# asyncio's loop, so that each test of all of them has met both.
_KOLBEN = [
    *("kolben", "--app", "{app}", "serve", "--workers", "1", "--bind", "127.0.0.1:{port}"),
    # NOTE: as many as under the other servers, for tests that count them.
    *("--threads", "40", "--protocol"),
]
COMMANDS = {
    # NOTE: further options by environment variables: KOLBEN_SERVE_PROXIES for --proxies.
    "kolben-wsgi": [*_KOLBEN, "wsgi", "--loop", "asyncio"],
    "kolben-asgi": [*_KOLBEN, "asgi", "--loop", "auto"],
    "granian-wsgi": ["granian", "--interface", "wsgi", "--no-log", "--host", "127.0.0.1", "--port", "{port}", "{app}"],
    "granian-asgi": [
        *("granian", "--interface", "asgi", "--loop", "asyncio", "--no-log"),
        *("--host", "127.0.0.1", "--port", "{port}", "{app}"),
    ],
    "uvicorn": [
        *("uvicorn", "--loop", "asyncio", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", "{port}", "{app}"),
    ],
    "hypercorn": ["hypercorn", "--log-level", "warning", "--bind", "127.0.0.1:{port}", "{app}"],
    # NOTE: threads, since a browser opens connections ahead of what it asks for, and each occupies a worker.
    "gunicorn": [
        *("gunicorn", "--threads", "8", "--graceful-timeout", "1", "--log-level", "warning"),
        *("--bind", "127.0.0.1:{port}", "{app}"),
    ],
    # NOTE: workers, since a stream occupies one, and is left by it when the next heartbeat cannot be sent.
    "gunicorn-sync": [
        *("gunicorn", "--workers", "4", "--graceful-timeout", "1", "--log-level", "warning"),
        *("--bind", "127.0.0.1:{port}", "{app}"),
    ],
    "waitress": ["waitress-serve", "--threads", "8", "--listen", "127.0.0.1:{port}", "{app}"],
}
"""How each server is started, from a folder that the application can be imported from."""


@contextlib.contextmanager
def serve(server: str, app: str, folder: pathlib.Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Start a server and yield its URL, without a slash at the end, once it answers.

    :param server: a key of :data:`COMMANDS`.
    :param app: such as ``hello:app``.
    :param folder: where that can be imported from.
    :param env: environment variables beside those of this process.
    """
    program, *arguments = COMMANDS[server]
    port = free_port()
    command = [str(pathlib.Path(sys.executable).with_name(program))]
    command += [argument.format(port=port, app=app) for argument in arguments]
    with started(command, cwd=folder, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}) as process:
        wait_until(lambda: has_ended(process) or answers(port), STARTS_WITHIN)
        if has_ended(process):
            raise RuntimeError(f"{server} ended with code {process.returncode} instead of serving {app!r}.")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def started(command: list[str], **options: t.Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process in a process group of its own, and end the whole group at the end of the block."""
    with subprocess.Popen(command, start_new_session=True, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                pass
            # NOTE: a server's workers, or a browser, may outlive what started them. The group is this process's own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(is_so: Callable[[], t.Any], seconds: float) -> None:
    """Ask again and again until it is so.

    :raises TimeoutError: it was not within that many seconds.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"It was not so within {seconds} seconds.")
        time.sleep(0.05)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def has_ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
    return True
