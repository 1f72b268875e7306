"""``flask.logging``: the application's logger."""

from __future__ import annotations

import logging as logging
import sys as sys
import typing as t  # noqa: F401

from werkzeug.local import LocalProxy as LocalProxy

from kolben.logging import create_logger as create_logger
from kolben.logging import default_handler as default_handler
from kolben.logging import has_level_handler as has_level_handler
from kolben.logging import wsgi_errors_stream as wsgi_errors_stream

from .globals import request as request
