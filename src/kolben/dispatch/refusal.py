"""What answers a request that no rule matched, where nothing of the application would hear of it: a page made once."""

from __future__ import annotations

import typing as t

from werkzeug.exceptions import MethodNotAllowed, NotFound

from ..http.wire import Page
from ..signals import request_finished, request_started
from . import run
from .convert import error_response, prefers_json
from .overridable import HEARD

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from .build import Plans
    from .plan import Answer

MAX_REMEMBERED = 256
"""How many pages are kept, of as many sets of allowed methods."""


def may_refuse(plans: Plans) -> bool:
    """Whether an application without hooks and error handlers has nothing else that would see a routing error."""
    return not plans.overrides & HEARD and not plans.app.config["TRAP_HTTP_EXCEPTIONS"]


def refuse(ctx: RequestContext) -> Answer:
    """Answer a 404 or 405 of routing; anything else as :func:`.run.run` does."""
    # PERF: benchmarks/inprocess.py, kinds "404" and "405".
    exc = ctx.request.routing_exception
    key: t.Any = type(exc)
    if key is MethodNotAllowed:
        key = tuple(t.cast(MethodNotAllowed, exc).valid_methods or ())
    is_heard = ctx._session is not None or request_started.receivers or request_finished.receivers
    if is_heard or (key is not NotFound and type(key) is not tuple) or (ctx.app.explains_errors and prefers_json()):
        return run.run(ctx)
    pages = ctx.plans.pages
    page = pages.get(key)
    if page is None:
        assert exc is not None
        page = Page(error_response(ctx.app, exc), ctx.plans.on_loop)
        if len(pages) < MAX_REMEMBERED:
            pages[key] = page
    return page
