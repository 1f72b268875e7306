"""Behind a proxy: what a view is told of its client, events one at a time, an upload that is watched, a socket."""

from __future__ import annotations

import os
import threading
import typing as t

from werkzeug.middleware.proxy_fix import ProxyFix

from kolben import EventStream, Kolben, Response, WebSocket, request, send_file, url_for
from kolben.server.proxies import ProxyHeaders

if t.TYPE_CHECKING:
    from collections.abc import Iterator

app = Kolben(__name__)
app.config["USE_X_SENDFILE"] = True
if os.environ.get("BEHIND") == "ProxyHeaders":
    app.asgi_app = ProxyHeaders(app.asgi_app, "127.0.0.1")  # type: ignore[method-assign]  # as middleware is installed
elif os.environ.get("BEHIND") == "ProxyFix":
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]  # likewise
received: list[int] = []
may_go_on = threading.Event()


@app.after_request
def let_nginx_send(response: Response) -> Response:
    path = response.headers.pop("X-Sendfile", None)
    if path is not None:
        response.headers["X-Accel-Redirect"] = f"/sent-by-nginx{path}"
    return response


@app.get("/")
def index() -> dict[str, t.Any]:
    return {
        "address": request.remote_addr,
        "scheme": request.scheme,
        "host": request.host,
        "prefix": request.root_path,
        "url": url_for("index", _external=True),
        "headers": {name.lower(): value for name, value in request.headers if "forwarded" in name.lower()},
        "secure": request.is_secure,
    }


@app.get("/page/<name>")
def page(name: str) -> str:
    return url_for("page", name=name, _external=True)


@app.get("/events")
def events() -> EventStream:
    def produce() -> Iterator[str]:
        yield "first"
        has_waited = may_go_on.wait(20)
        may_go_on.clear()
        yield "second" if has_waited else "too late"

    return EventStream(produce())


@app.post("/go-on")
def go_on() -> str:
    may_go_on.set()
    return ""


@app.post("/files/upload", stream_body=True, max_content_length=512 * 1024**2)
def upload() -> dict[str, int]:
    received.append(0)
    while chunk := request.stream.read(64 * 1024):
        received[-1] += len(chunk)
    return {"size": received[-1]}


@app.get("/received")
def received_so_far() -> list[int]:
    return received


@app.get("/report")
def report() -> Response:
    return send_file(os.environ["REPORT"])


@app.websocket("/chat/echo")
async def echo(ws: WebSocket) -> None:
    await ws.send_json({"address": ws.remote_addr, "url": ws.url})
    async for message in ws:
        await ws.send(message)
