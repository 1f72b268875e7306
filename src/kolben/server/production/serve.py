"""``kolben serve``: in the process that was started, the supervisor; in those that it starts, a worker."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import typing as t

from ...logging import default_handler
from ..listener import FD_VARIABLE, Listener
from ..supervision import FD_VARIABLE as CONTROL_VARIABLE
from ..supervision import Supervised

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ...app import Kolben
    from .choices import Choices

logger = logging.getLogger("kolben.server")

_FORMAT = "[%(asctime)s] [%(process)d] %(levelname)s: %(message)s"


class CannotStartError(Exception):
    """The server cannot listen, or write what it should before it does. The message says why."""


def is_worker() -> bool:
    """Whether this process was started by a supervisor to serve."""
    return CONTROL_VARIABLE in os.environ


def prepare_worker() -> None:
    """Leave to the supervisor what a terminal, or whoever signals a whole group of processes, sends to both."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: None)
    _log_to_stderr()
    # NOTE: before the application is loaded, which may choose another format. Without that, lines of several workers
    # stand one under the other.
    default_handler.setFormatter(logging.Formatter(_FORMAT.replace(":", " in %(module)s:")))


def work(load_app: Callable[[], Kolben], choices: Choices) -> t.NoReturn:
    """Serve as one of the workers, and end the process."""
    listeners = Listener.inherit_all()
    parent = Supervised.inherit()
    # NOTE: what this process starts is no worker.
    os.environ.pop(FD_VARIABLE, None)
    app = load_app()
    configure(app, choices)
    from ..worker import end_process, run_worker

    end_process(run_worker(app, listeners, choices.worker_settings(), parent=parent))


def configure(app: Kolben, choices: Choices) -> None:
    """Set those of the application's settings that the server was given."""
    for name in ("body_timeout", "body_min_rate"):
        if choices.value(name) is not None:
            app.config[name.upper()] = choices.value(name) or None


def supervise(choices: Choices) -> int:
    """Open the sockets, and see to it that there are workers until told to stop. Returns the exit code.

    :raises CannotStartError: an address cannot be listened on, or the file with the number not be written.
    """
    from .child import Child, own_command, own_environment, own_folder
    from .supervisor import Supervisor

    _log_to_stderr()
    command, env, folder = own_command(), own_environment(), own_folder()
    count = choices.value("workers")
    with contextlib.ExitStack() as stack:
        slots = _open(choices.value("bind"), choices.value("backlog"), count, stack)
        if choices.value("pid_file"):
            stack.enter_context(_pid_file(choices.value("pid_file")))
        scheme = "https" if choices.value("cert") else "http"
        for listener in slots[0]:
            shown = listener.address if listener.is_unix else f"{scheme}://{listener.address}"
            logger.info("Listening on %s, workers: %d, process %d.", shown, count, os.getpid())
        supervisor = Supervisor(
            slots,
            choices.value("grace"),
            choices.value("linger"),
            lambda generation, slot: Child(command, slots[slot], env, folder, generation, slot),
        )
        return supervisor.run()


def _open(binds: Sequence[str], backlog: int, count: int, stack: contextlib.ExitStack) -> list[list[Listener]]:
    """For each worker, what it listens on: at every address one socket."""
    slots: list[list[Listener]] = [[] for _ in range(count)]
    for bind in binds:
        try:
            opened = Listener.open_slots(bind, backlog, count)
        except (OSError, ValueError) as exc:
            raise CannotStartError(f"Cannot listen on {bind}: {_explain(exc)}") from None
        for slot, listener in zip(slots, opened, strict=True):
            slot.append(listener)
            stack.callback(listener.close)
    return slots


def _explain(error: OSError | ValueError) -> str:
    """Why an address cannot be listened on, and what helps."""
    if not isinstance(error, OSError):
        return str(error)
    reason = f"{error.strerror or error}."
    match error.errno:
        case errno.EADDRINUSE:
            return f"{reason} Another program listens there: stop it, or choose another address with '--bind'."
        case errno.EADDRNOTAVAIL:
            return f"{reason} This machine has no such address; '0.0.0.0:port' and '[::]:port' mean all that it has."
        case errno.EACCES:
            return f"{reason} This user may not: take a port from 1024 on, or a folder that the user can write to."
        case errno.ENOENT:
            return f"{reason} The folder of the socket file must exist."
    return reason


@contextlib.contextmanager
def _pid_file(path: str) -> Iterator[None]:
    """The number of this process in a file, as long as it runs."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as exc:
        raise CannotStartError(f"Cannot write the process's number to the file {path!r}: {exc.strerror}.") from None
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _log_to_stderr() -> None:
    """Show what the server says, unless somebody has taken care of logging."""
    if not logger.hasHandlers():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
        logger.propagate = False
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
