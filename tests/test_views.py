from __future__ import annotations

import functools
import inspect
import typing as t

import pytest

from kolben import Kolben, request
from kolben.testing import KolbenClient
from kolben.views import MethodView, View


class TestView:
    def test_gets_the_variables_of_the_url(self, app: Kolben, client: KolbenClient) -> None:
        class Hello(View):
            def dispatch_request(self, name: str) -> str:
                return f"Hello, {name}!"

        app.add_url_rule("/<name>", view_func=Hello.as_view("hello"))
        assert client.get("/Ann").text == "Hello, Ann!"
        assert client.post("/Ann").status_code == 405

    def test_async(self, app: Kolben, client: KolbenClient) -> None:
        class Hello(View):
            async def dispatch_request(self, name: str) -> str:
                return f"Hello, {name}!"

        view = Hello.as_view("hello")
        assert inspect.iscoroutinefunction(view)
        app.add_url_rule("/<name>", view_func=view)
        assert client.get("/Ann").text == "Hello, Ann!"

    def test_instance_for_every_request_unless_told(self, app: Kolben, client: KolbenClient) -> None:
        class Counter(View):
            def __init__(self, start: int, step: int = 1) -> None:
                self.count, self.step = start, step

            def dispatch_request(self) -> str:
                self.count += self.step
                return str(self.count)

        class Shared(Counter):
            init_every_request = False

        app.add_url_rule("/fresh", view_func=Counter.as_view("fresh", 10, step=5))
        app.add_url_rule("/shared", view_func=Shared.as_view("shared", 10, step=5))
        assert [client.get("/fresh").text for _ in range(2)] == ["15", "15"]
        assert [client.get("/shared").text for _ in range(2)] == ["15", "20"]

    def test_class_of_a_view_can_be_replaced(self, app: Kolben, client: KolbenClient) -> None:
        class Index(View):
            def dispatch_request(self) -> str:
                return "index"

        class Other(View):
            def dispatch_request(self) -> str:
                return "other"

        view: t.Any = Index.as_view("index")
        app.add_url_rule("/", view_func=view)
        assert view.view_class is Index
        view.view_class = Other
        assert client.get("/").text == "other"

    def test_view_is_named_and_described_like_its_class(self) -> None:
        class Index(View):
            """Doc."""

            methods = ("GET", "POST")
            provide_automatic_options = False

        first: t.Any = Index.as_view("first")
        second: t.Any = Index.as_view("second")
        assert (first.__name__, second.__name__) == ("first", "second")
        assert (first.__doc__, first.__module__) == ("Doc.", __name__)
        assert (first.methods, first.provide_automatic_options) == (("GET", "POST"), False)

    def test_methods_and_automatic_options(self, app: Kolben, client: KolbenClient) -> None:
        class Index(View):
            methods = ("GET", "POST")

            def dispatch_request(self) -> str:
                return request.method

        class Bare(Index):
            provide_automatic_options = False

        app.add_url_rule("/", view_func=Index.as_view("index"))
        app.add_url_rule("/bare", view_func=Bare.as_view("bare"))
        assert client.post("/").text == "POST"
        assert set(client.options("/").allow) == {"GET", "HEAD", "OPTIONS", "POST"}
        assert client.options("/bare").status_code == 405

    @pytest.mark.parametrize("every", [True, False])
    def test_decorators_from_the_inside_out(self, app: Kolben, client: KolbenClient, every: bool) -> None:
        def adding(text: str) -> t.Callable[..., t.Any]:
            def decorator(view: t.Callable[..., str]) -> t.Callable[..., str]:
                @functools.wraps(view)
                def wrapper(**kwargs: t.Any) -> str:
                    return f"{view(**kwargs)} {text} {view.__name__}"

                return wrapper

            return decorator

        class Index(View):
            decorators = (adding("first"), adding("second"))  # type: ignore[assignment]  # any sequence will do
            init_every_request = every

            def dispatch_request(self) -> str:
                return "view"

        app.add_url_rule("/", view_func=Index.as_view("index"))
        assert client.get("/").text == "view first index second index"

    def test_sync_decorator_around_an_async_view(self, app: Kolben, client: KolbenClient) -> None:
        def passing(view: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            return lambda **kwargs: view(**kwargs)

        class Index(View):
            decorators = [passing]  # noqa: RUF012  # as Flask's documentation writes it

            async def dispatch_request(self) -> str:
                return "async"

        app.add_url_rule("/", view_func=Index.as_view("index"))
        assert client.get("/").text == "async"

    def test_not_finished(self) -> None:
        with pytest.raises(NotImplementedError):
            View().dispatch_request()


class TestMethodView:
    def test_sync_async_and_mixed(self, app: Kolben, client: KolbenClient) -> None:
        class Sync(MethodView):
            def get(self, key: int) -> str:
                return f"get {key}"

            def post(self, key: int) -> str:
                return f"post {key}"

        class Async(MethodView):
            async def get(self, key: int) -> str:
                return f"get {key}"

            async def post(self, key: int) -> str:
                return f"post {key}"

        class Mixed(MethodView):
            def get(self, key: int) -> str:
                return f"get {key}"

            async def post(self, key: int) -> str:
                return f"post {key}"

        kinds: dict[type[MethodView], bool] = {Sync: False, Async: True, Mixed: False}
        for cls, is_async in kinds.items():
            view = cls.as_view(cls.__name__)
            assert inspect.iscoroutinefunction(view) is is_async
            app.add_url_rule(f"/{cls.__name__}/<int:key>", view_func=view)
        for cls in kinds:
            assert client.get(f"/{cls.__name__}/1").text == "get 1"
            assert client.post(f"/{cls.__name__}/2").text == "post 2"
            assert client.put(f"/{cls.__name__}/2").status_code == 405

    def test_methods_are_those_that_are_written(self) -> None:
        class Reader(MethodView):
            def get(self) -> str:
                return ""

        class Writer(Reader):
            def delete(self) -> str:
                return ""

        class Mixin:
            def patch(self) -> str:
                return ""

        class Both(Mixin, Writer):
            pass

        class Fewer(Both):
            methods: t.ClassVar[set[str]] = {"GET"}

        assert Reader.methods == {"GET"}
        assert Writer.methods == {"GET", "DELETE"}
        assert Both.methods == {"GET", "DELETE", "PATCH"}
        assert Fewer.methods == {"GET"}
        assert MethodView.methods is None

    def test_methods_of_every_base_are_inherited(self) -> None:
        class First(MethodView):
            methods: t.ClassVar[set[str]] = {"PROPFIND"}

        class Second(MethodView):
            def get(self) -> str:
                return ""

        child: t.Any = type("Child", (First, Second), {})
        assert child.methods == {"PROPFIND", "GET"}

    def test_head_is_answered_by_get_unless_written(self, app: Kolben, client: KolbenClient) -> None:
        class Get(MethodView):
            def get(self) -> tuple[str, dict[str, str]]:
                return "get", {"X-Method": request.method}

        class Head(Get):
            def head(self) -> tuple[str, dict[str, str]]:
                return "", {"X-Method": "own"}

        app.add_url_rule("/get", view_func=Get.as_view("get"))
        app.add_url_rule("/head", view_func=Head.as_view("head"))
        response = client.head("/get")
        assert (response.headers["X-Method"], response.data) == ("HEAD", b"")
        assert client.head("/head").headers["X-Method"] == "own"

    def test_method_that_is_registered_but_not_written(self, app: Kolben, client: KolbenClient) -> None:
        class Index(MethodView):
            def get(self) -> str:
                return ""

        app.add_url_rule("/", view_func=Index.as_view("index"), methods=["TRACE"])
        with pytest.raises(AssertionError, match="Unimplemented method 'TRACE'"):
            client.open("/", method="TRACE")

    def test_sync_override_of_dispatch_request_gets_results(self, app: Kolben, client: KolbenClient) -> None:
        class Resource(MethodView):
            def dispatch_request(self, **kwargs: t.Any) -> t.Any:
                return super().dispatch_request(**kwargs).upper()

        class Item(Resource):
            def get(self) -> str:
                return "sync"

            async def post(self) -> str:
                return "async"

        view = Item.as_view("item")
        assert not inspect.iscoroutinefunction(view)
        app.add_url_rule("/", view_func=view)
        assert client.get("/").text == "SYNC"
        assert client.post("/").text == "ASYNC"

    def test_async_override_of_dispatch_request_awaits_results(self, app: Kolben, client: KolbenClient) -> None:
        class Resource(MethodView):
            async def dispatch_request(self, **kwargs: t.Any) -> t.Any:
                return (await super().dispatch_request(**kwargs)).upper()

        class Item(Resource):
            def get(self) -> str:
                return "sync"

            async def post(self) -> str:
                return "async"

        view = Item.as_view("item")
        assert inspect.iscoroutinefunction(view)
        app.add_url_rule("/", view_func=view)
        assert client.get("/").text == "SYNC"
        assert client.post("/").text == "ASYNC"
