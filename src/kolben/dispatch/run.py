"""The pipeline: one request from its plan to its response.

Each function here has a twin, ``name_async``, that differs from it in ``await`` alone (a test compares their syntax
trees). All that synchronous and asynchronous requests must do in two ways is in this file; everything it calls for the
rest exists once.
"""

from __future__ import annotations

import typing as t
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from werkzeug.exceptions import InternalServerError

from ..bridge import call, call_async, send, send_async, settle, settle_async
from ..http.wire import Page
from ..signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from .convert import check_returned, sendable
from .errors import handler_for, must_propagate

if t.TYPE_CHECKING:
    from ..ctx import RequestContext
    from .plan import Answer, Plan

# PERF: benchmarks/inprocess.py, kind "plain text". A signal keeps one dict of its receivers for good.
_started, _finished = request_started.receivers, request_finished.receivers
_torn_down, _torn_down_app = request_tearing_down.receivers, appcontext_tearing_down.receivers

PAGED = frozenset({tuple, dict, list})
STREAMED = frozenset({GeneratorType, AsyncGeneratorType})
SENT = STREAMED | {Page}
"""What, beside text, a view may return that is sent without a response, if nothing else wants one: as the page that is
made of it, or as it is. Pages themselves are returned by Kolben's own views of static files."""


def run(ctx: RequestContext) -> Answer:
    """Answer a request that has been matched: hooks, view, conversion, error handlers, ``after_request``, session.

    Returns a response; or, where nobody would look at one, the ``bytes`` of a text, a page, or the generator itself.
    """
    plan = ctx.plan
    try:
        try:
            if _started:
                send(request_started, ctx.app)
            rv: t.Any = None
            if plan.is_led:
                for preprocess in plan.preprocessors:
                    done = preprocess(plan.endpoint, ctx.request.view_args)
                    if type(done) is CoroutineType:
                        settle(done)
                for hook in plan.before:
                    rv = hook()
                    if type(rv) is CoroutineType:
                        rv = settle(rv)
                    if rv is not None:
                        break
            if rv is None:
                view, values = plan.view, ctx.request.view_args
                rv = view(**values) if values else view()
            if type(rv) is CoroutineType:
                rv = settle(rv)
        except Exception as exc:
            handle = plan.handlers.get(type(exc)) or handler_for(ctx, exc)
            if handle is None:
                raise
            rv = handle(exc)
            if type(rv) is CoroutineType:
                rv = settle(rv)
        is_bare = not (ctx.is_eventful or _finished)
        if is_bare and plan.sends_text:
            if (kind := type(rv)) is str:
                return rv.encode()  # type: ignore[no-any-return]  # PERF: a cast is a call
            if kind in PAGED and (page := plan.page(rv)) is not None:
                return page
            if kind in SENT:
                return rv  # type: ignore[no-any-return]  # PERF: a cast is a call
        response = plan.convert(rv)
        del rv  # NOTE: it may be an exception, whose traceback knows this frame.
        if plan.after or not is_bare:
            return finalize(ctx, response)
        return plan.pack(response)  # type: ignore[no-any-return]  # PERF: a cast is a call
    except Exception as exc:
        return fail(ctx, exc)


async def run_async(ctx: RequestContext) -> Answer:
    """Answer a request that has been matched: hooks, view, conversion, error handlers, ``after_request``, session.

    Returns a response; or, where nobody would look at one, the ``bytes`` of a text, a page, or the generator itself.
    """
    plan = ctx.plan
    try:
        try:
            if _started:
                await send_async(request_started, ctx.app)
            rv: t.Any = None
            if plan.is_led:
                for preprocess in plan.preprocessors:
                    done = await preprocess(plan.endpoint, ctx.request.view_args)
                    if type(done) is CoroutineType:
                        await settle_async(done)
                for hook in plan.before:
                    rv = await hook()
                    if type(rv) is CoroutineType:
                        rv = await settle_async(rv)
                    if rv is not None:
                        break
            if rv is None:
                view, values = plan.view, ctx.request.view_args
                rv = await (view(**values) if values else view())
            if type(rv) is CoroutineType:
                rv = await settle_async(rv)
        except Exception as exc:
            handle = plan.handlers.get(type(exc)) or handler_for(ctx, exc)
            if handle is None:
                raise
            rv = await handle(exc)
            if type(rv) is CoroutineType:
                rv = await settle_async(rv)
        is_bare = not (ctx.is_eventful or _finished)
        if is_bare and plan.sends_text:
            if (kind := type(rv)) is str:
                return rv.encode()  # type: ignore[no-any-return]  # PERF: a cast is a call
            if kind in PAGED and (page := plan.page(rv)) is not None:
                return page
            if kind in SENT:
                return rv  # type: ignore[no-any-return]  # PERF: a cast is a call
        response = plan.convert(rv)
        del rv  # NOTE: it may be an exception, whose traceback knows this frame.
        if plan.after or not is_bare:
            return await finalize_async(ctx, response)
        return plan.pack(response)  # type: ignore[no-any-return]  # PERF: a cast is a call
    except Exception as exc:
        return await fail_async(ctx, exc)


def finalize(ctx: RequestContext, response: t.Any) -> Answer:
    """Run what may change the response; save the session; make of it what is sent.

    :raises ValueError: the status or a header is malformed.
    """
    plan = ctx.plan
    if ctx._after_request is not None:
        for func in ctx._after_request:
            response = call(func, response)
            check_returned(func, response)
    for hook in plan.after:
        response = hook(response)
        if type(response) is CoroutineType:
            response = settle(response)
        if response is None:
            check_returned(hook, response)
    if ctx._session is not None:
        plan.save_session(ctx, response)
    if _finished:
        send(request_finished, ctx.app, response=response)
    return plan.pack(response)  # type: ignore[no-any-return]  # PERF: a cast is a call


async def finalize_async(ctx: RequestContext, response: t.Any) -> Answer:
    """Run what may change the response; save the session; make of it what is sent.

    :raises ValueError: the status or a header is malformed.
    """
    plan = ctx.plan
    if ctx._after_request is not None:
        for func in ctx._after_request:
            response = await call_async(func, response)
            check_returned(func, response)
    for hook in plan.after:
        response = await hook(response)
        if type(response) is CoroutineType:
            response = await settle_async(response)
        if response is None:
            check_returned(hook, response)
    if ctx._session is not None:
        await plan.save_session(ctx, response)
    if _finished:
        await send_async(request_finished, ctx.app, response=response)
    return plan.pack(response)  # type: ignore[no-any-return]  # PERF: a cast is a call


def fail(ctx: RequestContext, exc: Exception) -> Answer:
    """Answer an exception that no handler took: log it, and let a handler for 500 speak.

    :raises Exception: ``exc`` itself, where exceptions are to propagate (debugging, tests).
    """
    ctx.note_error(exc)
    if got_request_exception.receivers:
        send(got_request_exception, ctx.app, exception=exc)
    if must_propagate(ctx.app):
        try:
            raise exc
        finally:
            del exc  # NOTE: or this frame, which its traceback knows, would keep it until the collector comes.
    ctx.app.log_exception((type(exc), exc, exc.__traceback__))
    error = InternalServerError(original_exception=exc)
    handle = ctx.plan.find_handler(error) or ctx.plan.pass_through
    rv = handle(error)
    if type(rv) is CoroutineType:
        rv = settle(rv)
    response = ctx.plan.convert(rv)
    try:
        return finalize(ctx, response)
    except Exception:
        ctx.app.logger.exception("Request finalizing failed with an error while handling an error")
    return ctx.plan.pack(sendable(ctx.app, response, error))  # type: ignore[no-any-return]  # PERF: a cast is a call


async def fail_async(ctx: RequestContext, exc: Exception) -> Answer:
    """Answer an exception that no handler took: log it, and let a handler for 500 speak.

    :raises Exception: ``exc`` itself, where exceptions are to propagate (debugging, tests).
    """
    ctx.note_error(exc)
    if got_request_exception.receivers:
        await send_async(got_request_exception, ctx.app, exception=exc)
    if must_propagate(ctx.app):
        try:
            raise exc
        finally:
            del exc  # NOTE: or this frame, which its traceback knows, would keep it until the collector comes.
    ctx.app.log_exception((type(exc), exc, exc.__traceback__))
    error = InternalServerError(original_exception=exc)
    handle = ctx.plan.find_handler(error) or ctx.plan.pass_through
    rv = await handle(error)
    if type(rv) is CoroutineType:
        rv = await settle_async(rv)
    response = ctx.plan.convert(rv)
    try:
        return await finalize_async(ctx, response)
    except Exception:
        ctx.app.logger.exception("Request finalizing failed with an error while handling an error")
    return ctx.plan.pack(sendable(ctx.app, response, error))  # type: ignore[no-any-return]  # PERF: a cast is a call


def close(ctx: RequestContext, plan: Plan, exc: BaseException | None) -> None:
    """Run the teardown functions, all of them even if one raises; then raise the first error."""
    error: BaseException | None = None
    for func in plan.teardown:
        try:
            if type(rv := func(exc)) is CoroutineType:
                settle(rv)
        except Exception as failure:
            error = error or failure
    if _torn_down:
        send(request_tearing_down, ctx.app, exc=exc)
    if ctx.request.holds_body and ctx.owns_request and not ctx.is_preserved:
        ctx.request.close()
    if ctx._app_ctx is None:
        for func in plan.teardown_app:
            try:
                if type(rv := func(exc)) is CoroutineType:
                    settle(rv)
            except Exception as failure:
                error = error or failure
        if _torn_down_app:
            send(appcontext_tearing_down, ctx.app, exc=exc)
    if error is not None:
        raise error


async def close_async(ctx: RequestContext, plan: Plan, exc: BaseException | None) -> None:
    """Run the teardown functions, all of them even if one raises; then raise the first error."""
    error: BaseException | None = None
    for func in plan.teardown:
        try:
            if type(rv := await func(exc)) is CoroutineType:
                await settle_async(rv)
        except Exception as failure:
            error = error or failure
    if _torn_down:
        await send_async(request_tearing_down, ctx.app, exc=exc)
    if ctx.request.holds_body and ctx.owns_request and not ctx.is_preserved:
        ctx.request.close()
    if ctx._app_ctx is None:
        for func in plan.teardown_app:
            try:
                if type(rv := await func(exc)) is CoroutineType:
                    await settle_async(rv)
            except Exception as failure:
                error = error or failure
        if _torn_down_app:
            await send_async(appcontext_tearing_down, ctx.app, exc=exc)
    if error is not None:
        raise error
