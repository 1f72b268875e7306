"""Starlette."""

from __future__ import annotations

import typing as t

from kinds import CHUNKS, ITEMS, OBJECTS, SECRET, SMALL, TEMPLATE, Teapot, static_folder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


def make_templates() -> t.Any:
    """Templates as ``starlette.templating`` has them; FastAPI's are the same."""
    from jinja2 import DictLoader, Environment
    from starlette.templating import Jinja2Templates

    return Jinja2Templates(env=Environment(loader=DictLoader({"page.html": TEMPLATE}), autoescape=True))


class Hooks:
    """Middleware in place of hooks, written against ASGI: the fastest that Starlette has."""

    def __init__(self, app: t.Any) -> None:
        self.app = app

    async def __call__(self, scope, receive, send):
        user = scope.setdefault("state", {})["user"] = "Ada"

        async def send_with_user(message):
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-user", user.encode()))
            await send(message)

        try:
            await self.app(scope, receive, send_with_user)
        finally:
            scope["state"].pop("user")


async def hello(request):
    return HTMLResponse("Hello, World!")


def asgi(kind: str) -> t.Any:
    if kind == "session":

        async def count(request):
            request.session["count"] = request.session.get("count", 0) + 1
            return HTMLResponse(str(request.session["count"]))

        middleware = [Middleware(SessionMiddleware, secret_key=SECRET)]
        return Starlette(routes=[Route("/session", count), Route("/plain", hello)], middleware=middleware)
    if kind == "hooks":
        return Starlette(routes=[Mount("/area", routes=[Route("/page", hello)], middleware=[Middleware(Hooks)])])
    if kind == "exception":

        async def handle(request, exc):
            return HTMLResponse("I am a teapot", 418)

        async def fail(request):
            raise Teapot

        return Starlette(routes=[Route("/raise", fail)], exception_handlers={Teapot: handle})
    routes = _routes(kind)
    return None if routes is None else Starlette(routes=routes)


def _routes(kind: str) -> list[t.Any] | None:
    if kind == "plain text":
        return [Route("/", hello)]
    if kind == "static file":
        return [Mount("/static", StaticFiles(directory=static_folder()))]
    if kind == "int among 200":

        async def section(request):
            return HTMLResponse(str(request.path_params["number"]))

        return [Route(f"/section{n}/{{number:int}}", section) for n in range(200)]
    if kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        async def as_json(request):
            return JSONResponse(value)

        return [Route("/json", as_json)]
    if kind == "url_for":

        async def user(request):
            return HTMLResponse(str(request.path_params["number"]))

        async def urls(request):
            return HTMLResponse(" ".join([str(request.app.url_path_for("user", number=n)) for n in range(5)]))

        return [Route("/user/{number:int}", user, name="user"), Route("/urls", urls)]
    return _body_routes(kind) or _other_routes(kind)


def _body_routes(kind: str) -> list[t.Any] | None:
    if kind == "json body":

        async def body(request):
            return HTMLResponse((await request.json())["name"])

        return [Route("/body", body, methods=["POST"])]
    if kind == "form":

        async def form(request):
            return HTMLResponse((await request.form())["name"])

        return [Route("/form", form, methods=["POST"])]
    if kind == "upload":

        async def upload(request):
            async with request.form() as form:
                return HTMLResponse(str(len(await form["file"].read())))

        return [Route("/upload", upload, methods=["POST"])]
    if kind == "multipart fields":

        async def fields(request):
            return HTMLResponse((await request.form())["field9"])

        return [Route("/fields", fields, methods=["POST"])]
    return None


def _other_routes(kind: str) -> list[t.Any] | None:
    if kind == "query":

        async def query(request):
            return HTMLResponse(f"{request.query_params['q']} {int(request.query_params['page'])}")

        return [Route("/query", query)]
    if kind == "template":
        templates = make_templates()

        async def template(request):
            return templates.TemplateResponse(request, "page.html", {"title": "Items", "items": ITEMS})

        return [Route("/template", template)]
    if kind == "cookies":

        async def cookies(request):
            theme = request.cookies["theme"]
            response = HTMLResponse(theme)
            response.set_cookie("theme", theme, httponly=True)
            return response

        return [Route("/cookies", cookies)]
    if kind == "request headers":

        async def headers(request):
            found = request.headers
            text = f"{found['user-agent']} {found.get('accept-language')} {found.get('x-request-id')}"
            return HTMLResponse(text)

        return [Route("/headers", headers)]
    if kind == "redirect":

        async def old(request):
            return RedirectResponse("/new", 302)

        return [Route("/old", old)]
    if kind == "stream":

        async def generate():
            for chunk in CHUNKS:
                yield chunk

        async def stream(request):
            return StreamingResponse(generate(), media_type="text/html")

        return [Route("/stream", stream)]
    return None
