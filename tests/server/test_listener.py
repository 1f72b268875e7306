from __future__ import annotations

import os
import socket
import stat
import sys
import typing as t

import pytest

from kolben.server.listener import FD_VARIABLE, Listener

if t.TYPE_CHECKING:
    from pathlib import Path


def accepts(listener: Listener) -> bool:
    try:
        with socket.create_connection(listener.sock.getsockname()):
            return True
    except OSError:
        return False


def test_address_says_which_port_was_chosen() -> None:
    listener = Listener.open("127.0.0.1:0")
    host, _, port = listener.address.partition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0
    assert accepts(listener)
    listener.close()


@pytest.mark.parametrize("bind", ["localhost", "localhost:http", "localhost:70000", ""])
def test_what_is_no_address_is_an_error(bind: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Listener.open(bind)


def test_refused_is_refused_for_everybody_who_has_the_socket() -> None:
    listener = Listener.open("127.0.0.1:0")
    with listener.sock.dup():
        assert accepts(listener)
        address = listener.sock.getsockname()
        listener.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
    listener.refuse()
    listener.close()


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere all share one socket.")
def test_slots_share_an_address_which_nobody_else_can_have() -> None:
    slots = Listener.open_slots("127.0.0.1:0", 16, 3)
    assert len(set(slots)) == 3
    assert len({slot.address for slot in slots}) == 1
    with pytest.raises(OSError, match="in use"):
        Listener.open_slots(slots[0].address, 16, 3)
    for slot in slots:
        slot.close()


def test_slots_of_a_socket_file_are_one(tmp_path: Path) -> None:
    slots = Listener.open_slots(f"unix:{tmp_path}/s", 16, 3)
    assert len(set(slots)) == 1
    assert stat.S_IMODE(os.stat(f"{tmp_path}/s").st_mode) == 0o666
    slots[0].close()
    assert not (tmp_path / "s").exists()


def test_closed_again_it_leaves_the_file_to_who_has_it_now(tmp_path: Path) -> None:
    first = Listener.open(f"unix:{tmp_path}/s")
    first.close()
    second = Listener.open(f"unix:{tmp_path}/s")
    first.close()
    assert (tmp_path / "s").exists()
    second.close()


def test_socket_file_that_a_server_left_behind_is_replaced(tmp_path: Path) -> None:
    first = Listener.open(f"unix:{tmp_path}/s")
    with pytest.raises(OSError, match="in use"):
        Listener.open(f"unix:{tmp_path}/s")
    first.sock.close()
    Listener.open(f"unix:{tmp_path}/s").close()


def test_inherited_sockets_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = [Listener.open("127.0.0.1:0") for _ in range(2)]
    fds = [os.dup(listener.sock.fileno()) for listener in opened]
    for fd in fds:
        os.set_inheritable(fd, True)
    monkeypatch.setenv(FD_VARIABLE, ",".join(map(str, fds)))
    inherited = Listener.inherit_all()
    assert [listener.address for listener in inherited] == [listener.address for listener in opened]
    assert not any(listener.sock.get_inheritable() for listener in inherited)
    for listener in [*opened, *inherited]:
        listener.close()


def test_without_a_parent_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FD_VARIABLE, raising=False)
    assert Listener.inherit() is None
