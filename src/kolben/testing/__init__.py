"""Testing applications: clients over either protocol, synchronous and asynchronous, and checks of the protocols."""

from __future__ import annotations

from .async_client import AsyncClient
from .body import Hangup, aborted, slow
from .cli import KolbenCliRunner
from .client import KolbenClient
from .environ import EnvironBuilder
from .exchange import ClientGone
from .lifespan import LifespanError, TestApp
from .stream import Stream
from .validator import ASGIViolation, asgi_validator
from .websocket import SyncWebSocket, WebSocketClosed, WebSocketConnection, WebSocketRejected

__all__ = [
    "ASGIViolation",
    "AsyncClient",
    "ClientGone",
    "EnvironBuilder",
    "Hangup",
    "KolbenCliRunner",
    "KolbenClient",
    "LifespanError",
    "Stream",
    "SyncWebSocket",
    "TestApp",
    "WebSocketClosed",
    "WebSocketConnection",
    "WebSocketRejected",
    "aborted",
    "asgi_validator",
    "slow",
]
