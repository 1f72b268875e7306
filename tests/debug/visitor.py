"""A client of a debugger, as a browser would be: from the loopback, with its cookie, from pages of the same origin."""

from __future__ import annotations

import asyncio
import json
import typing as t

from kolben.debug import Debugger

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from kolben.debug.traces import Frame

HOST = "127.0.0.1:5000"
URL = f"http://{HOST}"
LOOPBACK = ("127.0.0.1", 50000)
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


F = t.TypeVar("F", bound=t.Callable[..., t.Any])
ViewKind: t.TypeAlias = t.Callable[[F], F]
"""What the fixture `view_kind` is: makes a function async, or leaves it as it is."""


class Answer(t.NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> t.Any:
        return json.loads(self.body)


class Visitor:
    """Asks a debugger around an application; `log` is what that printed."""

    def __init__(self, app: t.Any, runner: asyncio.Runner, **options: t.Any) -> None:
        self.log: list[str] = []
        self.debugger = Debugger(app, **{"url": URL, "log": self.log.append, **options})
        self.cookie = ""
        self._runner = runner

    def get(self, target: str, headers: dict[str, str] = HTML, **parts: t.Any) -> Answer:
        """Send a request; `parts` are of the scope, or `body`."""
        return self.send(target, headers, **parts)

    def send(self, target: str, headers: dict[str, str], body: bytes = b"", **parts: t.Any) -> Answer:
        headers = {"host": HOST, **headers}
        if self.cookie:
            headers.setdefault("cookie", self.cookie)
        path, _, query = target.partition("?")
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value]
        scope = {"path": path, "query_string": query.encode(), "headers": pairs, **parts}
        messages = self._runner.run(exchange(self.debugger, scope, body))
        return answer_of(messages)

    def enter(self) -> Answer:
        """Open the link, and keep the cookie."""
        answer = self.send(self.debugger.link.removeprefix(self.debugger.url), {})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    def run(self, source: str, name: str, headers: dict[str, str | None] | None = None, **parts: t.Any) -> Answer:
        """Send a command to the console of the newest error's frame with this name."""
        error = self.debugger.errors.newest_first()[0]
        command = {"source": source, "frame": self.frame(name).number}
        sent = {"origin": URL, "sec-fetch-site": "same-origin", "content-type": "application/json", **(headers or {})}
        target = f"/__debugger__/errors/{error.id}/console"
        plain = {key: value or "" for key, value in sent.items()}
        return self.send(target, plain, json.dumps(command).encode(), **{"method": "POST", **parts})

    def frame(self, name: str) -> Frame:
        """The frame of a function in the newest error."""
        error = self.debugger.errors.newest_first()[0]
        frames = [frame for raised in error.raised for frame in raised.frames]
        return next(frame for frame in frames if frame.name.rpartition(".")[2] == name)


async def exchange(app: t.Any, parts: dict[str, t.Any], body: bytes = b"") -> list[dict[str, t.Any]]:
    """The messages that an ASGI application sends for a request with this body."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "root_path": "",
        "query_string": b"",
        "client": LOOPBACK,
        "server": ("127.0.0.1", 5000),
        **parts,
    }
    is_socket = scope["type"] == "websocket"
    waiting = [{"type": "websocket.connect"} if is_socket else {"type": "http.request", "body": body}]
    messages: list[dict[str, t.Any]] = []

    async def receive() -> dict[str, t.Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message: dict[str, t.Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return messages


def answer_of(messages: Iterable[dict[str, t.Any]]) -> Answer:
    start, *bodies = messages
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))
