"""An application that reads bodies, and an account of what is left of them."""

from __future__ import annotations

import gc
import os
import threading
import typing as t

from kolben import Kolben, request
from kolben.ctx import RequestContext

app = Kolben(__name__)
torn_down = 0


@app.get("/")
def index() -> str:
    return "alive"


@app.post("/read")
def read() -> str:
    return str(len(request.get_data()))


@app.post("/read-async")
async def read_async() -> str:
    return str(len(request.get_data()))


@app.teardown_request
def note(error: BaseException | None) -> None:
    global torn_down
    torn_down += 1


@app.get("/account")
def account() -> dict[str, t.Any]:
    gc.collect()
    names = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if _is_open(name)]
    return {
        "pid": os.getpid(),
        "fds": len(names),
        "deleted": sum(name.endswith("(deleted)") for name in names),
        "threads": threading.active_count(),
        "contexts": sum(type(thing) is RequestContext for thing in gc.get_objects()) - 1,  # this request's own
        "torn_down": torn_down,
    }


def _is_open(name: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{name}")
