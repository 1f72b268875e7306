"""Which parameter of a view gets what, found out once from its signature."""

from __future__ import annotations

import inspect
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection

_SOCKET_TYPES = {"WebSocket", "SyncWebSocket"}
_TAKES_ONE = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


def websocket_parameter(view: Callable[..., t.Any], variables: Collection[str]) -> str | None:
    """The name of the parameter that a WebSocket's view takes the socket by, if it does.

    It is the one annotated so, or else the first that is no variable of the rule and has no default.

    :param variables: names of the rule's variables.
    """
    try:
        parameters = inspect.signature(view).parameters.values()
    except (TypeError, ValueError):
        return None
    candidates = [p for p in parameters if p.kind in _TAKES_ONE and p.name not in variables]
    for parameter in candidates:
        annotation = parameter.annotation
        name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        if name.rpartition(".")[2] in _SOCKET_TYPES:
            return parameter.name
    return next((p.name for p in candidates if p.default is inspect.Parameter.empty), None)
