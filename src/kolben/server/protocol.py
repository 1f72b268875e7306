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
    from .gateway import Gateway

    return Gateway(app)


def choose(app: Kolben) -> tuple[t.Literal["wsgi", "asgi"], str]:
    """The protocol for an application, and why."""
    return "asgi", "measured"
