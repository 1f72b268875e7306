"""Kolben: a micro web framework with Flask's interface, for WSGI and ASGI, with sync and async views."""

from __future__ import annotations

import sys
import typing as t

from . import json as json
from .app import Kolben as Kolben
from .blueprints import Blueprint as Blueprint
from .config import Config as Config
from .ctx import after_this_request as after_this_request
from .ctx import copy_current_request_context as copy_current_request_context
from .ctx import has_app_context as has_app_context
from .ctx import has_request_context as has_request_context
from .ctx import has_websocket_context as has_websocket_context
from .globals import current_app as current_app
from .globals import g as g
from .globals import request as request
from .globals import session as session
from .globals import websocket as websocket
from .helpers import abort as abort
from .helpers import flash as flash
from .helpers import get_flashed_messages as get_flashed_messages
from .helpers import get_template_attribute as get_template_attribute
from .helpers import make_response as make_response
from .helpers import redirect as redirect
from .helpers import stream_with_context as stream_with_context
from .helpers import url_for as url_for
from .http.request import Request as Request
from .http.response import Response as Response
from .json import jsonify as jsonify
from .signals import appcontext_popped as appcontext_popped
from .signals import appcontext_pushed as appcontext_pushed
from .signals import appcontext_tearing_down as appcontext_tearing_down
from .signals import before_render_template as before_render_template
from .signals import got_request_exception as got_request_exception
from .signals import message_flashed as message_flashed
from .signals import request_finished as request_finished
from .signals import request_started as request_started
from .signals import request_tearing_down as request_tearing_down
from .signals import template_rendered as template_rendered

Flask = Kolben
"""The same class by the name that Flask's programs use."""

if t.TYPE_CHECKING:
    from .http.directories import send_from_directory as send_from_directory
    from .http.files import send_file as send_file
    from .http.sse import Event as Event
    from .http.sse import EventStream as EventStream
    from .http.sse import last_event_id as last_event_id
    from .http.websocket import WebSocket as WebSocket
    from .http.websocket import WebSocketClosed as WebSocketClosed
    from .templating import render_template as render_template
    from .templating import render_template_string as render_template_string
    from .templating import stream_template as stream_template
    from .templating import stream_template_string as stream_template_string

    __version__: str

_LATER = {
    "Event": "http.sse",
    "EventStream": "http.sse",
    "last_event_id": "http.sse",
    "send_file": "http.files",
    "send_from_directory": "http.directories",
    "WebSocket": "http.websocket",
    "WebSocketClosed": "http.websocket",
    "render_template": "templating",
    "render_template_string": "templating",
    "stream_template": "templating",
    "stream_template_string": "templating",
}
"""Names whose modules are loaded when they are first asked for: not every application has templates or WebSockets."""


if not t.TYPE_CHECKING:  # a type checker would take every name for one that is here

    def __getattr__(name: str) -> t.Any:
        if name in _LATER:
            from importlib import import_module

            # NOTE: the name `globals` is the submodule's here.
            value = vars(sys.modules[__name__])[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
            return value
        if name == "__version__":
            from importlib.metadata import version

            return version("kolben")
        if name == "__all__":
            # NOTE: asked for by `from kolben import *`, which would leave out what is not loaded yet.
            return [public for public in __dir__() if not public.startswith("_")]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*vars(sys.modules[__name__]), *_LATER, "__version__"})
