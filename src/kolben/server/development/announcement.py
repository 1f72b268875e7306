"""Where the development server listens: opening that, and saying so."""

from __future__ import annotations

import errno
import sys
import typing as t

from ..listener import Listener
from .request_lines import paint, say

if t.TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

_WARNING = (
    "WARNING: This is a development server. Do not use it in a production deployment. Use 'kolben serve' or another"
    " production server instead."
)


def open_listener(host: str, port: int) -> Listener:
    """Listen on a host's port, or on ``unix://path``.

    :raises SystemExit: it cannot be done; why, and what helps, was printed.
    """
    if host.startswith("unix://"):
        bind = f"unix:{host.removeprefix('unix://')}"
    else:
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return Listener.open(bind)
    except OSError as exc:
        for line in _explain(exc, port):
            sys.stderr.write(f"{line}\n")
        raise SystemExit(1) from None


def _explain(error: OSError, port: int) -> Iterable[str]:
    yield error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        yield (
            f"Port {port} is in use by another program. Either identify and stop that program, or start the server with"
            " a different port."
        )
        if sys.platform == "darwin" and port == 5000:
            yield "On macOS, try searching for and disabling 'AirPlay Receiver' in System Settings."


def announce(listener: Listener, is_secure: bool) -> str:
    """Say where the server can be reached, and return the URL for a browser on this machine."""
    lines = [paint(_WARNING, "31;1")]
    if listener.is_unix:
        lines.append(f" * Running on {listener.address.replace(':', '://', 1)}")
        urls = ["http://localhost"]
    else:
        host, port = listener.sock.getsockname()[:2]
        hosts = [host]
        if host in {"0.0.0.0", "::"}:
            lines.append(f" * Running on all addresses ({host})")
            hosts = ["127.0.0.1" if host == "0.0.0.0" else "::1", _interface_address(listener.sock.family)]
        scheme = "https" if is_secure else "http"
        urls = [f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}" for host in hosts]
        lines += [f" * Running on {url}" for url in urls]
    say("%s", "\n".join([*lines, paint("Press CTRL+C to quit", "33")]))
    return urls[0]


def _interface_address(family: socket.AddressFamily) -> str:
    """The address by which other machines of the network reach this one."""
    from werkzeug.serving import get_interface_ip

    return get_interface_ip(family)
