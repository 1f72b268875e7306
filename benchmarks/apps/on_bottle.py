"""Bottle."""

from __future__ import annotations

import typing as t

import bottle
from bottle import request, response
from kinds import CHUNKS, ITEMS, OBJECTS, SMALL, TEMPLATE, Teapot, static_folder


def wsgi(kind: str) -> t.Any:
    app = bottle.Bottle()
    if kind == "plain text":
        app.get("/")(lambda: "Hello, World!")
    elif kind == "int among 200":
        for n in range(200):
            app.get(f"/section{n}/<number:int>")(lambda number: str(number))
    elif kind == "json":
        app.get("/json")(lambda: SMALL)
    elif kind == "json list":

        def as_json():
            response.content_type = "application/json"
            return bottle.json_dumps(OBJECTS)

        app.get("/json")(as_json)
    elif kind == "query":
        app.get("/query")(lambda: f"{request.query.q} {request.query.get('page', type=int)}")
    elif kind == "json body":
        app.post("/body")(lambda: request.json["name"])
    elif kind == "form":
        app.post("/form")(lambda: request.forms.name)
    elif kind == "upload":
        app.post("/upload")(lambda: str(len(request.files["file"].file.read())))
    elif kind == "multipart fields":
        app.post("/fields")(lambda: request.forms.field9)
    elif kind == "template":
        from jinja2 import Environment

        template = Environment(autoescape=True).from_string(TEMPLATE)
        app.get("/template")(lambda: template.render(title="Items", items=ITEMS))
    elif kind == "cookies":

        def cookies():
            theme = request.get_cookie("theme")
            response.set_cookie("theme", theme, path="/", httponly=True)
            return theme

        app.get("/cookies")(cookies)
    elif kind == "hooks":

        @app.hook("before_request")
        def before():
            request.user = "Ada"

        @app.hook("after_request")
        def after():
            response.set_header("X-User", request.user)
            del request.user

        app.get("/area/page")(lambda: "Hello, World!")
    elif kind == "request headers":
        get = request.get_header
        app.get("/headers")(lambda: f"{get('User-Agent')} {get('Accept-Language')} {get('X-Request-Id')}")
    elif kind == "url_for":
        app.get("/user/<number:int>", name="user")(lambda number: str(number))
        app.get("/urls")(lambda: " ".join([app.get_url("user", number=n) for n in range(5)]))
    elif kind == "redirect":
        app.get("/old")(lambda: bottle.redirect("/new", 302))
    elif kind == "exception":

        def guard(callback):
            def wrapped(**arguments):
                try:
                    return callback(**arguments)
                except Teapot:
                    return bottle.HTTPResponse("I am a teapot", 418)

            return wrapped

        def fail():
            raise Teapot

        app.install(guard)
        app.get("/raise")(fail)
    elif kind == "stream":

        def stream():
            yield from CHUNKS

        app.get("/stream")(stream)
    elif kind == "static file":
        folder = static_folder()
        app.get("/static/<name:path>")(lambda name: bottle.static_file(name, root=folder))
    else:
        return None
    return app
