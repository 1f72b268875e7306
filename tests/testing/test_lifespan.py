from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben.testing.lifespan import Lifespan, LifespanError, TestApp
from tests.testing.bare import Bare, body, start

if t.TYPE_CHECKING:
    from kolben.testing.scope import Message, Receive, Scope, Send


async def pool(scope: Scope, receive: Receive, send: Send) -> None:
    await send(start())
    await send(body(scope["state"]["pool"].encode()))


def failing(step: str, *, by_raising: bool) -> t.Any:
    """An application that fails in one step."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            message: Message = await receive()
            if message["type"] == f"lifespan.{step}":
                if by_raising:
                    raise ZeroDivisionError("oh no")
                await send({"type": f"{message['type']}.failed", "message": "oh no"})
                return
            await send({"type": f"{message['type']}.complete"})

    return app


def test_an_application_is_started_once_and_shut_down() -> None:
    app = Bare(pool)

    async def run() -> None:
        lifespan = Lifespan(app)
        await asyncio.gather(lifespan.startup(), lifespan.startup())
        assert app.log == ["lifespan.startup"]
        assert lifespan.state == {"pool": "a pool"}
        await lifespan.shutdown()

    asyncio.run(run())
    assert app.log == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize("by_raising", [True, False])
@pytest.mark.parametrize(("step", "name"), [("startup", "start up"), ("shutdown", "shut down")])
def test_a_failure_is_an_error(step: str, name: str, by_raising: bool) -> None:
    async def run() -> None:
        lifespan = Lifespan(failing(step, by_raising=by_raising))
        if step == "shutdown":
            await lifespan.startup()
        with pytest.raises(LifespanError, match=f"failed to {name}: oh no") as info:
            await getattr(lifespan, step)()
        assert isinstance(info.value.__cause__, ZeroDivisionError) is by_raising

    asyncio.run(run())


def test_an_application_without_a_lifespan_is_left_without() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError(scope["type"])

    async def run() -> None:
        lifespan = Lifespan(app)
        await lifespan.startup()
        await lifespan.shutdown()

    asyncio.run(run())


def test_the_lifespan_does_not_see_the_contexts_of_the_test() -> None:
    import contextvars

    var = contextvars.ContextVar("var", default="outside")
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(var.get())

    async def run() -> None:
        var.set("in the test")
        await Lifespan(app).startup()

    asyncio.run(run())
    assert seen == ["outside"]


def test_quarts_test_app_keeps_the_lifespan_of_its_clients() -> None:
    app = Bare(pool)

    async def run() -> None:
        async with TestApp(t.cast(t.Any, app)) as test_app:
            client = test_app.test_client()
            assert (await client.get("/")).data == b"a pool"
            async with client:
                pass
            assert app.log == ["lifespan.startup"]

    asyncio.run(run())
    assert app.log == ["lifespan.startup", "lifespan.shutdown"]
