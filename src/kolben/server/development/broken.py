"""``python -m kolben.server.development.broken``, started by the reloader: shows in the browser why a script fails.

A script that calls ``app.run()`` is Python's to run. It ends before anything of Kolben's is asked, if it cannot be
compiled, or fails while it imports. So it is run once more, where its exception can be caught. The terminal has seen
it.
"""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import sys

from ...cli.script import enter_alias
from ..listener import FD_VARIABLE, Listener
from .control import Control
from .serve import Development
from .sitting import Sitting, leave

ENDED_WELL = 4
"""The exit code where the script did not fail this time."""


def main() -> None:
    """Run the script, and serve its exception."""
    control, listener = Control.inherit(), Listener.inherit()
    if control is None or listener is None or control.orders.main is None:
        raise SystemExit("This is a part of Kolben's reloader, which starts it.")
    del os.environ[FD_VARIABLE]
    # NOTE: 'app.run()' does nothing then.
    os.environ["KOLBEN_RUN_FROM_CLI"] = "true"
    error = _error(control.orders.main)
    if error is None:
        raise SystemExit(ENDED_WELL)
    settings = Development("", 0, use_reloader=True, use_debugger=control.orders.use_debugger)
    leave(Sitting(settings, control.orders, control).serve_error(error, listener))


def _error(arguments: list[str]) -> BaseException | None:
    """What a script, or after ``-m`` a module, raises when it is run."""
    is_module = arguments[0] == "-m"
    sys.argv = arguments[1:] if is_module else arguments
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            enter_alias()
            if is_module:
                runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
            else:
                sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
                runpy.run_path(sys.argv[0], run_name="__main__")
        except (Exception, SystemExit) as exc:
            return exc
    return None


if __name__ == "__main__":
    main()
