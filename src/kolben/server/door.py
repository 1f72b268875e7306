"""What every request of a worker passes first, and every response last."""

from __future__ import annotations

import typing as t

from ..protocols.drain import closing

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, MutableMapping

    from ..app import Kolben

    Scope = dict[str, t.Any]
    Message = MutableMapping[str, t.Any]
    ASGIApp = Callable[[Scope, t.Any, t.Any], Coroutine[t.Any, t.Any, None]]


class Door:
    """An ASGI application around the worker's: it counts requests, and can see to it that no connection is used again.

    :param asgi: what is served.
    :param limit: after so many requests, ``on_limit`` is called.
    """

    def __init__(self, asgi: ASGIApp, limit: int | None = None, on_limit: Callable[[], None] | None = None) -> None:
        self._asgi = asgi
        self._limit = limit
        self._on_limit = on_limit
        self._app: Kolben | None = None
        self._is_closing = False
        self._looks_at_responses = True
        self.answered = 0
        """How many requests have come."""

    def leave_responses_to(self, app: Kolben) -> None:
        """Have the application, which nothing stands before that may answer in its place, look at what it begins.

        PERF: docs/performance.md, "Whole servers": nothing is between it and the server then.
        """
        # NOTE: a process may run one worker after the other, all with this application.
        app.serving.closes_connections = False
        self._app = app
        self._looks_at_responses = False

    def close(self) -> None:
        """From now on responses say ``Connection: close``, so that clients send their next request elsewhere.

        Those that have begun do not; those to requests that are under way do.
        """
        self._is_closing = True
        if self._app is not None:
            # NOTE: it knows of requests under way; what refuses one before it gets that far is here.
            self._app.serving.closes_connections = True
            self._looks_at_responses = True

    def __call__(self, scope: Scope, receive: t.Any, send: t.Any) -> Coroutine[t.Any, t.Any, None]:
        self.answered += 1
        if self.answered == self._limit and self._on_limit is not None:
            self._on_limit()
        if self._looks_at_responses and scope["type"] == "http":
            send = self._looking_at(scope, send)
        return self._asgi(scope, receive, send)

    def _looking_at(self, scope: Scope, send: t.Any) -> t.Any:
        def send_or_close(message: Message) -> Awaitable[None]:
            # NOTE: looked at when the response begins, not when the request does: it may take a while.
            if self._is_closing and message["type"] == "http.response.start":
                message = closing(message, scope["http_version"])
            return send(message)  # type: ignore[no-any-return]  # PERF: a cast is a call

        return send_or_close
