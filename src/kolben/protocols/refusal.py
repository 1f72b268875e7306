"""What answers a request whose head cannot be believed: no hook, view or error handler of the application sees it."""

from __future__ import annotations

import json
import typing as t

from werkzeug.wrappers import Response as WerkzeugResponse

from ..dispatch.convert import would_rather_have_json
from ..http.request import Request

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.exceptions import HTTPException

    Scope = dict[str, t.Any]


def refuse(
    exc: HTTPException, environ: WSGIEnvironment, start_response: StartResponse, explains: bool = True
) -> Iterable[bytes]:
    """Answer a request over WSGI by the page of an exception, or a problem document (RFC 9457) where JSON is preferred.

    :param explains: whether there are problem documents at all; see :attr:`.Kolben.explains_errors`.
    """
    return _refusal(exc, Request(environ), explains)(environ, start_response)


async def refuse_scope(exc: HTTPException, scope: Scope, send: t.Any, explains: bool = True) -> None:
    """:func:`refuse` over ASGI."""
    response = _refusal(exc, Request.from_scope(scope), explains)
    body = b"" if scope["method"] == "HEAD" else response.get_data()
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _refusal(exc: HTTPException, request: Request, explains: bool) -> WerkzeugResponse:
    response = exc.get_response()
    assert isinstance(response, WerkzeugResponse)
    if not explains:
        return response
    if would_rather_have_json(request):
        problem = {"type": "about:blank", "title": exc.name, "status": exc.code, "detail": exc.description}
        response.set_data(json.dumps(problem))
        response.headers["Content-Type"] = "application/problem+json"
    response.vary.add("Accept")
    return response
