"""The view of a static route, by a shorter way. Under ASGI, what needs no waiting is answered on the event loop."""

from __future__ import annotations

import typing as t
from types import MethodType

from .. import bridge
from ..globals import get_current
from ..http.directories import look_at_disk, send_known
from ..registrar import Registrar, StaticView
from ..signals import request_finished

if t.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..app import Kolben
    from ..http.response import Response
    from ..http.wire import Page

_finished = request_finished.receivers


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


class Shortcut:
    """The shortest way from a static route to what is sent, for a view that :func:`owner_of` knows.

    PERF: benchmarks/inprocess.py, kinds "static file" and "static 304".

    :param sends_pages: whether functions that were registered leave a response as it is.
    :param on_loop: see :func:`.send_known`.
    """

    def __init__(self, app: Kolben, owner: Registrar, sends_pages: bool, on_loop: bool) -> None:
        self.app = app
        self.owner = owner
        self.sends_pages = sends_pages
        self.on_loop = on_loop

    def send(self, filename: str) -> Response | Page | None:
        """The file, or ``None`` for what the view must say."""
        ctx, owner = get_current(), self.owner
        request, folder = ctx.request, owner.static_folder
        # NOTE: a blueprint's functions may be replaced at any time; an application's make new plans.
        if folder is None or request is None or "get_send_file_max_age" in owner.__dict__:
            return None
        as_page = self.sends_pages and not (_finished or getattr(ctx, "is_eventful", True))
        return send_known(self.app, request, folder, filename, on_loop=self.on_loop, as_page=as_page)


def sending(view: Callable[..., Response], shortcut: Shortcut) -> Callable[..., Response | Page]:
    """The view, which is called only if there is no shortcut."""

    def send_static_file(filename: str) -> Response | Page:
        answer = shortcut.send(filename)
        return view(filename=filename) if answer is None else answer

    return send_static_file


def sending_at_once(view: Callable[..., Response], shortcut: Shortcut) -> Callable[..., Awaitable[Response | Page]]:
    """The view, as a coroutine function that calls it in a worker thread only if it would have to wait for a disk."""

    def send_and_look(filename: str) -> Response:
        response = view(filename=filename)
        folder = shortcut.owner.static_folder
        if folder is not None:
            look_at_disk(shortcut.app, folder, filename)
        return response

    send_in_thread = bridge.to_async(send_and_look)

    async def send_static_file(filename: str) -> Response | Page:
        answer = shortcut.send(filename)
        return await send_in_thread(filename) if answer is None else answer

    return send_static_file
