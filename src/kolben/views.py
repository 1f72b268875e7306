"""Views as classes."""

from __future__ import annotations

import inspect
import typing as t

from . import bridge
from .globals import current_app, request

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from . import typing as ft

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class View:
    """A view that is a class: write :meth:`dispatch_request`, and register what :meth:`as_view` returns::

        class Hello(View):
            init_every_request = False

            def dispatch_request(self, name):
                return f"Hello, {name}!"

        app.add_url_rule("/hello/<name>", view_func=Hello.as_view("hello"))

    Decorators stand in :attr:`decorators`: one around the class would not be around the view.
    """

    #: The methods the view is registered for; ``None`` for what :meth:`.Kolben.route` has.
    methods: t.ClassVar[Collection[str] | None] = None

    #: Whether ``OPTIONS`` is answered for the view; ``None`` for what :meth:`.Kolben.route` has.
    provide_automatic_options: t.ClassVar[bool | None] = None

    #: Put around the view function, the first one innermost.
    decorators: t.ClassVar[list[Callable[..., t.Any]]] = []

    #: Whether each request gets an instance of its own. With ``False``, which is faster, keep nothing of a request on
    #: ``self``.
    init_every_request: t.ClassVar[bool] = True

    def dispatch_request(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Answer a request. It is called with the variables of the URL as keywords, and may be async."""
        raise NotImplementedError

    @classmethod
    def as_view(cls, name: str, *class_args: t.Any, **class_kwargs: t.Any) -> ft.RouteCallable:
        """Make the view function of the class. It is a coroutine function if all that answers a request is async.

        :param name: of the function, and so of the endpoint.
        :param class_args: passed to the class when it is instantiated, as are the keywords.
        """
        if cls.init_every_request:

            def dispatch(**values: t.Any) -> t.Any:
                return view.view_class(*class_args, **class_kwargs).dispatch_request(**values)
        else:
            dispatch = cls(*class_args, **class_kwargs).dispatch_request

        view: t.Any = _function(dispatch, cls._is_async())
        if cls.decorators:
            view.__name__ = name
            view.__module__ = cls.__module__
            for decorator in cls.decorators:
                view = decorator(view)
        # FLASK: the class can be found by its view, and be replaced there in tests.
        view.view_class = cls
        view.__name__ = name
        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        return t.cast("ft.RouteCallable", view)

    @classmethod
    def _is_async(cls) -> bool:
        return inspect.iscoroutinefunction(cls.dispatch_request)


class MethodView(View):
    """A view with a method for each HTTP method, sync or async: ``get``, ``post``, ... ``HEAD`` is answered by ``get``
    where there is no ``head``::

        class CounterAPI(MethodView):
            def get(self):
                return str(session.get("counter", 0))

            def post(self):
                session["counter"] = session.get("counter", 0) + 1
                return redirect(url_for("counter"))

        app.add_url_rule("/counter", view_func=CounterAPI.as_view("counter"))
    """

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        inherited = {method for base in cls.__bases__ for method in getattr(base, "methods", None) or ()}
        written = {name.upper() for name in http_method_funcs if hasattr(cls, name)}
        if inherited or written:
            cls.methods = inherited | written

    def dispatch_request(self, **kwargs: t.Any) -> t.Any:
        """Call the method for the request's method. An override of this gets its result: awaited from an async one if
        the override is async too, at once if it is not."""
        name = request.method.lower()
        method = getattr(self, name, None)
        if method is None and name == "head":
            method = getattr(self, "get", None)
        if method is None:
            raise AssertionError(f"Unimplemented method {request.method!r}")
        override = type(self).dispatch_request
        if override is MethodView.dispatch_request:
            return method(**kwargs)
        if inspect.iscoroutinefunction(override):
            return bridge.to_async(method)(**kwargs)
        return current_app.ensure_sync(method)(**kwargs)

    @classmethod
    def _is_async(cls) -> bool:
        if cls.dispatch_request is not MethodView.dispatch_request:
            return super()._is_async()
        written = [getattr(cls, name) for name in http_method_funcs if hasattr(cls, name)]
        return bool(written) and all(map(inspect.iscoroutinefunction, written))


def _function(dispatch: Callable[..., t.Any], is_async: bool) -> Callable[..., t.Any]:
    """Return a function of the right kind, of its own for each view, that calls ``dispatch``."""
    if is_async:

        async def view_async(**values: t.Any) -> t.Any:
            return await dispatch(**values)

        return view_async

    def view(**values: t.Any) -> t.Any:
        return dispatch(**values)

    return view
