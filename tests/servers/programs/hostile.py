"""An application that reads all that a hostile client may send, and an account of what is left of it."""

from __future__ import annotations

import gc
import os
import threading
import typing as t

from kolben import Kolben, Response, request, session
from kolben.ctx import RequestContext

if t.TYPE_CHECKING:
    from collections.abc import Iterator

app = Kolben(__name__)
app.secret_key = "not secret: this is a test"

CHUNK = b"x" * 65536
produced = 0


@app.get("/")
def index() -> str:
    return "alive"


@app.route("/<path:name>")
def any_path(name: str) -> dict[str, str]:
    return {"path": request.path, "url": request.url}


@app.route("/read/<how>", methods=["GET", "POST"])
def read(how: str) -> dict[str, t.Any]:
    return {"read": READS[how]()}


@app.route("/read-async/<how>", methods=["GET", "POST"])
async def read_async(how: str) -> dict[str, t.Any]:
    return {"read": READS[how]()}


READS: dict[str, t.Callable[[], t.Any]] = {
    "form": lambda: [len(request.form), len(request.files)],
    "data": lambda: len(request.get_data()),
    "json": lambda: request.get_json(),
    "args": lambda: request.args.to_dict(),
    "cookies": lambda: request.cookies.to_dict(),
    "session": lambda: dict(session),
    "header": lambda: request.headers.get("X-Any"),
    "forwarded": lambda: [request.headers.get("X-Forwarded-For"), request.environ.get("HTTP_X_FORWARDED_FOR")],
}


@app.get("/fast")
def fast() -> Response:
    def chunks() -> Iterator[bytes]:
        global produced
        while True:
            produced += len(CHUNK)
            yield CHUNK

    return Response(chunks())


@app.get("/fast-async")
async def fast_async() -> Response:
    async def chunks() -> t.AsyncIterator[bytes]:
        global produced
        while True:
            produced += len(CHUNK)
            yield CHUNK

    return Response(chunks())


@app.get("/account")
def account() -> dict[str, t.Any]:
    gc.collect()
    return {
        "pid": os.getpid(),
        "fds": len(os.listdir("/proc/self/fd")),
        "deleted": sum(1 for name in _open_files() if name.endswith("(deleted)")),
        "threads": threading.active_count(),
        "contexts": sum(type(thing) is RequestContext for thing in gc.get_objects()) - 1,  # this request's own
        "produced": produced,
    }


def _open_files() -> Iterator[str]:
    for name in os.listdir("/proc/self/fd"):
        try:
            yield os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass
