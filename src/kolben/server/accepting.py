"""Leave a listening socket to the other processes that accept from it, and go on with the connections one has.

Granian cannot: told to stop, it accepts no more and closes the connections that are idle, in one step. Whoever was
connected a moment before, and had yet to send a request, is lost. On Linux the socket can be taken out of the set of
those that its runtime waits for; its connections stay.
"""

from __future__ import annotations

import os
import stat
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .listener import Listener

_FDS = "/proc/self/fd"


def stop_accepting(listeners: Iterable[Listener]) -> bool:
    """Accept no more in this process. Returns whether that can be done here."""
    inodes = {os.fstat(listener.sock.fileno()).st_ino for listener in listeners}
    done = False
    for epoll, fds in _epolls():
        for fd in fds:
            if _socket_inode(fd) in inodes:
                done |= _unregister(epoll, fd)
    return done


def has_connections(listeners: Iterable[Listener]) -> bool | None:
    """Whether the runtimes of this process have any connection open; ``None`` where that cannot be seen."""
    inodes = {os.fstat(listener.sock.fileno()).st_ino for listener in listeners}
    epolls = list(_epolls())
    if not epolls:
        return None
    return any(_is_connection(fd, inodes) for _, fds in epolls for fd in fds)


def _epolls() -> Iterator[tuple[int, list[int]]]:
    """The epoll instances of this process, and what each waits for (proc(5), ``fdinfo``)."""
    try:
        names = os.listdir(_FDS)
    except OSError:
        return
    for name in names:
        try:
            if os.readlink(f"{_FDS}/{name}") != "anon_inode:[eventpoll]":
                continue
            with open(f"/proc/self/fdinfo/{name}", encoding="ascii") as info:
                yield int(name), [int(line.split()[1]) for line in info if line.startswith("tfd:")]
        except OSError:
            continue


def _socket_inode(fd: int) -> int | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_ino if stat.S_ISSOCK(status.st_mode) else None


def _is_connection(fd: int, listening: set[int]) -> bool:
    import socket

    inode = _socket_inode(fd)
    if inode is None or inode in listening:
        return False
    with socket.socket(fileno=os.dup(fd)) as sock:
        try:
            # NOTE: the loop's and the runtime's own pairs of sockets, by which they are woken, have no address.
            return bool(sock.getsockname()) or sock.family != socket.AF_UNIX
        except OSError:
            return False


def _unregister(epoll: int, fd: int) -> bool:
    import select

    poll = select.epoll.fromfd(os.dup(epoll))
    try:
        poll.unregister(fd)
    except OSError:
        return False
    finally:
        poll.close()
    return True
