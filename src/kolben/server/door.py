"""What every request of a worker passes first, and every response last."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]
    ASGIApp = Callable[[Scope, t.Any, t.Any], Coroutine[t.Any, t.Any, None]]

_CLOSE = (b"connection", b"close")


class Door:
    """An ASGI application around the worker's: it counts requests, and can see to it that no connection is used again.

    :param asgi: what is served.
    :param limit: after so many requests, ``on_limit`` is called.
    """

    def __init__(self, asgi: ASGIApp, limit: int | None = None, on_limit: Callable[[], None] | None = None) -> None:
        self._asgi = asgi
        self.is_closing = False
        """Whether responses say ``Connection: close``, so that clients send their next request elsewhere."""
        self.answered = 0
        """How many requests have come."""
        self._limit = limit
        self._on_limit = on_limit

    def __call__(self, scope: Scope, receive: t.Any, send: t.Any) -> Coroutine[t.Any, t.Any, None]:
        self.answered += 1
        if self.answered == self._limit and self._on_limit is not None:
            self._on_limit()
        if scope["type"] != "http" or scope["http_version"] == "2":
            return self._asgi(scope, receive, send)

        def send_or_close(message: Message) -> Awaitable[None]:
            # NOTE: looked at when the response begins, not when the request does: it may take a while.
            if self.is_closing and message["type"] == "http.response.start":
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"connection"]
                message = {**message, "headers": [*headers, _CLOSE]}
            return send(message)  # type: ignore[no-any-return]  # PERF: a cast is a call

        return self._asgi(scope, receive, send_or_close)
