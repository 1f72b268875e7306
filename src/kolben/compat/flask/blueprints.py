"""``flask.blueprints``: :class:`Blueprint`."""

from __future__ import annotations

import os as os
import typing as t  # noqa: F401
from datetime import timedelta as timedelta

from .cli import AppGroup as AppGroup
from .globals import current_app as current_app
from .helpers import send_from_directory as send_from_directory
from .sansio.blueprints import Blueprint as Blueprint
from .sansio.blueprints import Blueprint as SansioBlueprint  # noqa: F401
from .sansio.blueprints import BlueprintSetupState as BlueprintSetupState
from .sansio.blueprints import _sentinel as _sentinel
