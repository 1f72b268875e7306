"""FastAPI."""

from __future__ import annotations

import typing as t

from fastapi import Cookie, FastAPI, File, Form, Header, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from kinds import CHUNKS, ITEMS, OBJECTS, SECRET, SMALL, Teapot, static_folder
from starlette.middleware.sessions import SessionMiddleware

from apps.on_starlette import Hooks, make_templates


def asgi(kind: str) -> t.Any:
    app = FastAPI(default_response_class=HTMLResponse, openapi_url=None)
    if kind == "plain text":

        @app.get("/")
        async def hello():
            return "Hello, World!"

    elif kind == "int among 200":
        for n in range(200):

            @app.get(f"/section{n}/{{number}}")
            async def section(number: int):
                return str(number)

    elif kind in {"json", "json list"}:
        app = FastAPI(openapi_url=None)
        value = SMALL if kind == "json" else OBJECTS

        @app.get("/json")
        async def as_json():
            return value

    elif kind == "template":
        templates = make_templates()

        @app.get("/template")
        async def template(request: Request):
            return templates.TemplateResponse(request, "page.html", {"title": "Items", "items": ITEMS})

    elif kind == "static file":
        app.mount("/static", StaticFiles(directory=static_folder()))
    elif kind == "session":
        app.add_middleware(SessionMiddleware, secret_key=SECRET)

        @app.get("/session")
        async def count(request: Request):
            request.session["count"] = request.session.get("count", 0) + 1
            return str(request.session["count"])

        @app.get("/plain")
        async def plain():
            return "Hello, World!"

    elif kind == "exception":

        @app.exception_handler(Teapot)
        async def handle(request: Request, exc: Teapot):
            return HTMLResponse("I am a teapot", 418)

        @app.get("/raise")
        async def fail():
            raise Teapot

    elif kind == "hooks":
        app.add_middleware(Hooks)

        @app.get("/area/page")
        async def page():
            return "Hello, World!"

    elif not _add_input(app, kind) and not _add_output(app, kind):
        return None
    return app


def _add_input(app: t.Any, kind: str) -> bool:
    if kind == "query":

        @app.get("/query")
        async def query(q: str, page: int):
            return f"{q} {page}"

    elif kind == "json body":

        @app.post("/body")
        async def body(value: dict[str, t.Any]):
            return value["name"]

    elif kind == "form":

        @app.post("/form")
        async def form(name: t.Annotated[str, Form()]):
            return name

    elif kind == "upload":

        @app.post("/upload")
        async def upload(file: t.Annotated[UploadFile, File()]):
            return str(len(await file.read()))

    elif kind == "multipart fields":

        @app.post("/fields")
        async def fields(field9: t.Annotated[str, Form()]):
            return field9

    elif kind == "request headers":

        @app.get("/headers")
        async def headers(
            user_agent: t.Annotated[str, Header()],
            accept_language: t.Annotated[str, Header()],
            x_request_id: t.Annotated[str, Header()],
        ):
            return f"{user_agent} {accept_language} {x_request_id}"

    else:
        return False
    return True


def _add_output(app: t.Any, kind: str) -> bool:
    if kind == "cookies":

        @app.get("/cookies")
        async def cookies(theme: t.Annotated[str, Cookie()]):
            response = HTMLResponse(theme)
            response.set_cookie("theme", theme, httponly=True)
            return response

    elif kind == "url_for":

        @app.get("/user/{number}")
        async def user(number: int):
            return str(number)

        @app.get("/urls")
        async def urls():
            return " ".join([str(app.url_path_for("user", number=n)) for n in range(5)])

    elif kind == "redirect":

        @app.get("/old")
        async def old():
            return RedirectResponse("/new", 302)

    elif kind == "stream":

        async def generate():
            for chunk in CHUNKS:
                yield chunk

        @app.get("/stream")
        async def stream():
            return StreamingResponse(generate(), media_type="text/html")

    else:
        return False
    return True
