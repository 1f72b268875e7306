"""``flask.json.provider``: :class:`DefaultJSONProvider`, which writes what Flask's writes, byte for byte."""

from __future__ import annotations

import dataclasses as dataclasses
import decimal as decimal
import json as json
import typing as t  # noqa: F401
import uuid as uuid
import weakref as weakref
from datetime import date as date

from werkzeug.http import http_date as http_date

from kolben.json.provider import JSONProvider as JSONProvider
from kolben.json.provider import StdlibJSONProvider
from kolben.json.provider import _default as _default


class DefaultJSONProvider(StdlibJSONProvider):
    """JSON by the standard library: keys sorted, characters beyond ASCII escaped."""
