from __future__ import annotations

import select
import socket
import sys

import pytest

from kolben.server.accepting import has_connections, stop_accepting
from kolben.server.listener import Listener

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nothing can be seen or done.")


@pytest.fixture
def listener() -> Listener:
    return Listener.open("127.0.0.1:0")


def test_listening_socket_is_left_and_connections_are_not(listener: Listener) -> None:
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
