"""``flask.sansio.app``: :class:`App`, what :class:`flask.Flask` is made from."""

from __future__ import annotations

import logging as logging
import os as os
import sys as sys
import typing as t
from datetime import timedelta as timedelta
from itertools import chain as chain

from werkzeug.exceptions import Aborter as Aborter
from werkzeug.exceptions import BadRequest as BadRequest
from werkzeug.exceptions import BadRequestKeyError as BadRequestKeyError
from werkzeug.sansio.response import Response as Response
from werkzeug.utils import cached_property as cached_property
from werkzeug.utils import redirect as _wz_redirect  # noqa: F401

from kolben.app import Kolben as App  # noqa: F401
from kolben.app import _make_timedelta as _make_timedelta
from kolben.routing import BuildError as BuildError
from kolben.routing import Map as Map
from kolben.routing import Rule as Rule

from .. import typing as ft
from ..config import Config as Config
from ..config import ConfigAttribute as ConfigAttribute
from ..ctx import _AppCtxGlobals as _AppCtxGlobals
from ..helpers import _split_blueprint_path as _split_blueprint_path
from ..helpers import get_debug_flag as get_debug_flag
from ..json.provider import DefaultJSONProvider as DefaultJSONProvider
from ..json.provider import JSONProvider as JSONProvider
from ..logging import create_logger as create_logger
from ..templating import DispatchingJinjaLoader as DispatchingJinjaLoader
from ..templating import Environment as Environment
from .scaffold import Scaffold as Scaffold
from .scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from .scaffold import find_package as find_package
from .scaffold import setupmethod as setupmethod

T_shell_context_processor = t.TypeVar("T_shell_context_processor", bound=ft.ShellContextProcessorCallable)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)
