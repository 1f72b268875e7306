"""``flask.templating``: rendering templates."""

from __future__ import annotations

from jinja2 import BaseLoader as BaseLoader
from jinja2 import Environment as BaseEnvironment  # noqa: F401
from jinja2 import Template as Template
from jinja2 import TemplateNotFound as TemplateNotFound

from kolben.templating import DispatchingJinjaLoader as DispatchingJinjaLoader
from kolben.templating import Environment as Environment
from kolben.templating import _default_template_ctx_processor as _default_template_ctx_processor
from kolben.templating import _render as _render
from kolben.templating import _stream as _stream
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
