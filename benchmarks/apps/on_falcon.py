"""Falcon, under WSGI and ASGI."""

from __future__ import annotations

import typing as t

import falcon
import falcon.asgi
from kinds import CHUNKS, ITEMS, OBJECTS, SMALL, TEMPLATE, Teapot, static_folder


class Resource:
    """A resource whose responders are given as functions."""

    def __init__(self, **responders: t.Any) -> None:
        for name, responder in responders.items():
            setattr(self, f"on_{name}", responder)


def _template() -> t.Any:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(TEMPLATE)


class Hooks:
    """Middleware in place of hooks."""

    def process_request(self, req, resp):
        req.context.user = "Ada"

    def process_response(self, req, resp, resource, req_succeeded):
        resp.set_header("X-User", req.context.user)
        del req.context.user


class AsyncHooks:
    """Middleware in place of hooks."""

    async def process_request(self, req, resp):
        req.context.user = "Ada"

    async def process_response(self, req, resp, resource, req_succeeded):
        resp.set_header("X-User", req.context.user)
        del req.context.user


def wsgi(kind: str) -> t.Any:
    app = falcon.App(media_type="text/html", middleware=[Hooks()] if kind == "hooks" else None)

    def get(path, responder):
        app.add_route(path, Resource(get=responder))

    def post(path, responder):
        app.add_route(path, Resource(post=responder))

    def hello(req, resp):
        resp.text = "Hello, World!"

    if kind == "plain text":
        get("/", hello)
    elif kind == "int among 200":

        def section(req, resp, number):
            resp.text = str(number)

        for n in range(200):
            get(f"/section{n}/{{number:int}}", section)
    elif kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        def as_json(req, resp):
            resp.content_type = "application/json"
            resp.media = value

        get("/json", as_json)
    elif kind == "query":

        def query(req, resp):
            resp.text = f"{req.get_param('q')} {req.get_param_as_int('page')}"

        get("/query", query)
    elif kind in {"json body", "form"}:

        def body(req, resp):
            resp.text = req.get_media()["name"]

        post("/body" if kind == "json body" else "/form", body)
    elif kind == "upload":

        def upload(req, resp):
            for part in req.get_media():
                if part.name == "file":
                    resp.text = str(len(part.stream.read()))

        post("/upload", upload)
    elif kind == "multipart fields":

        def fields(req, resp):
            resp.text = {part.name: part.text for part in req.get_media()}["field9"]

        post("/fields", fields)
    elif kind == "template":
        template = _template()

        def render(req, resp):
            resp.text = template.render(title="Items", items=ITEMS)

        get("/template", render)
    elif kind == "cookies":

        def cookies(req, resp):
            resp.text = theme = req.cookies["theme"]
            resp.set_cookie("theme", theme, path="/", http_only=True, secure=False)

        get("/cookies", cookies)
    elif kind == "hooks":
        get("/area/page", hello)
    elif kind == "request headers":

        def headers(req, resp):
            find = req.get_header
            resp.text = f"{find('User-Agent')} {find('Accept-Language')} {find('X-Request-Id')}"

        get("/headers", headers)
    elif kind == "redirect":

        def old(req, resp):
            raise falcon.HTTPFound("/new")

        get("/old", old)
    elif kind == "exception":

        def handle(req, resp, exc, params):
            resp.status, resp.text = 418, "I am a teapot"

        def fail(req, resp):
            raise Teapot

        app.add_error_handler(Teapot, handle)
        get("/raise", fail)
    elif kind == "stream":

        def stream(req, resp):
            resp.stream = (chunk for chunk in CHUNKS)

        get("/stream", stream)
    elif kind == "static file":
        app.add_static_route("/static", static_folder())
    else:
        return None
    return app


def asgi(kind: str) -> t.Any:
    app = falcon.asgi.App(media_type="text/html", middleware=[AsyncHooks()] if kind == "hooks" else None)

    def get(path, responder):
        app.add_route(path, Resource(get=responder))

    def post(path, responder):
        app.add_route(path, Resource(post=responder))

    async def hello(req, resp):
        resp.text = "Hello, World!"

    if kind == "plain text":
        get("/", hello)
    elif kind == "int among 200":

        async def section(req, resp, number):
            resp.text = str(number)

        for n in range(200):
            get(f"/section{n}/{{number:int}}", section)
    elif kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        async def as_json(req, resp):
            resp.content_type = "application/json"
            resp.media = value

        get("/json", as_json)
    elif kind == "query":

        async def query(req, resp):
            resp.text = f"{req.get_param('q')} {req.get_param_as_int('page')}"

        get("/query", query)
    elif kind in {"json body", "form"}:

        async def body(req, resp):
            resp.text = (await req.get_media())["name"]

        post("/body" if kind == "json body" else "/form", body)
    elif kind == "upload":

        async def upload(req, resp):
            async for part in await req.get_media():
                if part.name == "file":
                    resp.text = str(len(await part.stream.read()))

        post("/upload", upload)
    elif kind == "multipart fields":

        async def fields(req, resp):
            resp.text = {part.name: await part.text async for part in await req.get_media()}["field9"]

        post("/fields", fields)
    elif kind == "template":
        template = _template()

        async def render(req, resp):
            resp.text = template.render(title="Items", items=ITEMS)

        get("/template", render)
    elif kind == "cookies":

        async def cookies(req, resp):
            resp.text = theme = req.cookies["theme"]
            resp.set_cookie("theme", theme, path="/", http_only=True, secure=False)

        get("/cookies", cookies)
    elif kind == "hooks":
        get("/area/page", hello)
    elif kind == "request headers":

        async def headers(req, resp):
            find = req.get_header
            resp.text = f"{find('User-Agent')} {find('Accept-Language')} {find('X-Request-Id')}"

        get("/headers", headers)
    elif kind == "redirect":

        async def old(req, resp):
            raise falcon.HTTPFound("/new")

        get("/old", old)
    elif kind == "exception":

        async def handle(req, resp, exc, params):
            resp.status, resp.text = 418, "I am a teapot"

        async def fail(req, resp):
            raise Teapot

        app.add_error_handler(Teapot, handle)
        get("/raise", fail)
    elif kind == "stream":

        async def generate():
            for chunk in CHUNKS:
                yield chunk

        async def stream(req, resp):
            resp.stream = generate()

        get("/stream", stream)
    elif kind == "static file":
        app.add_static_route("/static", static_folder())
    else:
        return None
    return app
