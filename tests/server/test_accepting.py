from __future__ import annotations

import asyncio
import pathlib
import select
import socket
import subprocess
import sys

import pytest

from kolben.server.accepting import has_connections, stop_accepting
from kolben.server.listener import Listener
from kolben.server.loop import Loop, run_on

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nothing can be seen or done.")


def call(function: str) -> None:
    # NOTE: in a process of its own: all that any runtime of a process waits for is looked at.
    subprocess.run([sys.executable, "-c", f"import {__name__} as test; test.{function}"], check=True, cwd=ROOT)


def test_listening_socket_is_left_and_connections_are_not() -> None:
    call("leave()")


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


@pytest.mark.parametrize("loop", ["auto", "asyncio"])
def test_what_a_loop_waits_for_itself_is_no_connection(loop: str) -> None:
    call(f"look({loop!r})")


def look(loop: Loop) -> None:
    listener = Listener.open("127.0.0.1:0")

    async def main() -> None:
        ours, _ = socket.socketpair()
        asyncio.get_running_loop().add_reader(ours, lambda: None)
        await asyncio.to_thread(lambda: None)
        assert has_connections([listener]) is False
        _, writer = await asyncio.open_connection(*listener.sock.getsockname())
        await asyncio.sleep(0.01)
        assert has_connections([listener]) is True
        writer.close()
        await writer.wait_closed()
        assert has_connections([listener]) is False

    run_on(loop, main())
    listener.close()
