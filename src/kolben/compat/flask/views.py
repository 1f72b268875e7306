"""``flask.views``: views as classes."""

from __future__ import annotations

import typing as t

from kolben.views import MethodView as MethodView
from kolben.views import View as View
from kolben.views import http_method_funcs as http_method_funcs

from . import typing as ft  # noqa: F401
from .globals import current_app as current_app
from .globals import request as request

F = t.TypeVar("F", bound=t.Callable[..., t.Any])
