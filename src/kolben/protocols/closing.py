"""The end of a request on the thread that runs its pipeline: teardown, temporary files, background tasks."""

from __future__ import annotations

import typing as t

from ..signals import appcontext_tearing_down, request_tearing_down

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from ..dispatch.plan import Plan

# PERF: benchmarks/inprocess.py, kind "plain text". A signal keeps one dict of its receivers for good.
_torn_down, _torn_down_app = request_tearing_down.receivers, appcontext_tearing_down.receivers


def needs_closing(ctx: RequestContext) -> object:
    """Say whether there is anything to do at the end of a request."""
    plan: Plan | None = ctx.plan
    return (
        ctx.is_eventful
        or ctx.request.holds_body
        or (plan is not None and plan.has_teardown)
        or _torn_down
        or _torn_down_app
    )


def close(ctx: RequestContext) -> None:
    """End a request's context: teardown, temporary files, background tasks."""
    plan: Plan | None = ctx.plan
    try:
        if plan is not None:
            plan.close(ctx, plan, ctx.error)
    finally:
        ctx.error = None  # NOTE: its traceback knows this context; together they would wait for the collector.
    if ctx.background is not None:
        ctx.app.serving.launch(ctx.background)
