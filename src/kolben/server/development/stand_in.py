"""Who answers when the application has ended: the reloader, in short."""

from __future__ import annotations

import contextlib
import socket
import typing as t

PATIENCE = 0.3
"""Seconds that a client has to send its request."""

_PAGE = """\
<!doctype html>
<html lang="en">
<title>The application has ended</title>
<h1>The application has ended</h1>
<p>It ended {how}. What it wrote stands in the terminal. It is started again when a file changes.</p>
</html>
"""


class StandIn:
    """Answers each request by a page that says how the application ended.

    :param how: "with exit code 3", say.
    """

    def __init__(self, how: str) -> None:
        body = _PAGE.format(how=how).encode()
        head = (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self._response = head.encode() + body

    def answer(self, listening: socket.socket) -> None:
        """Answer one connection that waits at a socket; one that sends nothing is closed."""
        try:
            connection: t.Any = listening.accept()[0]
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            if connection.recv(1 << 16):
                connection.sendall(self._response)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
