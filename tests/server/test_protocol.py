from __future__ import annotations

import typing as t

import pytest

from kolben import Kolben
from kolben.server.protocol import asgi_of, choose
from kolben.server.wsgi.gateway import Gateway


def wrap(app: Kolben, *names: str) -> None:
    for name in names:
        inner = getattr(app, name)
        setattr(app, name, lambda *args, inner=inner: inner(*args))


@pytest.mark.parametrize(
    ("wrapped", "protocol"),
    [((), "asgi"), (("wsgi_app",), "wsgi"), (("asgi_app",), "asgi"), (("asgi_app", "wsgi_app"), "asgi")],
)
def test_middleware_decides(app: Kolben, wrapped: tuple[str, ...], protocol: str) -> None:
    wrap(app, *wrapped)
    assert choose(app)[0] == protocol


def test_method_of_a_subclass_is_middleware_too() -> None:
    class Wrapped(Kolben):
        def wsgi_app(self, environ: t.Any, start_response: t.Any) -> t.Any:
            return super().wsgi_app(environ, start_response)

    assert choose(Wrapped("wrapped"))[0] == "wsgi"


def test_reason_names_websockets_that_will_not_work(app: Kolben) -> None:
    app.websocket("/ws")(lambda ws: None)
    assert "WebSockets" in choose(app)[1]
    wrap(app, "wsgi_app")
    assert "refused" in choose(app)[1]


def test_what_is_served(app: Kolben) -> None:
    assert asgi_of(app, "asgi") is app
    assert asgi_of(app) is app
    assert isinstance(asgi_of(app, "wsgi"), Gateway)
    wrap(app, "wsgi_app")
    assert isinstance(asgi_of(app), Gateway)
