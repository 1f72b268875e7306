"""JSON the way the current application reads and writes it."""

from __future__ import annotations

import json as _json
import typing as t

from ..globals import current_app, get_current
from .provider import _default, stdlib_loads

if t.TYPE_CHECKING:
    from ..http.response import Response


def dumps(obj: t.Any, **kwargs: t.Any) -> str:
    """Write a value as JSON by the application's provider, or, outside of an application, by the standard library.

    :param kwargs: passed on to the library.
    """
    ctx = get_current(None)
    if ctx is not None:
        return ctx.app.json.dumps(obj, **kwargs)
    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
    """Write a value as JSON to a file that is opened for text in UTF-8."""
    ctx = get_current(None)
    if ctx is not None:
        ctx.app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: t.Any) -> t.Any:
    """Read JSON from text or UTF-8 bytes by the application's provider, or, outside of an application, by the standard
    library.

    :param kwargs: passed on to the library.
    :raises ValueError: it is not JSON.
    """
    ctx = get_current(None)
    if ctx is not None:
        return ctx.app.json.loads(s, **kwargs) if kwargs else ctx.app.json.loads(s)
    return stdlib_loads(s, **kwargs)


def load(fp: t.IO[t.AnyStr], **kwargs: t.Any) -> t.Any:
    """Read JSON from a file that is opened for text or for UTF-8 bytes."""
    ctx = get_current(None)
    if ctx is not None:
        return ctx.app.json.load(fp, **kwargs)
    return stdlib_loads(fp.read(), **kwargs)


def jsonify(*args: t.Any, **kwargs: t.Any) -> Response:
    """Make a JSON response of a value: ``jsonify(user)``, of several as a list, or of keywords as a dict.

    A dict or list that a view returns becomes one without this.

    :raises TypeError: values and keywords were given.
    """
    return current_app.json.response(*args, **kwargs)
