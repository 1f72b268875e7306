"""An application for Flask under real servers, by `KOLBEN_APP=... server kolben.as_flask:app`."""

from __future__ import annotations

import http.client
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from tests.servers.process import started

PROGRAM = """\
from flask import Flask, request

def create_app(greeting):
    app = Flask("site")

    @app.get("/sync")
    def sync():
        return f"{greeting} {request.path}"

    @app.get("/async")
    async def async_():
        return f"{greeting} {request.path}"

    return app

def create_default():
    return create_app("Hello")
"""

SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--bind", "127.0.0.1:{port}", "kolben.as_flask:app"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "kolben.as_flask:app"],
    "granian-wsgi": ["-m", "granian", "--interface", "wsgi", "--port", "{port}", "kolben.as_flask:app"],
    "granian-asgi": ["-m", "granian", "--interface", "asgi", "--port", "{port}", "kolben.as_flask:app"],
    "hypercorn": ["-m", "hypercorn", "--bind", "127.0.0.1:{port}", "kolben.as_flask:app"],
    "waitress": ["-m", "waitress", "--listen", "127.0.0.1:{port}", "kolben.as_flask:app"],
}
WORKERS = {
    "gunicorn": ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "site_:create_app('Hello')"],
    "uvicorn": ["uvicorn", "--workers", "2", "--port", "{port}", "--factory", "site_:create_default"],
    "granian": [
        *("granian", "--workers", "2", "--interface", "asgi", "--port", "{port}"),
        *("--factory", "site_:create_default"),
    ],
    "hypercorn": ["hypercorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "site_:create_app('Hello')"],
}
"""Servers that are started under the alias, and have worker processes."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; waits until the server is there."""
    deadline = time.monotonic() + 30
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            connection.close()


def check(command: list[str], folder: pathlib.Path, **environment: str) -> None:
    """Start a server and ask it."""
    (folder / "site_.py").write_text(PROGRAM, encoding="utf-8")
    port = free_port()
    command = [sys.executable, *(word.format(port=port) for word in command)]
    with started(command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL):
        assert get(port, "/sync") == (200, "Hello /sync")
        assert get(port, "/async") == (200, "Hello /async")


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_runs_the_application_that_the_variable_names(server: str, tmp_path: pathlib.Path) -> None:
    check(SERVERS[server], tmp_path, KOLBEN_APP="site_:create_app('Hello')")


@pytest.mark.parametrize("server", WORKERS)
def test_a_server_under_the_alias_hands_it_to_its_workers(server: str, tmp_path: pathlib.Path) -> None:
    # NOTE: a stand-in for the real Flask, which a worker without the alias would find.
    (tmp_path / "flask.py").write_text("raise ImportError('the real Flask')", encoding="utf-8")

    check(["-m", "kolben.as_flask", "-m", *WORKERS[server]], tmp_path)
