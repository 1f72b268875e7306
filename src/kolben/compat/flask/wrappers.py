"""``flask.wrappers``: the request and the response."""

from __future__ import annotations

import typing as t  # noqa: F401

from werkzeug.exceptions import BadRequest as BadRequest
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.wrappers import Request as RequestBase  # noqa: F401
from werkzeug.wrappers import Response as ResponseBase  # noqa: F401

from kolben.http.request import Request as Request
from kolben.http.response import Response as Response

from . import json as json
from .globals import current_app as current_app
from .helpers import _split_blueprint_path as _split_blueprint_path
