"""The socket that a server listens on: opened by the parent process, handed to each child.

The parent keeps it open for as long as the server lives. A child that is replaced leaves the connections that nobody
has accepted yet to the others, or to its successor.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import typing as t

FD_VARIABLE = "KOLBEN_LISTEN_FD"
"""The environment variable by which a child process is told the descriptors of the sockets that it inherits."""

BACKLOG = 2048
"""Connections that may wait to be accepted. The kernel has a limit of its own (``net.core.somaxconn``)."""


class Listener:
    """A listening socket, and how it is written down.

    :param sock: the socket, bound and listening.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_unix = sock.family == getattr(socket, "AF_UNIX", None)
        # NOTE: asked now, since a socket that is closed does not know it any more.
        name = sock.getsockname() if self.is_unix else None
        self._file = os.path.abspath(name) if name else None

    @classmethod
    def open(cls, bind: str, backlog: int = BACKLOG) -> t.Self:
        """Listen on ``host:port``, ``[IPv6 address]:port`` or ``unix:path``.

        A socket file that a server left behind is replaced; one that a server answers on is not.

        :raises OSError: the address is taken, is not this machine's, or may not be bound by this user.
        :raises ValueError: ``bind`` is not an address.
        """
        if bind.startswith("unix:"):
            return cls(_open_unix(bind.removeprefix("unix:"), backlog))
        return cls(_open_tcp(*_host_and_port(bind), backlog))

    @classmethod
    def open_slots(cls, bind: str, backlog: int, count: int) -> list[t.Self]:
        """Listen ``count`` times at one address, so that the kernel spreads connections over the sockets.

        Where it does not, which is everywhere but with TCP on Linux, they are all one.

        NOTE: processes that accept from one socket do not share fairly: who is awake first takes all that wait.

        :raises OSError: as for :meth:`open`.
        """
        first = cls.open(bind, backlog)
        if count == 1 or first.is_unix or not sys.platform.startswith("linux"):
            return [first] * count
        # NOTE: this one has found out that nobody else is there, which sockets that share an address do not.
        address = first.address
        first.close()
        slots: list[t.Self] = []
        try:
            slots.extend(cls(_open_tcp(*_host_and_port(address), backlog, is_shared=True)) for _ in range(count))
        except OSError:
            for slot in slots:
                slot.close()
            raise
        return slots

    @classmethod
    def inherit(cls) -> t.Self | None:
        """The socket that the parent process handed over, ``None`` in a process that has no such parent."""
        return next(iter(cls.inherit_all()), None)

    @classmethod
    def inherit_all(cls) -> list[t.Self]:
        """The sockets that the parent process handed over; not handed on to processes that this one starts."""
        listeners = [cls(socket.socket(fileno=int(fd))) for fd in os.environ.get(FD_VARIABLE, "").split(",") if fd]
        for listener in listeners:
            listener.sock.set_inheritable(False)
        return listeners

    @property
    def address(self) -> str:
        """Where it listens, as ``open`` takes it: with the port that the kernel chose where 0 was asked for."""
        name = self.sock.getsockname()
        if self.is_unix:
            return f"unix:{name}"
        host, port = name[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def discourage(self) -> None:
        """Let no further connections wait, so that those that do can be accepted. Clients try again in a second."""
        self.sock.listen(0)

    def refuse(self) -> None:
        """Have connections refused from now on, whoever else has the socket too. Those that are waiting are reset."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # NOTE: it is done already, or this system does not do it.

    def close(self) -> None:
        """Listen no longer; a socket file is removed. Done once: the path may be another server's by the next time."""
        self.sock.close()
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file)


def _host_and_port(bind: str) -> tuple[str, int]:
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"'{bind}' is not an address: write 'host:port', '[IPv6 address]:port' or 'unix:path'.")
    return host.strip("[]"), int(port)


def _open_tcp(host: str, port: int, backlog: int, is_shared: bool = False) -> socket.socket:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _open_unix(path: str, backlog: int) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if os.path.exists(path):
            _remove_abandoned(path)
        sock.bind(path)
        # NOTE: the proxy in front is another user. Who may come this far, the folder says.
        os.chmod(path, 0o666)
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_abandoned(path: str) -> None:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        os.unlink(path)
    finally:
        probe.close()
