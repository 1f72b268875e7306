"""Responses of which ``get_json()`` may be called as Flask's tests do, and awaited as Quart's do."""

from __future__ import annotations

import typing as t

from ..http.awaitable import awaitable as awaitable

if t.TYPE_CHECKING:
    from werkzeug.test import TestResponse as _Response
else:
    _Response = object


class AwaitableResponse(_Response):
    """Mixed into the response class of an asynchronous client."""

    def get_data(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The body, read to its end."""
        return awaitable(super().get_data(*args, **kwargs))

    def get_json(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """The data of a JSON body."""
        return awaitable(super().get_json(*args, **kwargs))
