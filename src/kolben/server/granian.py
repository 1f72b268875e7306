"""Granian in this process, on a socket that is open already, driven by the caller's event loop."""

from __future__ import annotations

import os
import typing as t

from granian._granian import SocketHolder
from granian.constants import Interfaces
from granian.server.embed import Server

if t.TYPE_CHECKING:
    from .listener import Listener


class EmbeddedGranian(Server):
    """One worker of Granian's, without a process, signals, or a lifespan of its own.

    ``await serve()`` until :meth:`stop`: no more connections are accepted, idle ones are closed, and it returns when
    those at work are done. What to do about those that never are is the caller's decision.

    NOTE: Granian's own parent process opens a socket per worker: connections waiting at one are lost with its worker.
    Here all workers accept from one socket, which outlives them.

    :param asgi: the ASGI application.
    :param listener: the socket. Granian gets a descriptor of its own for it.
    :param options: as :class:`granian.server.embed.Server` takes them.
    """

    def __init__(self, asgi: t.Any, listener: Listener, **options: t.Any) -> None:
        options.setdefault("log_enabled", False)
        super().__init__(asgi, interface=Interfaces.ASGINL, **options)
        self._listener = listener

    def _init_shared_socket(self) -> None:
        sock = self._listener.sock
        sock.setblocking(False)
        fd = os.dup(sock.fileno())
        holder: t.Any = SocketHolder
        self.__dict__.update(_shd=holder(fd, self._listener.is_unix, self.backlog), _sfd=fd)

    def stop(self) -> None:
        """Accept no more, close the idle connections, and end when no request is under way."""
        super().stop()  # type: ignore[no-untyped-call]  # Granian's annotations are for itself
