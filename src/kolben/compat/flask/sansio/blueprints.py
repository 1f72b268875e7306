"""``flask.sansio.blueprints``: :class:`Blueprint`."""

from __future__ import annotations

import os as os
import typing as t
from collections import defaultdict as defaultdict
from functools import update_wrapper as update_wrapper

from kolben.blueprints import Blueprint as Blueprint
from kolben.blueprints import BlueprintSetupState as BlueprintSetupState
from kolben.blueprints import DeferredSetupFunction as DeferredSetupFunction
from kolben.blueprints import _sentinel as _sentinel

from .. import typing as ft
from .scaffold import Scaffold as Scaffold
from .scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from .scaffold import setupmethod as setupmethod

T_after_request = t.TypeVar("T_after_request", bound=ft.AfterRequestCallable[t.Any])
T_before_request = t.TypeVar("T_before_request", bound=ft.BeforeRequestCallable)
T_error_handler = t.TypeVar("T_error_handler", bound=ft.ErrorHandlerCallable)
T_teardown = t.TypeVar("T_teardown", bound=ft.TeardownCallable)
T_template_context_processor = t.TypeVar("T_template_context_processor", bound=ft.TemplateContextProcessorCallable)
T_template_filter = t.TypeVar("T_template_filter", bound=ft.TemplateFilterCallable)
T_template_global = t.TypeVar("T_template_global", bound=ft.TemplateGlobalCallable)
T_template_test = t.TypeVar("T_template_test", bound=ft.TemplateTestCallable)
T_url_defaults = t.TypeVar("T_url_defaults", bound=ft.URLDefaultCallable)
T_url_value_preprocessor = t.TypeVar("T_url_value_preprocessor", bound=ft.URLValuePreprocessorCallable)
