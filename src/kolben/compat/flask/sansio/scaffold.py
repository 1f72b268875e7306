"""``flask.sansio.scaffold``: what applications and blueprints have in common."""

from __future__ import annotations

import importlib as importlib
import os as os
import pathlib as pathlib
import sys as sys
import typing as t
from collections import defaultdict as defaultdict
from functools import update_wrapper as update_wrapper

from jinja2 import BaseLoader as BaseLoader
from jinja2 import FileSystemLoader as FileSystemLoader
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.exceptions import default_exceptions as default_exceptions
from werkzeug.utils import cached_property as cached_property

from kolben.instance import _importing_folder as _find_package_path  # noqa: F401
from kolben.instance import find_package as find_package
from kolben.registrar import F as F
from kolben.registrar import Registrar as Scaffold  # noqa: F401
from kolben.registrar import _default_template_ctx_processor as _default_template_ctx_processor
from kolben.registrar import _sentinel as _sentinel
from kolben.registrar import endpoint_from_view_func as _endpoint_from_view_func  # noqa: F401
from kolben.registrar import setupmethod as setupmethod

from .. import typing as ft
from ..helpers import get_root_path as get_root_path

T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_route = t.TypeVar("T_route", bound=ft.RouteCallable)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar("T_template_context_processor", bound=ft.TemplateContextProcessorCallable)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar("T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable)
