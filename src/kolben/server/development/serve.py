"""The development server: ``kolben run`` and ``app.run()``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import sys
import threading
import typing as t

from ...helpers import get_debug_flag, get_load_dotenv

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...app import Kolben
    from .control import Control, Orders


@dataclasses.dataclass
class Development:
    """The options of the development server, named as those of Werkzeug's ``run_simple``.

    :param hostname: the interface to listen on, or ``unix://`` and the path of a socket.
    :param port: 0 for any free one.
    :param use_reloader: whether to serve from a process of its own, which is replaced when a file changes.
    :param use_debugger: whether an exception is shown as a page.
    :param use_evalex: whether that has consoles.
    :param extra_files: further files, and folders of files, that are watched.
    :param exclude_patterns: :mod:`fnmatch` patterns of files that are not.
    :param reloader_interval: seconds between two looks at the files, at most.
    :param reloader_type: taken for compatibility, as is ``passthrough_errors``; there is one reloader.
    :param threaded: whether synchronous views run beside one another.
    :param ssl_context: the paths of a certificate and its key, or ``"adhoc"`` for one made on the spot.
    """

    hostname: str
    port: int
    use_reloader: bool = False
    use_debugger: bool = False
    use_evalex: bool = True
    extra_files: Iterable[str] | None = None
    exclude_patterns: Iterable[str] | None = None
    reloader_interval: float = 1
    reloader_type: str = "auto"
    threaded: bool = True
    processes: int = 1
    passthrough_errors: bool = False
    ssl_context: t.Any = None


def run(
    app: Kolben,
    host: str | None,
    port: int | None,
    debug: bool | None,
    load_dotenv: bool,
    options: dict[str, t.Any],
) -> None:
    """Serve ``app`` until interrupted; the contract is :meth:`.Kolben.run`'s.

    Does nothing when the command line runs the application already.
    """
    import click

    from ...cli import load_dotenv as load_environment
    from ...cli import show_server_banner

    if os.environ.get("KOLBEN_RUN_FROM_CLI") == "true" or os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        click.secho(
            " * Ignoring a call to 'app.run()' that would block the current 'kolben' CLI command.\n"
            "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
            fg="red",
        )
        return
    if get_load_dotenv(load_dotenv):
        load_environment()
        if "KOLBEN_DEBUG" in os.environ or "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    host, port = _address(app, host, port)
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    show_server_banner(app.debug, app.name)
    try:
        serve(lambda: app, host, port, options, in_script=True)
    finally:
        # NOTE: an application that a REPL ran can be changed and run again.
        app._got_first_request = False


def _address(app: Kolben, host: str | None, port: int | None) -> tuple[str, int]:
    """Where to listen: as told, else as ``SERVER_NAME`` says, else 127.0.0.1:5000."""
    server_name: str = app.config.get("SERVER_NAME") or ""
    named_host, _, named_port = server_name.partition(":")
    if not host:
        host = named_host or "127.0.0.1"
    if port or port == 0:
        return host, int(port)
    return host, int(named_port or 5000)


def serve(load: Callable[[], Kolben], host: str, port: int, options: dict[str, t.Any], in_script: bool = False) -> None:
    """Serve an application, here or below a reloader, until interrupted.

    :param load: returns the application; called where it is served.
    :param options: as :class:`Development` takes them.
    :param in_script: whether a program calls this, rather than the command.
    :raises SystemExit: in the processes of a reloader, and where the address cannot be listened on.
    """
    import werkzeug
    import werkzeug.serving

    if werkzeug.serving.run_simple is not werkzeug.run_simple:
        # FLASK: whoever put another server in this place, as tests do, gets what Flask would call it with.
        werkzeug.serving.run_simple(host, port, t.cast("t.Any", load()), **options)
        return
    settings = _checked(host, port, options)
    from .control import Control

    control = Control.inherit()
    if control is not None:
        _serve_for_reloader(load, settings, control)
    elif settings.use_reloader and _can_reload():
        _reload(settings, in_script)
    else:
        settings.use_reloader = False
        _serve_here(load, settings)


def _checked(host: str, port: int, options: dict[str, t.Any]) -> Development:
    """The options as settings, but for those that only Werkzeug's server has."""
    for name, value in options.items():
        if name in {"request_handler", "static_files"} and value is None:
            continue
        if name in {"request_handler", "static_files"} or (name == "processes" and value != 1):
            raise TypeError(
                f"The development server has no option '{name}', which is one of Werkzeug's. To serve by that, without"
                " WebSockets, call 'werkzeug.serving.run_simple(host, port, app, ...)' instead."
            )
        if name not in _NAMES:
            raise TypeError(f"run() got an unexpected keyword argument '{name}'")
    context = options.get("ssl_context")
    if not (context is None or context == "adhoc" or isinstance(context, (tuple, list))):
        raise TypeError(
            f"The development server cannot use {context!r} for 'ssl_context', whose key it would have to read out of"
            " it. Pass the paths of the certificate and its key as a tuple, or 'adhoc'."
        )
    return Development(host, port, **{name: value for name, value in options.items() if name in _NAMES})


_NAMES = {field.name for field in dataclasses.fields(Development)} - {"hostname", "port"}


def _can_reload() -> bool:
    from .program import own_command
    from .request_lines import say

    if os.name != "posix":
        why = "on this system"
    elif threading.current_thread() is not threading.main_thread():
        raise ValueError("The reloader works in the main thread only. In another one, pass 'use_reloader=False'.")
    elif own_command() is None:
        why = "for an interactive interpreter"
    else:
        return True
    say(" * The reloader does not work %s: restart the server after a change.", why, colour="33")
    return False


def _serve_here(load: Callable[[], Kolben], settings: Development) -> None:
    """Serve in this process."""
    from ..worker import FAILED_TO_START
    from .sitting import Sitting

    app = load()
    with contextlib.ExitStack() as stack:
        listener, orders = _open(settings, stack)
        code = Sitting(settings, orders).serve(app, listener)
    if code == FAILED_TO_START:
        raise SystemExit(code)


def _serve_for_reloader(load: Callable[[], Kolben], settings: Development, control: Control) -> t.NoReturn:
    """Serve in a process that a reloader started."""
    from ..listener import FD_VARIABLE, Listener
    from .sitting import Sitting, leave, load_or_error, show

    listener = Listener.inherit()
    assert listener is not None
    os.environ.pop(FD_VARIABLE, None)
    settings.use_reloader = True
    sitting = Sitting(settings, control.orders, control)
    before = sys.path[0]
    app = load_or_error(load)
    if sys.path[0] != before:
        # Where the application was imported from.
        control.send(root=sys.path[0])
    if isinstance(app, BaseException):
        show(app)
        leave(sitting.serve_error(app, listener))
    leave(sitting.serve(app, listener))


def _reload(settings: Development, in_script: bool) -> t.NoReturn:
    """Be the process that watches."""
    from ...cli import dotenv
    from .program import Program, main_folder
    from .reloader import Reloader
    from .watcher import Watcher

    environ = {name: value for name, value in os.environ.items() if name not in dotenv.names_set}
    # FLASK: by this, programs tell the process that serves from the one that watches.
    environ["WERKZEUG_RUN_MAIN"] = "true"
    program = Program.this(environ, is_script=in_script)
    root = main_folder() if in_script else os.getcwd()
    files = [*(os.path.abspath(name) for name in (".env", ".flaskenv")), *dotenv.files_read]
    watcher = Watcher([root], [*files, *(settings.extra_files or ())], settings.exclude_patterns or ())
    with contextlib.ExitStack() as stack:
        listener, orders = _open(settings, stack)
        sys.exit(Reloader(listener, watcher, orders, program, settings.reloader_interval).run())


def _open(settings: Development, stack: contextlib.ExitStack) -> tuple[t.Any, Orders]:
    """Listen, and say so."""
    from .announcement import announce, open_listener
    from .control import Orders

    listener = open_listener(settings.hostname, settings.port)
    stack.callback(listener.close)
    certificate = _certificate(settings, stack)
    url = announce(listener, is_secure=certificate is not None)
    orders = Orders(url, secrets.token_urlsafe(32), settings.use_debugger, certificate=certificate)
    if settings.use_debugger and settings.use_evalex:
        # Nobody can open consoles without the link.
        _announce_debugger(orders)
    return listener, orders


def _certificate(settings: Development, stack: contextlib.ExitStack) -> tuple[str, str | None] | None:
    """The files of the certificate and its key."""
    if settings.ssl_context is None:
        return None
    if settings.ssl_context != "adhoc":
        certificate, key = (*map(os.path.abspath, filter(None, settings.ssl_context[:2])), None)[:2]
        assert certificate is not None
        return certificate, key
    import tempfile

    from werkzeug.serving import make_ssl_devcert

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kolben-"))
    return make_ssl_devcert(os.path.join(folder, "adhoc"), host=settings.hostname)


def _announce_debugger(orders: Orders) -> None:
    from ...debug import Debugger
    from .request_lines import say

    link = Debugger(t.cast("t.Any", None), url=orders.url, secret=orders.secret).link
    say(" * Debugger: %s", link)
