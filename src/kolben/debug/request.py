"""The request in which an exception was raised, as a page shows it: what the client sent, without secrets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from ..ctx import RequestContext
from ..http.cookies import parse_cookies
from .redaction import MASK, Redactor, is_secret_name, secrets_of, secrets_of_environment
from .values import MAX_TEXT, Describer

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ROWS = 100
_PROTOCOLS = frozenset({"kolben.protocols.asgi", "kolben.protocols.websocket", "kolben.protocols.wsgi"})

Rows: t.TypeAlias = list[tuple[str, str]]


@dataclass(slots=True)
class Asked:
    """Method and URL of a request, and tables of what came with it, each with its title."""

    method: str
    url: str
    tables: list[tuple[str, Rows]] = field(default_factory=list)


def find_context(exc: BaseException) -> RequestContext | None:
    """The context of the request that failed: that of the innermost Kolben application which the traceback passes.

    NOTE: by the time that the debugger sees the exception, it is not in force any more.
    """
    found = None
    tb = exc.__traceback__
    while tb is not None:
        frame = tb.tb_frame
        if frame.f_globals.get("__name__") in _PROTOCOLS and isinstance(frame.f_locals.get("ctx"), RequestContext):
            found = frame.f_locals["ctx"]
        tb = tb.tb_next
    return found


def redactor_for(scope: Mapping[str, t.Any] | None, ctx: RequestContext | None) -> Redactor:
    """What masks the secrets of this request, the application and the process."""
    secrets: list[object] = [*secrets_of_environment()]
    if ctx is not None:
        secrets += secrets_of(dict(ctx.app.config))
        secrets += secrets_of(_form(ctx))
    if scope is not None:
        names = _secret_cookies(ctx)
        secrets += (value for name, value in _cookies(scope) if _is_secret_cookie(name, names))
        secrets += (value for name, value in _query(scope) if is_secret_name(name))
        for name, value in scope["headers"]:
            if is_secret_name(name) and name != b"cookie":
                # NOTE: "Bearer abc" gives "abc" as well.
                secrets += (value, value.rpartition(b" ")[2])
    return Redactor(secrets)


def describe_request(scope: Mapping[str, t.Any], ctx: RequestContext | None, redact: Redactor) -> Asked:
    """What the client sent; of forms and sessions what the application has read."""
    asked = Asked(method_of(scope), _cut(redact(_url(scope))))
    describe = Describer(redact)
    if ctx is not None:
        asked.tables.append(("Route", _route(ctx, describe)))
        asked.tables.append(("Session", _session(ctx, describe)))
        asked.tables.append(("Form", _masked(_form(ctx).items(), redact)))
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    cookies, hidden = _cookies(scope), _secret_cookies(ctx)
    asked.tables += [
        ("Query", _masked(_query(scope), redact)),
        ("Headers", _masked((pair for pair in headers if pair[0] != "cookie"), redact)),
        ("Cookies", [(name, MASK if _is_secret_cookie(name, hidden) else redact(value)) for name, value in cookies]),
    ]
    asked.tables = [(title, rows[:MAX_ROWS]) for title, rows in asked.tables if rows]
    return asked


def method_of(scope: Mapping[str, t.Any]) -> str:
    """The method, or that it is a WebSocket."""
    return "WebSocket" if scope["type"] == "websocket" else str(scope["method"])


def plain_url(scope: Mapping[str, t.Any]) -> str:
    """The URL without its query, which may hold secrets: for a line in a log."""
    return _cut(_url({**scope, "query_string": b""}))


def _url(scope: Mapping[str, t.Any]) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    url = f"{scope.get('scheme', 'http')}://{host}{quote(scope.get('root_path', '') + scope['path'])}"
    query = [(name, MASK if is_secret_name(name) else value) for name, value in _query(scope)]
    return f"{url}?{urlencode(query, safe=MASK + '/:@,;')}" if query else url


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _query(scope: Mapping[str, t.Any]) -> Rows:
    try:
        text = scope.get("query_string", b"").decode("latin-1")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_ROWS)
    except ValueError:
        return [("(too many fields)", "")]


def _cookies(scope: Mapping[str, t.Any]) -> Rows:
    header = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    return parse_cookies(header)[:MAX_ROWS]


def _secret_cookies(ctx: RequestContext | None) -> str:
    return "session" if ctx is None else str(ctx.app.config["SESSION_COOKIE_NAME"])


def _is_secret_cookie(name: str, session: str) -> bool:
    return name == session or "session" in name.lower() or is_secret_name(name)


def _form(ctx: RequestContext) -> dict[str, str]:
    form = vars(ctx.request).get("form")
    try:
        return {} if form is None else dict(list(form.items(multi=True))[:MAX_ROWS])
    except Exception:
        return {}  # NOTE: a form of the application's own kind, or one that was not received.


def _session(ctx: RequestContext, describe: Describer) -> Rows:
    session = ctx._session
    try:
        return [] if session is None else [(str(key), describe(key, session[key])) for key in list(session)]
    except Exception as exc:
        return [("(it could not be read)", type(exc).__name__)]


def _route(ctx: RequestContext, describe: Describer) -> Rows:
    rows = [("Application", ctx.app.name)]
    if ctx.request.url_rule is not None:
        rows += [("Rule", str(ctx.request.url_rule)), ("Endpoint", str(ctx.request.endpoint))]
        rows += [(f"<{name}>", describe(name, value)) for name, value in (ctx.request.view_args or {}).items()]
    return rows


def _masked(pairs: Iterable[tuple[str, str]], redact: Redactor) -> Rows:
    return [(name, MASK if is_secret_name(name) and value else redact(_cut(str(value)))) for name, value in pairs]
