from __future__ import annotations

import pathlib
import select
import socket
import subprocess
import sys

import pytest

from kolben.server.accepting import has_connections, stop_accepting
from kolben.server.listener import Listener

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nothing can be seen or done.")


def test_listening_socket_is_left_and_connections_are_not() -> None:
    # NOTE: in a process of its own: all that any runtime of a process waits for is looked at.
    subprocess.run([sys.executable, "-c", f"from {__name__} import leave; leave()"], check=True, cwd=ROOT)


def leave() -> None:
    listener = Listener.open("127.0.0.1:0")
    with select.epoll() as poll, socket.create_connection(listener.sock.getsockname()) as client:
        server, _ = listener.sock.accept()
        assert has_connections([listener]) is False
        # NOTE: a runtime waits for a descriptor of its own for the socket.
        with server, listener.sock.dup() as own:
            poll.register(own)
            poll.register(server, select.EPOLLIN)
            assert has_connections([listener]) is True

            assert stop_accepting([listener])

            with socket.create_connection(listener.sock.getsockname()):
                assert poll.poll(0.1) == []
            client.send(b"x")
            assert poll.poll(5) == [(server.fileno(), select.EPOLLIN)]
            assert has_connections([listener]) is True
            assert not stop_accepting([listener])
    listener.close()
