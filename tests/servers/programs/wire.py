"""An application that says, as JSON, what arrived of a request, and answers what it must not."""

from __future__ import annotations

import os
import typing as t

from kolben import Kolben, Response, redirect, request, url_for

app = Kolben(__name__)
app.secret_key = "not secret: this is a test"
app.json.sort_keys = True  # type: ignore[attr-defined]


def seen() -> dict[str, t.Any]:
    """What a view can know of its request."""
    environ = request.environ
    names = sorted(name for name, _ in request.headers.items())
    return {
        "method": request.method,
        "path": request.path,
        "host": request.host,
        "url": request.url,
        "root": request.root_path,
        "args": request.args.to_dict(flat=False),
        "names": names,
        "cookies": request.cookies.to_dict(flat=False),
        "forwarded": request.headers.getlist("X-Forwarded-For"),
        "environ_forwarded": environ.get("HTTP_X_FORWARDED_FOR"),
        "type": request.content_type,
        "protocol": environ["SERVER_PROTOCOL"],
        "remote": request.remote_addr,
        "scheme": request.scheme,
        "body": request.get_data(as_text=True),
        "odd": request.headers.get("X-Odd"),
        "environ": sorted(key for key in environ if key.startswith("HTTP_")),
        "secret": "hunter2" in repr(environ),
        "link": url_for("index", _external=True),
    }


@app.route("/", methods=["GET", "POST"])
def index() -> dict[str, t.Any]:
    return seen()


@app.route("/async", methods=["GET", "POST"])
async def index_async() -> dict[str, t.Any]:
    return seen()


@app.route("/<path:name>", methods=["GET", "POST"])
def any_path(name: str) -> dict[str, t.Any]:
    return seen()


@app.get("/raises")
def raises() -> str:
    raise RuntimeError("hunter2 in a message")


@app.get("/pid")
def pid() -> dict[str, int]:
    return {"pid": os.getpid()}


@app.get("/respond/<how>")
def respond(how: str) -> t.Any:
    return RESPONSES[how]()


def _plain(headers: dict[str, str], **options: t.Any) -> Response:
    response = Response("body", **options)
    for name, value in headers.items():
        response.headers.__dict__["_list"].append((name, value))
    return response


RESPONSES: dict[str, t.Callable[[], t.Any]] = {
    "bad-name": lambda: _plain({"X Bad": "a"}),
    "crlf": lambda: _plain({"X-Bad": "a\r\nX-Evil: 1"}),
    "nul": lambda: _plain({"X-Bad": "a\0b"}),
    "crlf-location": lambda: _plain({"Location": "/a\r\nX-Evil: 1"}, status=302),
    "bad-status": lambda: Response("body", status="200 OK\r\nX-Evil: 1"),
    "latin-1": lambda: _plain({"X-Good": "caf\u00e9"}),
    "not-latin-1": lambda: _plain({"X-Good": "\u20ac"}),
    "204": lambda: Response("body!", 204, {"Content-Length": "5"}),
    "304": lambda: Response("body!", 304, {"Content-Length": "5"}),
    "redirect": lambda: redirect("/caf\u00e9"),
    "stream": lambda: Response(part for part in ("a", "b", "c")),
    "length": lambda: Response("body", 200, {"Content-Length": "4"}),
}
