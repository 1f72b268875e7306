"""A request driven through an ASGI application as a server does, without a server."""

from __future__ import annotations

import asyncio
import typing as t


class Answer(t.NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    messages: list[dict[str, t.Any]]


def scope(method: str = "GET", target: str = "/", **changes: t.Any) -> dict[str, t.Any]:
    """A scope as Granian makes them."""
    raw, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("192.0.2.7", 4711),
        "server": ("127.0.0.1", 8000),
        "state": {},
        **changes,
    }


def drive(asgi: t.Any, request: dict[str, t.Any], *chunks: bytes, leaves: bool = False) -> Answer:
    """Send one request and return its response.

    :param chunks: the body, as it arrives.
    :param leaves: whether the client goes away after them.
    """
    return asyncio.run(conversation(asgi, request, *chunks, leaves=leaves))


async def conversation(asgi: t.Any, request: dict[str, t.Any], *chunks: bytes, leaves: bool = False) -> Answer:
    sent: list[dict[str, t.Any]] = []
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if leaves:
        coming.append({"type": "http.disconnect"})
    else:
        coming.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, t.Any]:
        if coming:
            return coming.pop(0)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def send(message: dict[str, t.Any]) -> None:
        sent.append(message)

    await asgi(request, receive, send)
    start = sent[0]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start.get("headers", ())}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(start.get("status", 0), headers, body, sent)
