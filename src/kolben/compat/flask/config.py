"""``flask.config``: :class:`Config`."""

from __future__ import annotations

import errno as errno
import json
import os as os
import types as types
import typing as t

from werkzeug.utils import import_string as import_string

from kolben import config
from kolben.config import ConfigAttribute as ConfigAttribute
from kolben.config import T as T

if t.TYPE_CHECKING:
    from collections.abc import Callable


class Config(config.Config):
    """A dict of settings with ways to fill it."""

    def from_prefixed_env(self, prefix: str | None = "FLASK", *, loads: Callable[[str], t.Any] = json.loads) -> bool:
        """Load the environment variables that start with ``FLASK_``, or another prefix."""
        return super().from_prefixed_env(prefix, loads=loads)
