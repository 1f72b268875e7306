"""``flask.templating``: rendering templates."""

from __future__ import annotations

import typing as t

from jinja2 import BaseLoader as BaseLoader
from jinja2 import Environment as BaseEnvironment  # noqa: F401
from jinja2 import Template as Template
from jinja2 import TemplateNotFound as TemplateNotFound

from kolben import templating
from kolben.registrar import _default_template_ctx_processor as _default_template_ctx_processor
from kolben.templating import Environment as Environment
from kolben.templating import _render as _render
from kolben.templating import _stream as _stream
from kolben.templating import explanation
from kolben.templating import render_template as render_template
from kolben.templating import render_template_string as render_template_string
from kolben.templating import stream_template as stream_template
from kolben.templating import stream_template_string as stream_template_string

from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import request as request
from .helpers import stream_with_context as stream_with_context
from .signals import before_render_template as before_render_template
from .signals import template_rendered as template_rendered


class DispatchingJinjaLoader(templating.DispatchingJinjaLoader):
    """Looks for templates in the application's folder and then in those of its blueprints."""

    def explain(self, template: str, attempts: list[t.Any]) -> None:
        """Log where a template was looked for, and which page of Flask's documentation says more."""
        lines = explanation(self.app, template, attempts)
        # FLASK: what programs and tests find in the log.
        if request and request.blueprint is not None:
            lines += "\n  See https://flask.palletsprojects.com/blueprints/#templates"
        self.app.logger.info(lines)
