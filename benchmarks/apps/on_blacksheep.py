"""BlackSheep."""

import typing as t

from blacksheep import Application, Content, Cookie, FromFiles, FromForm, FromJSON, Request, Response, StreamedContent
from blacksheep.server.responses import html, json, redirect
from kinds import CHUNKS, ITEMS, OBJECTS, SECRET, SMALL, TEMPLATE, Teapot, static_folder


def asgi(kind: str) -> t.Any:
    app = Application()
    get, post = app.router.get, app.router.post
    if kind == "plain text":

        @get("/")
        async def hello():
            return html("Hello, World!")

    elif kind == "int among 200":

        async def section(number: int):
            return html(str(number))

        for n in range(200):
            get(f"/section{n}/{{int:number}}")(section)

    elif kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        @get("/json")
        async def as_json():
            return json(value)

    elif kind == "query":

        @get("/query")
        async def query(q: str, page: int):
            return html(f"{q} {page}")

    elif kind == "json body":

        @post("/body")
        async def body(data: FromJSON[dict]):
            return html(data.value["name"])

    elif kind == "form":

        @post("/form")
        async def form(data: FromForm[dict]):
            return html(data.value["name"])

    elif kind == "upload":

        @post("/upload")
        async def upload(files: FromFiles):
            file = files.value[0]
            data = getattr(file, "data", None)
            return html(str(len(data if data is not None else await file.read())))

    elif kind == "multipart fields":

        @post("/fields")
        async def fields(data: FromForm[dict]):
            return html(data.value["field9"])

    elif not _add_output(app, kind):
        return None
    return app


def _add_output(app: Application, kind: str) -> bool:
    get = app.router.get
    if kind == "template":
        from jinja2 import Environment

        template = Environment(autoescape=True).from_string(TEMPLATE)

        @get("/template")
        async def render():
            return html(template.render(title="Items", items=ITEMS))

    elif kind == "cookies":

        @get("/cookies")
        async def cookies(request: Request):
            theme = request.cookies["theme"]
            response = html(theme)
            response.set_cookie(Cookie("theme", theme, path="/", http_only=True))
            return response

    elif kind == "session":
        app.use_sessions(SECRET)

        @get("/session")
        async def count(request: Request):
            request.session["count"] = request.session.get("count", 0) + 1
            return html(str(request.session["count"]))

        @get("/plain")
        async def plain():
            return html("Hello, World!")

    elif kind == "hooks":

        @app.middlewares.append
        async def hooks(request: Request, handler: t.Any) -> Response:
            request.user_name = "Ada"
            response = await handler(request)
            response.add_header(b"X-User", request.user_name.encode())
            return response

        @get("/area/page")
        async def page(request: Request):
            return html("Hello, World!")

    elif kind == "request headers":

        @get("/headers")
        async def headers(request: Request):
            first = request.get_first_header
            found = (first(b"user-agent"), first(b"accept-language"), first(b"x-request-id"))
            return html(" ".join([value.decode() for value in found]))

    elif kind == "redirect":

        @get("/old")
        async def old():
            return redirect("/new")

    elif kind == "exception":

        @app.exception_handler(Teapot)
        async def handle(self, request: Request, exc: Teapot):
            return Response(418, content=Content(b"text/html", b"I am a teapot"))

        @get("/raise")
        async def fail():
            raise Teapot

    elif kind == "stream":

        async def generate():
            for chunk in CHUNKS:
                yield chunk

        @get("/stream")
        async def stream():
            return Response(200, content=StreamedContent(b"text/html", generate))

    elif kind == "static file":
        app.serve_files(static_folder(), root_path="static", extensions={".css"})
    else:
        return False
    return True
