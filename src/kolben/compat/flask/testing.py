"""``flask.testing``: clients and runners for tests."""

from __future__ import annotations

import importlib as importlib
import typing as t  # noqa: F401
from contextlib import ExitStack as ExitStack
from contextlib import contextmanager as contextmanager
from copy import copy as copy
from types import TracebackType as TracebackType
from urllib.parse import urlsplit as urlsplit

import werkzeug as werkzeug
from click.testing import CliRunner as CliRunner
from click.testing import Result as Result
from werkzeug.test import Client as Client
from werkzeug.wrappers import Request as BaseRequest  # noqa: F401

from kolben.testing import EnvironBuilder as EnvironBuilder
from kolben.testing import KolbenClient, KolbenCliRunner
from kolben.testing.client import _werkzeug_version as _get_werkzeug_version  # noqa: F401

from .cli import ScriptInfo as ScriptInfo
from .sessions import SessionMixin as SessionMixin


class FlaskClient(KolbenClient):
    """A client for tests that knows the application's contexts and session."""


class FlaskCliRunner(KolbenCliRunner):
    """A runner for an application's commands."""
