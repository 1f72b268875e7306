"""``flask.helpers``: what views call."""

from __future__ import annotations

import importlib as importlib
import os as os
import sys as sys
import typing as t  # noqa: F401
from datetime import datetime as datetime
from functools import cache as cache
from functools import update_wrapper as update_wrapper

import werkzeug as werkzeug
from werkzeug.exceptions import abort as _wz_abort  # noqa: F401
from werkzeug.utils import redirect as _wz_redirect  # noqa: F401
from werkzeug.wrappers import Response as BaseResponse  # noqa: F401

from kolben.helpers import abort as abort
from kolben.helpers import flash as flash
from kolben.helpers import get_debug_flag as get_debug_flag
from kolben.helpers import get_flashed_messages as get_flashed_messages
from kolben.helpers import get_load_dotenv as get_load_dotenv
from kolben.helpers import get_root_path as get_root_path
from kolben.helpers import get_template_attribute as get_template_attribute
from kolben.helpers import make_response as make_response
from kolben.helpers import redirect as redirect
from kolben.helpers import stream_with_context as stream_with_context
from kolben.helpers import url_for as url_for
from kolben.http.directories import send_from_directory as send_from_directory
from kolben.http.files import send_file as send_file
from kolben.http.request import split_blueprint_path as _split_blueprint_path  # noqa: F401

from .globals import _cv_app as _cv_app
from .globals import _cv_request as _cv_request
from .globals import current_app as current_app
from .globals import request as request
from .globals import request_ctx as request_ctx
from .globals import session as session
from .signals import message_flashed as message_flashed
