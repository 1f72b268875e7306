"""What views call: URLs, redirects, errors, flashed messages, responses."""

from __future__ import annotations

import importlib.util
import os
import sys
import typing as t
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from functools import update_wrapper

from werkzeug.exceptions import abort as _wz_abort
from werkzeug.utils import redirect as _wz_redirect

from . import bridge
from .globals import current_app, get_current, request_ctx, reset_current, session, set_current
from .signals import message_flashed
from .urls import build_url, builds_plainly

if t.TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from .ctx import AppContext
    from .http.directories import send_from_directory as send_from_directory
    from .http.files import send_file as send_file
    from .http.response import Response

T = t.TypeVar("T")


def __getattr__(name: str) -> t.Any:
    # NOTE: files are sent by few programs; the module is loaded when the first one asks.
    if name == "send_file":
        from .http.files import send_file

        return send_file
    if name == "send_from_directory":
        from .http.directories import send_from_directory

        return send_from_directory
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def get_debug_flag() -> bool:
    """Tell whether the environment asks for debug mode: by ``KOLBEN_DEBUG``, or else by ``FLASK_DEBUG``."""
    value = os.environ.get("KOLBEN_DEBUG") or os.environ.get("FLASK_DEBUG")
    return bool(value and value.lower() not in {"0", "false", "no"})


def get_load_dotenv(default: bool = True) -> bool:
    """Tell whether ``.env`` files are loaded: not if ``KOLBEN_SKIP_DOTENV`` or ``FLASK_SKIP_DOTENV`` is set.

    :param default: what to return if neither is.
    """
    value = os.environ.get("KOLBEN_SKIP_DOTENV") or os.environ.get("FLASK_SKIP_DOTENV")
    return value.lower() in {"0", "false", "no"} if value else default


def make_response(*args: t.Any) -> Response:
    """Make the response that a view's return value would become, in order to change it::

        response = make_response(render_template("index.html"), 201)
        response.headers["X-Parachutes"] = "parachutes are cool"
        return response

    :param args: nothing for an empty response, the value, or what would stand in the tuple.
    """
    if not args:
        return current_app.response_class()
    rv = args[0] if len(args) == 1 else args
    # PERF: benchmarks/inprocess.py, kind "cookies". What the dispatcher calls: the application's method, if overridden.
    ctx: t.Any = get_current(None)
    try:
        plans = ctx.plans
    except AttributeError:  # no context, or that of an application, perhaps within a request
        if ctx is None or ctx.request_ctx is None or ctx.request_ctx.app is not ctx.app:
            return current_app.make_response(rv)
        plans = ctx.request_ctx.plans
    return plans.convert(rv)  # type: ignore[no-any-return]  # PERF: a cast is a call


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: t.Any,
) -> str:
    """Build the URL of an endpoint, see :meth:`.Kolben.url_for`.

    :param endpoint: its name; with a dot in front, of the current blueprint.
    :param _anchor: what stands after ``#``.
    :param _method: of several rules, take the one for this method.
    :param _scheme: the scheme of an external URL.
    :param _external: whether the URL has scheme and host. Unless given, it has outside of a request.
    :param values: the variables of the rule; others become the query string.
    """
    ctx = get_current(None)
    if ctx is not None and builds_plainly(app := ctx.app):
        # PERF: benchmarks/inprocess.py, kind "url_for": the method would do the same, with its arguments taken apart.
        return build_url(app, endpoint, _anchor, _method, _scheme, _external, values)
    return current_app.url_for(
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )


def redirect(location: str, code: int = 302, Response: type[BaseResponse] | None = None) -> BaseResponse:
    """Make a response that sends the browser elsewhere, by :meth:`.Kolben.redirect` where there is an application.

    :param code: the status: 301, 302, 303, 307 or 308.
    :param Response: the class of the response where there is no application.
    """
    ctx = get_current(None)
    if ctx is not None:
        return ctx.app.redirect(location, code=code)
    return _wz_redirect(location, code=code, Response=Response)


def abort(code: int | BaseResponse, *args: t.Any, **kwargs: t.Any) -> t.NoReturn:
    """End the view with an HTTP error, by ``app.aborter`` where there is an application.

    :param code: the status, or a response that answers the request.
    :param args: passed to the exception, as are the keywords; first of all the description.
    """
    ctx = get_current(None)
    if ctx is not None:
        ctx.app.aborter(code, *args, **kwargs)
    _wz_abort(code, *args, **kwargs)


def get_template_attribute(template_name: str, attribute: str) -> t.Any:
    """Return a macro or variable of a template, to be called or used from Python::

        hello = get_template_attribute("_greetings.html", "hello")
        return hello("World")

    :raises AttributeError: the template exports nothing of that name.
    """
    return getattr(current_app.jinja_env.get_template(template_name).module, attribute)


def flash(message: str, category: str = "message") -> None:
    """Keep a message in the session until :func:`get_flashed_messages` shows it, usually in the next request.

    :param category: any string; usual are ``"message"``, ``"error"``, ``"info"``, ``"warning"``.
    """
    # NOTE: assigned and not appended in place, which no session could notice.
    session["_flashes"] = [*session.get("_flashes", ()), (category, message)]
    if message_flashed.receivers:
        bridge.send(message_flashed, request_ctx.app, message=message, category=category)


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the flashed messages out of the session. Within one request, further calls return the same.

    :param with_categories: return tuples of category and message.
    :param category_filter: only messages of these categories.
    """
    flashes = request_ctx.flashes
    if flashes is None:
        flashes = session.pop("_flashes") if "_flashes" in session else []
        request_ctx.flashes = flashes
    if category_filter:
        flashes = [flashed for flashed in flashes if flashed[0] in category_filter]
    if with_categories:
        return flashes
    return [message for _category, message in flashes]


@t.overload
def stream_with_context(generator_or_function: Iterator[T]) -> Iterator[T]: ...


@t.overload
def stream_with_context(generator_or_function: AsyncIterator[T]) -> AsyncIterator[T]: ...


@t.overload
def stream_with_context(generator_or_function: Callable[..., Iterator[T]]) -> Callable[..., Iterator[T]]: ...


@t.overload
def stream_with_context(generator_or_function: Callable[..., AsyncIterator[T]]) -> Callable[..., AsyncIterator[T]]: ...


def stream_with_context(generator_or_function: t.Any) -> t.Any:
    """Make a generator, or a function that returns one, run in the context of this request wherever it is iterated.

    What a view returns keeps its context without this. It is there for Flask's programs, and for generators that are
    iterated elsewhere.

    :raises RuntimeError: there is no request when the generator is handed over.
    """
    if isinstance(generator_or_function, AsyncIterable):
        return _AsyncContextStream(aiter(generator_or_function), _request_context())
    if isinstance(generator_or_function, Iterable):
        return _ContextStream(iter(generator_or_function), _request_context())

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        return stream_with_context(generator_or_function(*args, **kwargs))

    return update_wrapper(call, generator_or_function)


def _request_context() -> AppContext:
    ctx = get_current(None)
    if ctx is None or ctx.request_ctx is None:
        raise RuntimeError(
            "'stream_with_context' can only be used when a request context is active, such as in a view function."
        )
    return ctx


class _ContextStream(Iterator[T]):
    """An iterator each step of which runs in a context. Between the steps nothing of it is left behind."""

    __slots__ = ("_ctx", "_iterator")

    def __init__(self, iterator: Iterator[T], ctx: AppContext) -> None:
        self._iterator = iterator
        self._ctx = ctx

    def __next__(self) -> T:
        token = set_current(self._ctx)
        try:
            return next(self._iterator)
        finally:
            reset_current(token)

    def close(self) -> None:
        """Close the iterator, if it can be closed."""
        token = set_current(self._ctx)
        try:
            getattr(self._iterator, "close", _nothing)()
        finally:
            reset_current(token)


class _AsyncContextStream(AsyncIterator[T]):
    """An async iterator each step of which runs in a context."""

    __slots__ = ("_ctx", "_iterator")

    def __init__(self, iterator: AsyncIterator[T], ctx: AppContext) -> None:
        self._iterator = iterator
        self._ctx = ctx

    async def __anext__(self) -> T:
        token = set_current(self._ctx)
        try:
            return await anext(self._iterator)
        finally:
            reset_current(token)

    async def aclose(self) -> None:
        """Close the iterator, if it can be closed."""
        token = set_current(self._ctx)
        try:
            await getattr(self._iterator, "aclose", _no_aclose)()
        finally:
            reset_current(token)


def _nothing() -> None:
    pass


async def _no_aclose() -> None:
    pass


def get_root_path(import_name: str) -> str:
    """Return the folder of a module or package, or the working directory if it has none.

    :raises RuntimeError: the module was imported in a way that does not tell where it is.
    """
    module = sys.modules.get(import_name)
    if module is not None and getattr(module, "__file__", None) is not None:
        return os.path.dirname(os.path.abspath(t.cast("str", module.__file__)))
    loader = _find_loader(import_name)
    if loader is None:
        return os.getcwd()
    if hasattr(loader, "get_filename"):
        path: str | None = loader.get_filename(import_name)
    else:
        path = getattr(importlib.import_module(import_name), "__file__", None)
    if path is None:
        raise RuntimeError(
            f"No root path can be found for the provided module {import_name!r}. This can happen because the module"
            " came from an import hook that does not provide file name information or because it's a namespace package."
            " In this case the root path needs to be explicitly provided."
        )
    return os.path.dirname(os.path.abspath(path))


def _find_loader(import_name: str) -> t.Any:
    # NOTE: the module that was started, an interactive one, has no spec.
    try:
        spec = importlib.util.find_spec(import_name)
    except (ImportError, ValueError):
        return None
    return None if spec is None else spec.loader
