"""The current request, used for what it is not."""

from kolben import request, session, url_for, websocket

count: int = request.form["count"]  # E: assignment
name: str = request.args.get("name")  # E: assignment
request.path = 7  # E: assignment
request.methods  # E: attr-defined
session.permanent = "yes"  # E: assignment
session[1] = "one"  # E: index
url_for(1)  # E: arg-type


def view() -> None:
    websocket.receive()  # E: unused-coroutine


async def async_view() -> None:
    await websocket.send(7)  # E: arg-type
