"""``flask.debughelpers``: errors that explain themselves in debug mode."""

from __future__ import annotations

import typing as t

from jinja2.loaders import BaseLoader as BaseLoader

from kolben.debug.forms import DebugFilesKeyError as DebugFilesKeyError
from kolben.debug.forms import FormDataRoutingRedirect as FormDataRoutingRedirect
from kolben.debug.forms import explain_missing_files as attach_enctype_error_multidict  # noqa: F401
from kolben.routing import RequestRedirect as RequestRedirect
from kolben.templating import explanation

from .blueprints import Blueprint as Blueprint
from .globals import request_ctx as request_ctx
from .sansio.app import App as App  # noqa: TC001


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Raised by extensions for text where bytes were expected, or the other way round."""


def explain_template_loading_attempts(app: App, template: str, attempts: list[t.Any]) -> None:
    """Log where a template was looked for (``EXPLAIN_TEMPLATE_LOADING``)."""
    app.logger.info(explanation(app, template, attempts))
