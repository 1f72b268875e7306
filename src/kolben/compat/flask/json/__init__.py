"""``flask.json``: JSON as the current application reads and writes it."""

from __future__ import annotations

import json as _json  # noqa: F401
import typing as t  # noqa: F401

from kolben.json import dump as dump
from kolben.json import dumps as dumps
from kolben.json import jsonify as jsonify
from kolben.json import load as load
from kolben.json import loads as loads

from ..globals import current_app as current_app
from .provider import _default as _default
