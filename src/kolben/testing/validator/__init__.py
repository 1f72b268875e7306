"""Checks what passes between an ASGI server and an application: what :mod:`wsgiref.validate` does for WSGI.

It follows the ASGI specification (HTTP and WebSocket 2.5, lifespan 2.0), and what HTTP itself says of header fields
(RFC 9110, 5) and of responses that have no content (RFC 9110, 6.4.1).
"""

from __future__ import annotations

import typing as t

from .conversation import ASGIViolation, Conversation
from .http import HTTPConversation
from .lifespan import LifespanConversation
from .websocket import WebSocketConversation

if t.TYPE_CHECKING:
    from ..scope import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIViolation", "asgi_validator"]

CONVERSATIONS: dict[str, type[Conversation]] = {
    "http": HTTPConversation,
    "websocket": WebSocketConversation,
    "lifespan": LifespanConversation,
}


def asgi_validator(app: ASGIApp) -> ASGIApp:
    """Wrap an ASGI application so that the first breach of the protocol, by it or by its server, is an error.

    :return: An ASGI application. It raises :exc:`ASGIViolation` where the breach happens, and once more when the
        application returns, in case that it took the first one for an error of its own.
    """

    async def validated(scope: Scope, receive: Receive, send: Send) -> None:
        conversation = _conversation(scope)

        async def checked_receive() -> Message:
            conversation.before_receive()
            message = await receive()
            conversation.received(message)
            return message

        async def checked_send(message: Message) -> None:
            conversation.sent(message)
            await send(message)

        try:
            returned: t.Any = await app(scope, checked_receive, checked_send)  # type: ignore[func-returns-value]  # is it?
        except BaseException as exc:
            if conversation.violation is not None and exc is not conversation.violation:
                raise conversation.violation from exc
            raise
        if conversation.violation is not None:
            raise conversation.violation
        conversation.returned(returned)

    return validated


def _conversation(scope: Scope) -> Conversation:
    kind = scope.get("type")
    if kind not in CONVERSATIONS:
        raise ASGIViolation(f"The server called the application with a scope of the unknown type {kind!r}.")
    return CONVERSATIONS[kind](scope)
