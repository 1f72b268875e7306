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
"""

SERVERS = {
    "gunicorn": ["-m", "gunicorn", "--bind", "127.0.0.1:{port}", "kolben.as_flask:app"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "kolben.as_flask:app"],
    "granian-wsgi": ["-m", "granian", "--interface", "wsgi", "--port", "{port}", "kolben.as_flask:app"],
    "granian-asgi": ["-m", "granian", "--interface", "asgi", "--port", "{port}", "kolben.as_flask:app"],
}


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


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_runs_the_application_that_the_variable_names(server: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "site_.py").write_text(PROGRAM, encoding="utf-8")
    port = free_port()
    command = [sys.executable, *(word.format(port=port) for word in SERVERS[server])]
    environment = {**os.environ, "KOLBEN_APP": "site_:create_app('Hello')"}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert get(port, "/sync") == (200, "Hello /sync")
        assert get(port, "/async") == (200, "Hello /async")
    finally:
        process.terminate()
        process.wait(20)
