"""``flask.app``: :class:`Flask`, a Kolben that behaves as Flask 3.1 does where Kolben's own defaults differ."""

from __future__ import annotations

import collections.abc as cabc  # noqa: F401
import os as os
import sys as sys
import typing as t
import weakref as weakref
from datetime import timedelta as timedelta
from inspect import iscoroutinefunction as iscoroutinefunction
from itertools import chain as chain
from types import TracebackType as TracebackType
from urllib.parse import quote as _url_quote  # noqa: F401

import click as click
from werkzeug.datastructures import Headers as Headers
from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import BadRequestKeyError as BadRequestKeyError
from werkzeug.exceptions import HTTPException as HTTPException
from werkzeug.exceptions import InternalServerError as InternalServerError
from werkzeug.serving import is_running_from_reloader as is_running_from_reloader
from werkzeug.wrappers import Response as BaseResponse  # noqa: F401
from werkzeug.wsgi import get_host as get_host

from kolben.routing import BuildError as BuildError
from kolben.routing import MapAdapter as MapAdapter
from kolben.routing import RequestRedirect as RequestRedirect
from kolben.routing import RoutingException as RoutingException
from kolben.routing import Rule as Rule

from . import cli as cli
from . import typing as ft  # noqa: F401
from .config import Config
from .ctx import AppContext as AppContext
from .ctx import RequestContext as RequestContext
from .ctx import _AppCtxGlobals
from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import g as g
from .globals import request as request
from .globals import request_ctx as request_ctx
from .globals import session as session
from .helpers import get_debug_flag as get_debug_flag
from .helpers import get_flashed_messages as get_flashed_messages
from .helpers import get_load_dotenv as get_load_dotenv
from .helpers import send_from_directory as send_from_directory
from .json.provider import DefaultJSONProvider
from .sansio.app import App
from .sansio.app import T_shell_context_processor as T_shell_context_processor
from .sansio.app import T_teardown as T_teardown
from .sansio.app import T_template_filter as T_template_filter
from .sansio.app import T_template_global as T_template_global
from .sansio.app import T_template_test as T_template_test
from .sansio.app import _make_timedelta as _make_timedelta
from .sansio.scaffold import _sentinel as _sentinel
from .sessions import SecureCookieSessionInterface as SecureCookieSessionInterface
from .sessions import SessionInterface as SessionInterface
from .signals import appcontext_tearing_down as appcontext_tearing_down
from .signals import got_request_exception as got_request_exception
from .signals import request_finished as request_finished
from .signals import request_started as request_started
from .signals import request_tearing_down as request_tearing_down
from .templating import DispatchingJinjaLoader, Environment
from .testing import FlaskClient, FlaskCliRunner
from .wrappers import Request as Request
from .wrappers import Response as Response

if t.TYPE_CHECKING:
    from .json.provider import JSONProvider


class Flask(App):
    """A :class:`kolben.Kolben` with Flask's defaults.

    What it answers is what Flask answers: its JSON, its pages for errors, no limit for bodies, cookies as they were.
    """

    explains_errors = False
    config_class = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    app_ctx_globals_class = _AppCtxGlobals
    jinja_environment = Environment

    default_config: t.ClassVar[t.Any] = ImmutableDict(
        {
            **App.default_config,
            "SESSION_COOKIE_SECURE": False,
            "SESSION_COOKIE_SAMESITE": None,
            "MAX_CONTENT_LENGTH": None,
            "BODY_TIMEOUT": None,
            "BODY_MIN_RATE": None,
        }
    )

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """The loader that asks the application's loader and then those of its blueprints."""
        return DispatchingJinjaLoader(self)

    def test_client(self, use_cookies: bool = True, *, async_: bool = False, **kwargs: t.Any) -> t.Any:
        """A client for tests: :attr:`test_client_class`, or a :class:`.FlaskClient`."""
        if async_:
            return super().test_client(use_cookies, async_=True, **kwargs)
        cls = self.test_client_class or FlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: t.Any) -> FlaskCliRunner:
        """A runner for this application's commands: :attr:`test_cli_runner_class`, or a :class:`.FlaskCliRunner`."""
        cls: t.Any = self.test_cli_runner_class or FlaskCliRunner
        return t.cast(FlaskCliRunner, cls(self, **kwargs))
