"""The view of a static route under ASGI: what it can answer without waiting, it answers on the event loop."""

from __future__ import annotations

import typing as t
from types import MethodType

from .. import bridge
from ..globals import get_current
from ..http.files import look_at_disk, send_known
from ..registrar import Registrar, StaticView

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..app import Kolben
    from ..http.response import Response


def owner_of(view: t.Any, app: Kolben) -> Registrar | None:
    """Whose static files a view sends, if it is Kolben's own view, and nothing that it calls is overridden."""
    owner: t.Any
    if type(view) is StaticView:
        owner = view.owner
        sends = getattr(owner.send_static_file, "__func__", None)
    elif type(view) is MethodType:
        owner, sends = view.__self__, view.__func__
    else:
        return None
    if sends is not Registrar.send_static_file or type(owner).static_folder is not Registrar.static_folder:
        return None
    return owner if _has_own_age(owner) and _has_own_age(app) else None


def _has_own_age(owner: t.Any) -> bool:
    return getattr(owner.get_send_file_max_age, "__func__", None) is Registrar.get_send_file_max_age


def sending_at_once(view: Callable[..., t.Any], owner: Registrar, app: Kolben) -> Callable[..., Awaitable[Response]]:
    """The view, as a coroutine function that calls it in a worker thread only if it would have to wait for a disk."""

    def send_and_look(filename: str) -> Response:
        response: Response = view(filename=filename)
        folder = owner.static_folder
        if folder is not None:
            look_at_disk(app, folder, filename)
        return response

    send_in_thread = bridge.to_async(send_and_look)

    async def send_static_file(filename: str) -> Response:
        # PERF: benchmarks/inprocess.py, kinds "static file" and "static 304": a hop to a thread was two thirds of them.
        folder = owner.static_folder
        # NOTE: a blueprint's functions may be replaced at any time; an application's make new plans.
        if folder is not None and "get_send_file_max_age" not in owner.__dict__:
            request = get_current().request
            response = None if request is None else send_known(app, request, folder, filename, on_loop=True)
            if response is not None:
                return response
        return await send_in_thread(filename)  # type: ignore[no-any-return]  # PERF: a cast is a call

    return send_static_file
