"""Litestar. Its signed cookie sessions need a cryptography library: they are left out."""

import typing as t

from kinds import CHUNKS, ITEMS, OBJECTS, SMALL, TEMPLATE, Teapot, static_folder
from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Stream, Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

HTML: t.Any = {"media_type": MediaType.HTML}
Multipart = Body(media_type=RequestEncodingType.MULTI_PART)


@get("/", **HTML)
async def hello() -> str:
    return "Hello, World!"


def asgi(kind: str) -> t.Any:
    if kind == "static file":
        return _app(create_static_files_router(path="/static", directories=[static_folder()]))
    if kind == "plain text":
        return _app(hello)
    if kind == "int among 200":
        return _app(*[_section(n) for n in range(200)])
    if kind == "hooks":
        return _app(_hooked())
    if kind == "exception":

        def handle(request: Request, exc: Exception) -> Response:
            return Response("I am a teapot", status_code=418, media_type=MediaType.HTML)

        @get("/raise", **HTML)
        async def fail() -> str:
            raise Teapot

        return _app(fail, exception_handlers={Teapot: handle})
    if kind == "template":
        from jinja2 import DictLoader, Environment

        engine = JinjaTemplateEngine.from_environment(
            Environment(loader=DictLoader({"page.html": TEMPLATE}), autoescape=True)
        )

        @get("/template")
        async def template() -> Template:
            return Template("page.html", context={"title": "Items", "items": ITEMS})

        return _app(template, template_config=TemplateConfig(instance=engine))
    handlers = _input_handlers(kind) or _output_handlers(kind)
    return _app(*handlers) if handlers else None


def _app(*handlers: t.Any, **options: t.Any) -> Litestar:
    return Litestar(list(handlers), openapi_config=None, logging_config=None, **options)


def _section(n: int) -> t.Any:
    @get(f"/section{n}/{{number:int}}", **HTML)
    async def section(number: int) -> str:
        return str(number)

    return section


def _hooked() -> Router:
    async def before(request: Request) -> None:
        request.state.user = "Ada"

    async def after(response: Response) -> Response:
        response.headers["X-User"] = "Ada"
        return response

    async def teardown(request: Request) -> None:
        del request.state.user

    @get("/page", **HTML)
    async def page() -> str:
        return "Hello, World!"

    return Router("/area", route_handlers=[page], before_request=before, after_request=after, after_response=teardown)


def _input_handlers(kind: str) -> list[t.Any]:
    if kind == "query":

        @get("/query", **HTML)
        async def query(q: str, page: int) -> str:
            return f"{q} {page}"

        return [query]
    if kind == "json body":

        @post("/body", status_code=200, **HTML)
        async def body(data: dict[str, t.Any]) -> str:
            return data["name"]

        return [body]
    if kind == "form":

        @post("/form", status_code=200, **HTML)
        async def form(
            data: t.Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
        ) -> str:
            return data["name"]

        return [form]
    if kind == "upload":

        @post("/upload", status_code=200, **HTML)
        async def upload(data: t.Annotated[dict[str, UploadFile], Multipart]) -> str:
            return str(len(await data["file"].read()))

        return [upload]
    if kind == "multipart fields":

        @post("/fields", status_code=200, **HTML)
        async def fields(data: t.Annotated[dict[str, str], Multipart]) -> str:
            return data["field9"]

        return [fields]
    if kind == "request headers":

        @get("/headers", **HTML)
        async def headers(request: Request) -> str:
            found = request.headers
            return f"{found['user-agent']} {found.get('accept-language')} {found.get('x-request-id')}"

        return [headers]
    return []


def _output_handlers(kind: str) -> list[t.Any]:
    if kind in {"json", "json list"}:
        value: t.Any = SMALL if kind == "json" else OBJECTS

        @get("/json")
        async def as_json() -> t.Any:
            return value

        return [as_json]
    if kind == "cookies":

        @get("/cookies")
        async def cookies(theme: t.Annotated[str, Parameter(cookie="theme")]) -> Response[str]:
            response = Response(theme, media_type=MediaType.HTML)
            response.set_cookie("theme", theme, httponly=True)
            return response

        return [cookies]
    if kind == "url_for":

        @get("/user/{number:int}", name="user", **HTML)
        async def user(number: int) -> str:
            return str(number)

        @get("/urls", **HTML)
        async def urls(request: Request) -> str:
            return " ".join([request.app.route_reverse("user", number=n) for n in range(5)])

        return [user, urls]
    if kind == "redirect":

        @get("/old")
        async def old() -> Redirect:
            return Redirect("/new")

        return [old]
    if kind == "stream":

        async def generate() -> t.AsyncGenerator[bytes, None]:
            for chunk in CHUNKS:
                yield chunk

        @get("/stream")
        async def stream() -> Stream:
            return Stream(generate(), media_type="text/html")

        return [stream]
    return []
