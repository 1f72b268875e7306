"""Kolben, Flask and Quart: the same application source."""

from __future__ import annotations

import typing as t

from kinds import CHUNKS, ITEMS, OBJECTS, SECRET, SMALL, TEMPLATE, Teapot, static_folder


def make(flask: t.Any, cls: t.Any, kind: str) -> t.Any:
    """An application with synchronous views."""
    app = cls(__name__, static_folder=static_folder() if kind == "static file" else None, static_url_path="/static")
    app.secret_key = SECRET
    request, session = flask.request, flask.session

    if kind == "plain text":

        @app.route("/")
        def hello():
            return "Hello, World!"

    elif kind == "int among 200":
        for n in range(200):

            @app.route(f"/section{n}/<int:number>", endpoint=f"section{n}")
            def section(number):
                return str(number)

    elif kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        @app.route("/json")
        def as_json():
            return value

    elif kind == "query":

        @app.route("/query")
        def query():
            return f"{request.args['q']} {request.args.get('page', type=int)}"

    elif kind == "json body":

        @app.route("/body", methods=["POST"])
        def body():
            return request.get_json()["name"]

    elif kind == "form":

        @app.route("/form", methods=["POST"])
        def form():
            return request.form["name"]

    elif kind == "upload":

        @app.route("/upload", methods=["POST"])
        def upload():
            return str(len(request.files["file"].read()))

    elif kind == "multipart fields":

        @app.route("/fields", methods=["POST"])
        def fields():
            return request.form["field9"]

    elif kind == "template":
        app.jinja_env.loader = _loader()

        @app.route("/template")
        def template():
            return flask.render_template("page.html", title="Items", items=ITEMS)

    elif kind == "cookies":

        @app.route("/cookies")
        def cookies():
            theme = request.cookies["theme"]
            response = flask.make_response(theme)
            response.set_cookie("theme", theme, httponly=True)
            return response

    elif kind == "session":

        @app.route("/session")
        def count():
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        @app.route("/plain")
        def plain():
            return "Hello, World!"

    elif kind == "hooks":
        area = flask.Blueprint("area", __name__, url_prefix="/area")

        @area.before_request
        def before():
            flask.g.user = "Ada"

        @area.after_request
        def after(response):
            response.headers["X-User"] = flask.g.user
            return response

        @area.teardown_request
        def teardown(exc):
            flask.g.pop("user", None)

        @area.route("/page")
        def page():
            return "Hello, World!"

        app.register_blueprint(area)

    elif kind == "request headers":

        @app.route("/headers")
        def headers():
            found = request.headers
            return f"{found['User-Agent']} {found.get('Accept-Language')} {found.get('X-Request-Id')}"

    elif kind == "url_for":

        @app.route("/user/<int:number>")
        def user(number):
            return str(number)

        @app.route("/urls")
        def urls():
            return " ".join([flask.url_for("user", number=n) for n in range(5)])

    elif kind == "redirect":

        @app.route("/old")
        def old():
            return flask.redirect("/new")

    elif kind == "exception":

        @app.errorhandler(Teapot)
        def handle(exc):
            return "I am a teapot", 418

        @app.route("/raise")
        def fail():
            raise Teapot

    elif kind == "stream":

        @app.route("/stream")
        def stream():
            def generate():
                yield from CHUNKS

            return generate()

    elif kind != "static file":
        return None
    return app


def make_async(flask: t.Any, cls: t.Any, kind: str) -> t.Any:
    """An application with asynchronous views."""
    app = cls(__name__, static_folder=static_folder() if kind == "static file" else None, static_url_path="/static")
    app.secret_key = SECRET
    request, session = flask.request, flask.session

    if kind == "plain text":

        @app.route("/")
        async def hello():
            return "Hello, World!"

    elif kind == "int among 200":
        for n in range(200):

            @app.route(f"/section{n}/<int:number>", endpoint=f"section{n}")
            async def section(number):
                return str(number)

    elif kind in {"json", "json list"}:
        value = SMALL if kind == "json" else OBJECTS

        @app.route("/json")
        async def as_json():
            return value

    elif kind == "query":

        @app.route("/query")
        async def query():
            return f"{request.args['q']} {request.args.get('page', type=int)}"

    elif kind == "json body":

        @app.route("/body", methods=["POST"])
        async def body():
            return (await request.get_json())["name"]

    elif kind == "form":

        @app.route("/form", methods=["POST"])
        async def form():
            return (await request.form)["name"]

    elif kind == "upload":

        @app.route("/upload", methods=["POST"])
        async def upload():
            return str(len((await request.files)["file"].read()))

    elif kind == "multipart fields":

        @app.route("/fields", methods=["POST"])
        async def fields():
            return (await request.form)["field9"]

    elif kind == "template":
        app.jinja_env.loader = _loader()

        @app.route("/template")
        async def template():
            return await _awaited(flask.render_template("page.html", title="Items", items=ITEMS))

    elif kind == "cookies":

        @app.route("/cookies")
        async def cookies():
            theme = request.cookies["theme"]
            response = await _awaited(flask.make_response(theme))
            response.set_cookie("theme", theme, httponly=True)
            return response

    elif kind == "session":

        @app.route("/session")
        async def count():
            session["count"] = session.get("count", 0) + 1
            return str(session["count"])

        @app.route("/plain")
        async def plain():
            return "Hello, World!"

    elif kind == "hooks":
        area = flask.Blueprint("area", __name__, url_prefix="/area")

        @area.before_request
        async def before():
            flask.g.user = "Ada"

        @area.after_request
        async def after(response):
            response.headers["X-User"] = flask.g.user
            return response

        @area.teardown_request
        async def teardown(exc):
            flask.g.pop("user", None)

        @area.route("/page")
        async def page():
            return "Hello, World!"

        app.register_blueprint(area)

    elif kind == "request headers":

        @app.route("/headers")
        async def headers():
            found = request.headers
            return f"{found['User-Agent']} {found.get('Accept-Language')} {found.get('X-Request-Id')}"

    elif kind == "url_for":

        @app.route("/user/<int:number>")
        async def user(number):
            return str(number)

        @app.route("/urls")
        async def urls():
            return " ".join([flask.url_for("user", number=n) for n in range(5)])

    elif kind == "redirect":

        @app.route("/old")
        async def old():
            return flask.redirect("/new")

    elif kind == "exception":

        @app.errorhandler(Teapot)
        async def handle(exc):
            return "I am a teapot", 418

        @app.route("/raise")
        async def fail():
            raise Teapot

    elif kind == "stream":

        @app.route("/stream")
        async def stream():
            async def generate():
                for chunk in CHUNKS:
                    yield chunk

            return generate()

    elif kind != "static file":
        return None
    return app


async def _awaited(value: t.Any) -> t.Any:
    return await value if hasattr(value, "__await__") else value


def _loader() -> t.Any:
    from jinja2 import DictLoader

    return DictLoader({"page.html": TEMPLATE})
