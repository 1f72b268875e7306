"""The application's logger: a handler of its own only where logging is not configured."""

from __future__ import annotations

import logging
import sys
import typing as t

from werkzeug.local import LocalProxy

from .globals import get_current

if t.TYPE_CHECKING:
    from .app import Kolben


def create_logger(app: Kolben) -> logging.Logger:
    """Return the logger named like the application.

    In debug mode its level becomes ``DEBUG`` unless it has one. It gets :data:`default_handler` where no handler of
    its chain would take its records.
    """
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger


def has_level_handler(logger: logging.Logger) -> bool:
    """Tell whether a handler in the logger's chain takes records of its effective level."""
    level = logger.getEffectiveLevel()
    link: logging.Logger | None = logger
    while link:
        if any(handler.level <= level for handler in link.handlers):
            return True
        link = link.parent if link.propagate else None
    return False


def _errors_stream() -> t.TextIO:
    ctx = get_current(None)
    request = None if ctx is None else ctx.request
    # NOTE: asking an ASGI request for its environ would build one, so only one that is there already is looked at.
    environ = None if request is None else vars(request).get("environ")
    return sys.stderr if environ is None else t.cast("t.TextIO", environ.get("wsgi.errors", sys.stderr))


#: The error stream of the running request: ``wsgi.errors`` of a WSGI server, else ``sys.stderr``. A dict or file
#: configuration refers to it as ``ext://kolben.logging.wsgi_errors_stream``.
wsgi_errors_stream: t.TextIO = t.cast("t.TextIO", LocalProxy(_errors_stream))

#: Writes to :data:`wsgi_errors_stream`.
default_handler = logging.StreamHandler(wsgi_errors_stream)
default_handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))
