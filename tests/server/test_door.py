from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben import Kolben, Response, abort
from kolben.server.door import Door
from kolben.server.protocol import is_unwrapped
from tests.server.driving import drive, scope


async def hello(scope: t.Any, receive: t.Any, send: t.Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Connection", b"keep-alive")]})
    await send({"type": "http.response.body", "body": b"hello"})


def test_responses_say_that_their_connection_closes() -> None:
    door = Door(hello)
    assert drive(door, scope()).headers == {"Connection": "keep-alive"}
    door.close()
    answer = drive(door, scope())
    assert answer.headers == {"connection": "close"}
    assert answer.body == b"hello"


def test_it_is_decided_when_the_response_begins() -> None:
    async def slow(request: t.Any, receive: t.Any, send: t.Any) -> None:
        door.close()
        await hello(request, receive, send)

    door = Door(slow)
    assert drive(door, scope()).headers == {"connection": "close"}


def test_http2_has_no_such_header() -> None:
    door = Door(hello)
    door.close()
    assert drive(door, scope(http_version="2")).headers == {"Connection": "keep-alive"}


@pytest.mark.parametrize(("requests", "told"), [(2, 0), (3, 1), (5, 1)])
def test_limit_is_told_once(requests: int, told: int) -> None:
    calls: list[int] = []
    door = Door(hello, 3, lambda: calls.append(1))
    for _ in range(requests):
        drive(door, scope())
    assert len(calls) == told
    assert door.answered == requests


# -- an application that looks at its responses itself ---------------------------------------------------------------


@pytest.fixture
def served() -> tuple[Kolben, Door]:
    """An application with a door, which closes while each of its views waits."""
    app = Kolben(__name__)

    async def turn() -> None:
        await asyncio.sleep(0)
        door.close()

    @app.get("/bytes")
    async def of_bytes() -> str:
        await turn()
        return "done"

    @app.get("/sync")
    def of_a_thread() -> str:
        door.close()
        return "done"

    @app.get("/response")
    async def of_a_response() -> Response:
        await turn()
        return Response("done", 201, {"Connection": "keep-alive"})

    @app.get("/error")
    async def of_an_error() -> str:
        await turn()
        abort(409)

    @app.get("/broken")
    async def of_a_bug() -> str:
        await turn()
        raise ZeroDivisionError

    @app.get("/pieces")
    async def of_pieces() -> Response:
        async def pieces() -> t.AsyncIterator[bytes]:
            yield b"done"

        await turn()
        return Response(pieces())

    @app.post("/body")
    async def of_a_body() -> str:
        return "done"

    @app.get("/before")
    async def before() -> str:
        return "done"

    door = Door(app)
    assert is_unwrapped(app)
    door.leave_responses_to(app)
    return app, door


VIEWS = ["/bytes", "/sync", "/response", "/error", "/broken", "/pieces"]


@pytest.mark.parametrize("target", VIEWS)
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_application_says_it_of_requests_that_are_under_way(
    served: tuple[Kolben, Door], target: str, version: str
) -> None:
    app, door = served
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert "connection" not in drive(door, scope(target="/before", http_version=version)).headers
    answer = drive(door, scope(target=target, http_version=version))
    connections = [value for name, value in answer.messages[0]["headers"] if name.lower() == b"connection"]
    own = [b"keep-alive"] if target == "/response" else []
    assert connections == ([b"close"] if version == "1.1" else own)


@pytest.mark.parametrize("changes", [{}, {"headers": []}, {"path": "//x", "raw_path": b"//x"}])
def test_refusals_say_it_too(served: tuple[Kolben, Door], changes: dict[str, t.Any]) -> None:
    _, door = served
    door.close()
    answer = drive(door, scope(target="/before", **changes))
    assert [value for name, value in answer.messages[0]["headers"] if name == b"connection"] == [b"close"]


def test_nothing_is_around_send_before_it_closes() -> None:
    taken: list[t.Any] = []

    async def asgi(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        taken.append(send)
        await hello(scope, receive, send)

    async def send(message: t.Any) -> None:
        pass

    door = Door(asgi)
    door.leave_responses_to(Kolben(__name__))
    asyncio.run(t.cast("t.Any", door(scope(), None, send)))
    assert taken == [send]


def test_application_that_is_wrapped_does_not_answer_alone() -> None:
    class Own(Kolben):
        def __call__(self, first: t.Any, second: t.Any, third: t.Any = None) -> t.Any:
            return hello(first, second, third)

    app = Kolben(__name__)
    assert is_unwrapped(app)
    app.asgi_app = hello  # type: ignore[method-assign]  # as users wrap it
    assert not is_unwrapped(app)
    assert not is_unwrapped(Own(__name__))


def test_next_worker_of_a_process_does_not_close(served: tuple[Kolben, Door]) -> None:
    app, door = served
    door.close()
    assert drive(door, scope(target="/before")).headers["connection"] == "close"
    following = Door(app)
    following.leave_responses_to(app)
    assert "connection" not in drive(following, scope(target="/before")).headers
