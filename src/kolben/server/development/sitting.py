"""One process of the development server: it serves an application, or the error that kept it from being loaded."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
import traceback
import typing as t

from ...signals import got_serving_exception
from ..accepting import stop_accepting
from ..listener import BACKLOG
from ..protocol import asgi_of
from ..settings import THREADS, WorkerSettings
from ..worker import FAILED_TO_START, Parent, Worker, end_process, run_worker
from .request_lines import RequestLines, paint, say

if t.TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterator

    from ...app import Kolben
    from ..listener import Listener
    from .control import Control, Orders
    from .serve import Development

    ASGIApp = Callable[[t.Any, t.Any, t.Any], Awaitable[None]]

GRACE = 1.0
"""Seconds that requests under way have once the server was told to stop."""

GRACE_AT_RELOAD = 4.5
"""Seconds that they have where another process serves on."""

LINGER = 0.1
"""Seconds in which connections that are idle are still served, and WebSockets closed, before they are cut."""

THREADS_END_WITHIN = 2.0
"""Seconds in which the threads of a server that has stopped should have ended."""


class Sitting:
    """What one process serves, and how.

    :param settings: the options of the server.
    :param orders: what all processes of the server have in common.
    :param control: the line to the reloader, if there is one.
    """

    def __init__(self, settings: Development, orders: Orders, control: Control | None = None) -> None:
        self._settings = settings
        self._orders = orders
        self._control = control
        self._is_broken = False

    def serve(self, app: Kolben, listener: Listener) -> int:
        """Serve an application until told to stop. Returns the exit code.

        One that fails to start up is reported where that can be mended, below a reloader.
        """
        errors: list[Exception] = []

        def note(sender: t.Any, exception: Exception) -> None:
            errors.append(exception)

        if self._settings.use_reloader:
            _let_templates_reload(app)
        with got_serving_exception.connected_to(note, app):
            code = self._run(app, asgi_of(app), listener)
        if code == FAILED_TO_START and self._control is not None:
            error = errors[-1] if errors else RuntimeError("The application failed to start up.")
            return self.serve_error(error, listener)
        return code

    def serve_error(self, error: BaseException, listener: Listener) -> int:
        """Answer every request with an error."""
        from ...app import Kolben

        self._is_broken = True
        if self._control is not None:
            self._control.report(*_files(error))
        return self._run(Kolben(__name__), self._failing(error), listener)

    def _failing(self, error: BaseException) -> ASGIApp:
        from ...debug import failing

        if isinstance(error, Exception):
            return failing(error)
        ended = RuntimeError(f"The application ended while it was loaded: {type(error).__name__}({error})")
        ended.__cause__ = error
        return failing(ended.with_traceback(error.__traceback__))

    def _run(self, app: Kolben, asgi: ASGIApp, listener: Listener) -> int:
        settings = WorkerSettings(
            threads=THREADS if self._settings.threaded else 1,
            grace=GRACE if self._control is None else GRACE_AT_RELOAD,
            linger=LINGER,
            granian={"backlog": BACKLOG, **self._certificate()},
        )
        asgi = RequestLines(self._debugged(asgi), shows_errors=not self._is_broken)
        parent = _Attendant(listener, self._control, watches_loop=self._settings.use_debugger)
        with _signals_kept(), _threads_awaited():
            try:
                return run_worker(app, [listener], settings, asgi=asgi, parent=parent)
            except KeyboardInterrupt:
                return 0

    def _certificate(self) -> dict[str, t.Any]:
        from pathlib import Path

        if self._orders.certificate is None:
            return {}
        certificate, key = self._orders.certificate
        return {"ssl_cert": Path(certificate), "ssl_key": Path(key or certificate)}

    def _debugged(self, asgi: ASGIApp) -> ASGIApp:
        if not self._settings.use_debugger:
            return asgi
        from ...debug import Debugger

        return Debugger(
            t.cast("t.Any", asgi),
            url=self._orders.url,
            secret=self._orders.secret,
            links_used=self._orders.links_used,
            on_link_used=self._note_link,
            log=self._log,
            hosts=[self._settings.hostname],
        )

    def _log(self, text: str) -> None:
        # What kept the application from being loaded was written once, and is raised by each request.
        if not (self._is_broken and "\n" in text.rstrip()):
            say("%s", text.rstrip(), level=logging.ERROR)

    def _note_link(self, number: int) -> None:
        self._orders.links_used = number
        if self._control is not None:
            self._control.send(links_used=number)


class _Attendant(Parent):
    """Who is told how the worker goes: the reloader, if there is one."""

    def __init__(self, listener: Listener, control: Control | None, watches_loop: bool) -> None:
        self._listener = listener
        self._control = control
        self._watches_loop = watches_loop

    def watch(self, worker: Worker) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        if self._watches_loop:
            from .loop_watch import LoopWatch

            LoopWatch(loop, lambda text: say("%s", text, level=logging.WARNING))
        if self._control is not None:
            self._control.on_stop = self._stopper(worker, loop)

    def _stopper(self, worker: Worker, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        def stop() -> None:
            # The successor accepts what comes from now on. Who was accepted already sends a request within LINGER.
            stop_accepting([self._listener])
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(worker.stop)

        return stop

    def ready(self) -> None:
        if self._control is not None:
            self._control.is_serving = True
            self._control.send(serving=True)
            self._control.report()


def show(error: BaseException) -> None:
    """Write an error that kept the application from being loaded to the terminal."""
    import click

    from ...cli.crash import format_crash

    if isinstance(error, click.ClickException):
        say("Error: %s", paint(error.format_message(), "31"))
    else:
        say("%s", format_crash(error).rstrip())


def load_or_error(load: Callable[[], Kolben]) -> Kolben | BaseException:
    """The application, or what was raised instead, ``sys.exit()`` too."""
    try:
        return load()
    except (Exception, SystemExit) as exc:
        return exc


def leave(code: int) -> t.NoReturn:
    """End a process that has served for a reloader."""
    if _foreign_threads():
        end_process(code)
    raise SystemExit(code)


def _files(error: BaseException) -> list[str]:
    """The files that an error mentions: those to mend."""
    files = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    if isinstance(error, SyntaxError) and error.filename:
        files.add(error.filename)
    for other in (error.__cause__, error.__context__):
        if other is not None:
            files |= set(_files(other))
    return [path for path in files if os.path.isfile(path)]


def _let_templates_reload(app: Kolben) -> None:
    """Have Jinja look at a template's file each time: what changed is shown without starting anything anew."""
    if app.config["TEMPLATES_AUTO_RELOAD"] is None:
        app.config["TEMPLATES_AUTO_RELOAD"] = True
        if "_jinja_env" in vars(app):
            app.jinja_env.auto_reload = True


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Put the handlers of the signals back that end a server."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _threads_awaited() -> Iterator[None]:
    """Wait at the end until the threads that Granian started have ended.

    NOTE: they end a moment after it has. An interpreter that is taken down meanwhile panics.
    """
    before = _foreign_threads()
    try:
        yield
    finally:
        deadline = time.monotonic() + THREADS_END_WITHIN
        while _foreign_threads() - before and time.monotonic() < deadline:
            time.sleep(0.005)


def _foreign_threads() -> set[int]:
    """The threads of this process that Python did not start, as far as the system tells."""
    try:
        found = {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:
        return set()
    dummy = threading._DummyThread  # a foreign thread that has called Python code
    own = {thread.native_id for thread in threading.enumerate() if not isinstance(thread, dummy)}
    return found - own
