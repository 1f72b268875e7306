from __future__ import annotations

import typing as t

import pytest

from kolben.dispatch.bind import websocket_parameter
from kolben.http.websocket import SyncWebSocket, WebSocket

if t.TYPE_CHECKING:
    from collections.abc import Callable


def by_name(ws, name): ...  # type: ignore[no-untyped-def]
def by_type(name: str, socket: WebSocket) -> None: ...
def by_type_of_sync_views(socket: SyncWebSocket) -> None: ...
def by_keyword(name: str, *, socket: WebSocket) -> None: ...
def none(name: str) -> None: ...
def with_default(name: str, other: int = 1) -> None: ...
def typed_before_untyped(other: object, socket: WebSocket) -> None: ...
def variadic(*args: object, **kwargs: object) -> None: ...


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (by_name, "ws"),
        (by_type, "socket"),
        (by_type_of_sync_views, "socket"),
        (by_keyword, "socket"),
        (none, None),
        (with_default, None),
        (typed_before_untyped, "socket"),
        (variadic, None),
    ],
)
def test_parameter_of_the_socket(view: Callable[..., t.Any], expected: str | None) -> None:
    assert websocket_parameter(view, {"name"}) == expected


def test_function_without_a_signature() -> None:
    class Odd:
        __signature__ = "none"

        def __call__(self) -> None: ...

    assert websocket_parameter(Odd(), set()) is None
