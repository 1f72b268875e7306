"""The rules of starting up and shutting down."""

from __future__ import annotations

import typing as t

from .conversation import Conversation

if t.TYPE_CHECKING:
    from ..scope import Message

ANSWERS = {
    "lifespan.startup.complete": "lifespan.startup",
    "lifespan.startup.failed": "lifespan.startup",
    "lifespan.shutdown.complete": "lifespan.shutdown",
    "lifespan.shutdown.failed": "lifespan.shutdown",
}


class LifespanConversation(Conversation):
    """``lifespan.startup`` and its answer, then ``lifespan.shutdown`` and its answer."""

    KIND = "lifespan"
    RECEIVED = frozenset({"lifespan.startup", "lifespan.shutdown"})

    def check_scope(self) -> None:
        super().check_scope()
        self.asked: list[str] = []
        self.answered: list[str] = []

    def received(self, message: Message) -> None:
        super().received(message)
        kind = message["type"]
        if kind in self.asked:
            self.fail("server", f"sent {kind!r} twice")
        if kind == "lifespan.shutdown" and "lifespan.startup" not in self.answered:
            self.fail("server", f"sent {kind!r} before the application had started up")
        self.asked.append(kind)

    def sent(self, message: Message) -> None:
        super().sent(message)
        kind = message["type"]
        question = ANSWERS.get(kind)
        if question is None:
            self.fail("application", f"sent {kind!r}, which no lifespan conversation has")
        if question not in self.asked:
            self.fail("application", f"sent {kind!r} before it received {question!r}")
        if question in self.answered:
            self.fail("application", f"sent {kind!r} after it had answered {question!r} before")
        self.app_has(message, "message", "message", str, optional=True)
        self.answered.append(question)

    def returned(self, value: object) -> None:
        super().returned(value)
        for question in self.asked:
            if question not in self.answered:
                self.fail("application", f"returned without an answer to {question!r}")
