"""Names for what views, hooks and handlers take and return; sync and async variants alike."""

from __future__ import annotations

import typing as t
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)

if t.TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from _typeshed.wsgi import WSGIApplication
    from msgspec import Struct
    from werkzeug.datastructures import Headers
    from werkzeug.sansio.response import Response

# NOTE: the unions are written with t.Union because some of their members are names in quotes, so that importing this
# module imports neither of them.

#: What a view may return by itself.
ResponseValue = t.Union[
    "Response",
    str,
    bytes,
    list[t.Any],
    # Only a dict is taken at run time; Mapping lets a TypedDict through.
    Mapping[str, t.Any],
    "DataclassInstance",
    "Struct",
    Iterator[str],
    Iterator[bytes],
    AsyncIterable[str],
    AsyncIterable[bytes],
]

#: The value, or the values, of one header.
HeaderValue = str | list[str] | tuple[str, ...]

#: The headers of a response.
HeadersValue = t.Union[
    "Headers",
    Mapping[str, HeaderValue],
    Sequence[tuple[str, HeaderValue]],
]

#: What a view may return: a value, or a tuple of it with a status, headers, or both.
ResponseReturnValue = t.Union[
    ResponseValue,
    tuple[ResponseValue, HeadersValue],
    tuple[ResponseValue, int],
    tuple[ResponseValue, int, HeadersValue],
    "WSGIApplication",
]

# NOTE: a variable, so that a function annotated with one subclass of Response is accepted as a callback.
ResponseClass = t.TypeVar("ResponseClass", bound="Response")

#: The application's own functions stand under None, a blueprint's under its name.
AppOrBlueprintKey = str | None

AfterRequestCallable = Callable[[ResponseClass], ResponseClass] | Callable[[ResponseClass], Awaitable[ResponseClass]]
BeforeFirstRequestCallable = Callable[[], None] | Callable[[], Awaitable[None]]
BeforeRequestCallable = Callable[[], ResponseReturnValue | None] | Callable[[], Awaitable[ResponseReturnValue | None]]
TeardownCallable = Callable[[BaseException | None], None] | Callable[[BaseException | None], Awaitable[None]]

BeforeServingCallable = Callable[[], None] | Callable[[], Awaitable[None]]
AfterServingCallable = Callable[[], None] | Callable[[], Awaitable[None]]
WhileServingCallable = Callable[[], Iterator[None]] | Callable[[], AsyncIterator[None]]

BeforeWebsocketCallable = BeforeRequestCallable
AfterWebsocketCallable = (
    Callable[[ResponseClass | None], ResponseClass | None]
    | Callable[[ResponseClass | None], Awaitable[ResponseClass | None]]
)
WebsocketCallable = Callable[..., ResponseReturnValue | None] | Callable[..., Awaitable[ResponseReturnValue | None]]

ShellContextProcessorCallable = Callable[[], dict[str, t.Any]]
TemplateContextProcessorCallable = Callable[[], dict[str, t.Any]] | Callable[[], Awaitable[dict[str, t.Any]]]
TemplateFilterCallable = Callable[..., t.Any]
TemplateGlobalCallable = Callable[..., t.Any]
TemplateTestCallable = Callable[..., bool]

URLDefaultCallable = Callable[[str, dict[str, t.Any]], None]
URLValuePreprocessorCallable = Callable[[str | None, dict[str, t.Any] | None], None]

# NOTE: the parameter is Any: with Exception, a handler annotated with its own exception would not be accepted.
ErrorHandlerCallable = Callable[[t.Any], ResponseReturnValue] | Callable[[t.Any], Awaitable[ResponseReturnValue]]

RouteCallable = Callable[..., ResponseReturnValue] | Callable[..., Awaitable[ResponseReturnValue]]
