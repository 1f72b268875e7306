"""Which of its two protocols an application is served by, and what that makes of it for the server."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..app import Kolben
    from .door import ASGIApp
    from .settings import Protocol


def asgi_of(app: Kolben, protocol: Protocol = "auto") -> ASGIApp:
    """What Granian serves: the application itself, or its WSGI side behind a gateway of Kolben's own."""
    if (choose(app)[0] if protocol == "auto" else protocol) == "asgi":
        return app
    from .wsgi.gateway import Gateway

    return Gateway(app)


def choose(app: Kolben) -> tuple[t.Literal["wsgi", "asgi"], str]:
    """The protocol for an application, and why.

    PERF: docs/performance.md, "Which protocol": also synchronous views are faster by ASGI.
    """
    from ..app import Kolben
    from ..dispatch.overridable import find_overrides

    wrapped = find_overrides(app, Kolben) & {"asgi_app", "wsgi_app"}
    if wrapped == {"wsgi_app"}:
        what = "WebSockets are refused" if _has_websockets(app) else "it would be left out by ASGI"
        return "wsgi", f"middleware is around 'app.wsgi_app': {what}"
    if wrapped:
        return "asgi", "middleware is around 'app.asgi_app'"
    if _has_websockets(app):
        return "asgi", "the application has WebSockets"
    return "asgi", "it is faster, for sync views too"


def is_unwrapped(app: Kolben) -> bool:
    """Whether requests that come by ASGI are answered by nothing but Kolben's own code.

    NOTE: middleware may be put around it later. What that answers to a request that is under way when the worker
    closes does not say ``Connection: close``.
    """
    from ..app import Kolben
    from ..dispatch.overridable import find_overrides

    return type(app).__call__ is Kolben.__call__ and not find_overrides(app, Kolben) & {"asgi_app", "wsgi_app"}


def _has_websockets(app: Kolben) -> bool:
    return any(getattr(rule, "websocket", False) for rule in app.url_map.iter_rules())
