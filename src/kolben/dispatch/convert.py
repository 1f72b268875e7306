"""What a view may return, and the response that is made of it."""

from __future__ import annotations

import typing as t
from collections.abc import AsyncIterable, Iterator
from dataclasses import is_dataclass
from functools import lru_cache
from http import HTTPStatus

from msgspec import Struct
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as WerkzeugResponse

from ..globals import _request, get_current
from ..http.headers import check_status
from ..http.response import check_response
from ..http.wire import Page

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..app import Kolben
    from ..http.request import Request
    from ..http.response import Response

_ALLOWED = (
    "The return type must be a string, dict, list, tuple with headers or status, Response instance, generator,"
    " dataclass, Struct or WSGI callable, but it was"
)

STATUS_LINES: dict[int, str] = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}
"""What a status is sent as."""


def make_converter(app: Kolben) -> Callable[[t.Any], Response]:
    """The function that makes a response of an application's return values, specialised to its response class."""
    cls = app.response_class
    convert_other = _Converter(app)
    if not cls.makes_plain:
        return convert_other
    new = cls.__new__

    def convert(rv: t.Any) -> Response:
        kind = type(rv)
        if kind is str:
            response = new(cls)
            response.response = [rv.encode()]
            return response
        if kind is cls:
            return rv  # type: ignore[no-any-return]  # PERF: a cast is a call
        if kind is dict or kind is list:
            try:
                return app.json.response(rv)
            except (TypeError, ValueError) as exc:
                convert_other.explain(exc)
                raise
        if kind is tuple and len(rv) == 2 and type(rv[0]) is str and type(rv[1]) is int and rv[1] in STATUS_LINES:
            response = new(cls)
            response.response = [rv[0].encode()]
            response._status_code = rv[1]
            response._status = STATUS_LINES[rv[1]]
            return response
        return convert_other(rv)

    return convert


def make_explainer(app: Kolben) -> Callable[[Exception], None]:
    """The function that adds to the message of an error about a returned value whose view that is."""
    return _Converter(app).explain


class _Converter:
    """Makes a response of any return value; Flask's rules, and then Kolben's."""

    def __init__(self, app: Kolben) -> None:
        self.app = app

    def __call__(self, rv: t.Any) -> Response:
        status = headers = None
        if isinstance(rv, tuple):
            rv, status, headers = self._split(rv)
        if rv is None:
            raise TypeError(
                f"The view function for {_request().endpoint!r} did not return a valid response. The function either"
                f" returned None or ended without a return statement.{self._name_view()}"
            )
        cls = self.app.response_class
        if isinstance(rv, cls):
            response = rv
        elif isinstance(rv, Page):
            return rv.response(cls)
        elif isinstance(rv, HTTPException):
            response = error_response(self.app, rv)
        elif isinstance(rv, (str, bytes, bytearray, Iterator, AsyncIterable)):
            return cls(rv, status=status, headers=headers)
        elif isinstance(rv, (dict, list)):
            response = self._json(rv)
        else:
            response = self._convert_object(rv)
        if status is not None:
            if isinstance(status, (str, bytes, bytearray)):
                response.status = status if isinstance(status, str) else bytes(status).decode("latin-1")
            else:
                response.status_code = status
        if headers:
            response.headers.update(headers)
        return response

    def explain(self, exc: Exception) -> None:
        """Add to the message of an exception about a returned value whose view that is."""
        if type(exc) in (TypeError, ValueError) and len(exc.args) == 1:
            exc.args = (f"{exc}{self._name_view()}",)

    def _json(self, rv: t.Any) -> Response:
        try:
            return self.app.json.response(rv)
        except (TypeError, ValueError) as exc:
            self.explain(exc)
            raise

    def _split(self, rv: tuple[t.Any, ...]) -> tuple[t.Any, t.Any, t.Any]:
        """Body, status and headers of a returned tuple."""
        status = headers = None
        if len(rv) == 3:
            body, status, headers = rv
        elif len(rv) == 2:
            body, other = rv
            if isinstance(other, (Headers, dict, tuple, list)):
                headers = other
            else:
                status = other
        else:
            raise TypeError(
                "The view function did not return a valid response tuple. The tuple must have the form (body, status,"
                f" headers), (body, status), or (body, headers), but it has {len(rv)} items.{self._name_view()}"
            )
        if status is not None and not (isinstance(status, int) and status in STATUS_LINES):
            self._check_status(status)
        return body, status, headers

    def _check_status(self, status: t.Any) -> None:
        """Refuse what is no status, while it is known who returned it.

        :raises TypeError: it is neither a number nor text.
        :raises ValueError: it cannot be sent.
        """
        try:
            text = bytes(status).decode("latin-1") if isinstance(status, (bytes, bytearray)) else status
            check_status(WerkzeugResponse(status=text).status)
        except (TypeError, AttributeError, ValueError) as exc:
            kind = ValueError if isinstance(exc, ValueError) else TypeError
            raise kind(
                f"The status {status!r} that the view function returned with its response cannot be sent: a status is a"
                f" code of three digits, alone or with a phrase, such as 404 or '404 Not Found'.{self._name_view()}"
            ) from None

    def _name_view(self) -> str:
        """Where the endpoint's view is, if it has one."""
        from ..places import describe_function

        view = self.app.view_functions.get(_request().endpoint or "")
        return "" if view is None else f" Its view is {describe_function(view)}."

    def _convert_object(self, rv: t.Any) -> Response:
        cls = self.app.response_class
        if issubclass(type(rv), LocalProxy):
            return self(rv._get_current_object())
        if isinstance(rv, Struct) or (is_dataclass(rv) and not isinstance(rv, type)):
            return self._json(rv)
        if isinstance(rv, WerkzeugResponse) or (callable(rv) and not isinstance(rv, type)):
            environ = {} if isinstance(rv, WerkzeugResponse) else _request().environ
            try:
                made = cls.force_type(rv, environ)  # pyright: ignore[reportArgumentType]  # or a WSGI application
                return t.cast("Response", made)
            except TypeError as exc:
                refusal = TypeError(f"{exc}\n{self._refusal(rv)}")
                raise refusal.with_traceback(exc.__traceback__) from None
        raise TypeError(self._refusal(rv))

    def _refusal(self, rv: t.Any) -> str:
        kind = _with_article(type(rv).__name__)
        return f"The view function did not return a valid response. {_ALLOWED} {kind}.{self._name_view()}"


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def error_response(app: Kolben, exc: HTTPException) -> Response:
    """The page for an HTTP exception that no handler took: HTML, or a problem document if the client prefers JSON."""
    cls = app.response_class
    if exc.response is not None:
        return t.cast("Response", cls.force_type(exc.get_response(), {}))
    if type(exc).get_response is not HTTPException.get_response:
        return t.cast("Response", cls.force_type(exc.get_response(_request().environ), {}))
    if app.explains_errors and prefers_json():
        return _problem(app, exc)
    environ = _request().environ if type(exc).get_body is not HTTPException.get_body else None
    headers = exc.get_headers(environ)
    if app.explains_errors:
        _vary(headers)
    return cls(_page(exc) if environ is None else exc.get_body(environ), status=exc.code, headers=headers)


def _vary(headers: list[tuple[str, str]]) -> None:
    """Note that the page depends on what the client accepts."""
    for index, (name, value) in enumerate(headers):
        if name.lower() == "vary":
            if "accept" not in {word.strip().lower() for word in value.split(",")}:
                headers[index] = (name, f"{value}, Accept")
            return
    headers.append(("Vary", "Accept"))


_PAGES: dict[t.Any, str] = {}
_MOST_PAGES = 256


def _page(exc: HTTPException) -> str:
    """The page of an exception, kept where nothing in it is the exception's own."""
    # PERF: benchmarks/inprocess.py, kind "404": a page is formatted and escaped piece by piece.
    kind: t.Any = type(exc)
    if exc.description is not kind.description or exc.code is not kind.code or _has_own_words(kind):
        return exc.get_body()
    key = kind, kind.code, kind.description
    page = _PAGES.get(key)
    if page is None:
        if len(_PAGES) >= _MOST_PAGES:
            _PAGES.clear()
        page = _PAGES[key] = exc.get_body()
    return page


@lru_cache(maxsize=_MOST_PAGES)
def _has_own_words(kind: type[HTTPException]) -> bool:
    return kind.name is not HTTPException.name or kind.get_description is not HTTPException.get_description


def sendable(app: Kolben, response: Response, error: HTTPException) -> Response:
    """``response``, or the plain page of ``error`` if functions that then failed left what cannot be sent in it."""
    try:
        check_response(response)
    except ValueError:
        return error_response(app, error)
    return response


def check_returned(hook: Callable[..., t.Any], response: t.Any) -> None:
    """Refuse that a function which may change the response returns none.

    :raises TypeError: naming the function.
    """
    if response is None:
        raise TypeError(
            f"The function {getattr(hook, '__name__', repr(hook))!r} was registered by 'after_request' or"
            " 'after_this_request' and returned None. It must return the response that it is given, or another one."
        )


def prefers_json() -> bool:
    """Whether the client of this request would rather have a problem document than a page."""
    ctx = get_current(None)
    return ctx is not None and ctx.request is not None and would_rather_have_json(ctx.request)


def would_rather_have_json(request: Request) -> bool:
    """Whether its client would rather have JSON than a page."""
    # PERF: benchmarks/inprocess.py, kinds "404" and "405": most requests need no object for their head here.
    if request.scope is None and request.reads_plainly:
        accept = request.environ.get("HTTP_ACCEPT")
    elif request.index is not None and request.reads_plainly:
        accept = "json" if b"json" in request.index.get(b"accept", b"") else None
    else:
        accept = request.head.header("accept")
    if not accept or "json" not in accept:
        return False
    best: str = request.accept_mimetypes.best_match(
        ["text/html", "application/json", "application/problem+json"], "text/html"
    )
    return best != "text/html"


def _problem(app: Kolben, exc: HTTPException) -> Response:
    """A problem document (RFC 9457)."""
    problem: dict[str, t.Any] = {"type": "about:blank", "title": exc.name, "status": exc.code}
    if exc.description:
        problem["detail"] = exc.description
    response = app.response_class(
        app.json.dumps(problem),
        status=exc.code or HTTPStatus.INTERNAL_SERVER_ERROR,
        mimetype="application/problem+json",
    )
    for name, value in exc.get_headers():
        if name.lower() != "content-type":
            response.headers.add(name, value)
    response.vary.add("Accept")
    return response
