from __future__ import annotations

import asyncio
import io
import typing as t

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import ClientRedirectError

from kolben import Kolben, Response, g, jsonify, redirect, request, session
from kolben.globals import current
from kolben.testing import AsyncClient, slow

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


def use(app: Kolben, test: Callable[[AsyncClient], Awaitable[t.Any]], **options: t.Any) -> None:
    """Run a test with an asynchronous client, every message checked, and the block around it."""

    async def run() -> None:
        async with app.test_client(async_=True, validate=True, **options) as client:
            await test(client)

    asyncio.run(run())


def test_a_request_and_its_response(app: Kolben) -> None:
    @app.post("/echo")
    async def echo() -> Response:
        return jsonify(path=request.full_path, data=request.get_json())

    async def test(client: AsyncClient) -> None:
        response = await client.post("/echo?x=1", json=[1])
        assert response.status_code == 200
        assert response.json == {"path": "/echo?x=1", "data": [1]}
        assert response.text.startswith("{")

    use(app, test)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
def test_each_method_has_a_call(app: Kolben, method: str) -> None:
    @app.route("/", methods=[method])
    def index() -> str:
        return request.method

    async def test(client: AsyncClient) -> None:
        assert (await getattr(client, method)("/")).text == method.upper()

    use(app, test)


def test_a_response_may_be_used_as_quarts(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: {"a": [1]}, endpoint="index")

    async def test(client: AsyncClient) -> None:
        response = await client.get("/")
        assert await response.get_json() == {"a": [1]}
        assert b"a" in await response.get_data()  # type: ignore[misc]  # Flask's signature
        assert "a" in await response.get_data(as_text=True)  # type: ignore[misc]  # Flask's signature

    use(app, test)


def test_a_request_may_be_made_as_quarts(app: Kolben) -> None:
    @app.post("/")
    def index() -> dict[str, t.Any]:
        return {**request.form, "files": [file.read().decode() for file in request.files.values()], "url": request.url}

    async def test(client: AsyncClient) -> None:
        file = FileStorage(io.BytesIO(b"content"), filename="name.txt")
        response = await client.post("/", form={"a": "b"}, files={"f": file}, scheme="https")
        assert response.json == {"a": "b", "files": ["content"], "url": "https://localhost/"}

    use(app, test)


def test_the_scope_may_be_changed(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: request.remote_addr or "", endpoint="index")

    async def test(client: AsyncClient) -> None:
        assert (await client.get("/", scope_base={"client": ("10.1.1.1", 1)})).text == "10.1.1.1"
        client.environ_base["REMOTE_ADDR"] = "10.1.1.2"
        assert (await client.get("/")).text == "10.1.1.2"

    use(app, test)


def test_redirects_are_followed(app: Kolben) -> None:
    app.add_url_rule("/a", view_func=lambda: redirect("/b", 307), endpoint="a", methods=["POST"])
    app.add_url_rule("/b", view_func=lambda: request.get_data(), endpoint="b", methods=["POST"])
    app.add_url_rule("/loop", view_func=lambda: redirect("/loop"), endpoint="loop")

    async def test(client: AsyncClient) -> None:
        response = await client.post("/a", data=b"body", follow_redirects=True)
        assert response.data == b"body"
        assert [step.status_code for step in response.history] == [307]
        with pytest.raises(ClientRedirectError, match="Loop detected"):
            await client.get("/loop", follow_redirects=True)

    use(app, test)


def test_cookies_and_the_session_are_kept(app: Kolben) -> None:
    @app.get("/")
    def index() -> t.Any:
        session["n"] = session.get("n", 0) + 1
        return [session["n"], request.cookies.get("own")]

    async def test(client: AsyncClient) -> None:
        client.set_cookie("own", "x")
        assert (await client.get("/")).json == [1, "x"]
        async with client.session_transaction() as transaction:
            transaction["n"] = 10
        client.delete_cookie("own")
        assert (await client.get("/")).json == [11, None]
        with client.session_transaction() as transaction:
            assert transaction["n"] == 11
        assert client.get_cookie("session") is not None

    use(app, test)


def test_in_the_block_the_context_stays(app: Kolben) -> None:
    @app.get("/<name>")
    async def index(name: str) -> str:
        g.name = name
        return ""

    async def test(client: AsyncClient) -> None:
        await client.get("/ada")
        assert (g.name, request.view_args) == ("ada", {"name": "ada"})
        await client.get("/bob")
        assert g.name == "bob"

    async def run() -> None:
        async with app.test_client(async_=True) as client:
            await test(client)
            with pytest.raises(RuntimeError, match="Cannot nest"):
                await client.__aenter__()
        assert current.get(None) is None

    asyncio.run(run())


def test_requests_may_be_sent_at_once(app: Kolben) -> None:
    @app.get("/<int:number>")
    async def index(number: int) -> str:
        await asyncio.sleep(0)
        return str(number)

    async def test(client: AsyncClient) -> None:
        responses = await asyncio.gather(*[client.get(f"/{number}") for number in range(20)])
        assert [response.text for response in responses] == [str(number) for number in range(20)]
        assert current.get(None) is None

    use(app, test)


def test_the_application_runs_on_the_loop_of_the_test(app: Kolben) -> None:
    loops = []

    @app.get("/")
    async def index() -> str:
        loops.append(asyncio.get_running_loop())
        return ""

    async def test(client: AsyncClient) -> None:
        await client.get("/")
        assert loops == [asyncio.get_running_loop()]

    use(app, test)


def test_the_block_starts_the_application_up_and_shuts_it_down(app: Kolben) -> None:
    log = []
    app.before_serving(lambda: log.append("up"))
    app.after_serving(lambda: log.append("down"))

    async def test(client: AsyncClient) -> None:
        assert log == ["up"]
        await client.get("/")

    use(app, test)
    assert log == ["up", "down"]


def test_without_a_block_the_first_request_starts_it_and_shutdown_ends_it(app: Kolben) -> None:
    log = []
    app.before_serving(lambda: log.append("up"))
    app.after_serving(lambda: log.append("down"))
    client = app.test_client(async_=True)

    async def run() -> None:
        await client.get("/")
        await client.get("/")
        assert log == ["up"]
        await client.shutdown()

    asyncio.run(run())
    assert log == ["up", "down"]


def test_a_slow_upload_arrives(app: Kolben) -> None:
    app.add_url_rule("/", view_func=lambda: request.get_data(), endpoint="index", methods=["POST"])

    async def test(client: AsyncClient) -> None:
        assert (await client.post("/", body=slow([b"a", b"b"], delay=0.001))).data == b"ab"

    use(app, test)


def test_a_request_that_is_given_up_is_cancelled(app: Kolben) -> None:
    @app.get("/")
    async def index() -> str:
        await asyncio.sleep(60)
        return ""

    async def test(client: AsyncClient) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get("/"), 0.01)

    use(app, test)


def test_a_stream_that_is_left_is_torn_down(app: Kolben) -> None:
    log = []
    app.teardown_request(lambda exc: log.append("teardown"))

    @app.get("/")
    async def index() -> t.Any:
        async def numbers() -> AsyncIterator[str]:
            try:
                while True:
                    yield f"{request.path} "
            finally:
                log.append("closed")

        return numbers()

    async def test(client: AsyncClient) -> None:
        async with client.stream("GET", "/") as stream:
            assert await stream.abort_after(chunks=3) == [b"/ "] * 3
        assert log == ["closed", "teardown"]

    use(app, test)


def test_an_error_of_the_view_is_raised(app: Kolben) -> None:
    @app.get("/")
    async def index() -> str:
        raise ZeroDivisionError

    async def test(client: AsyncClient) -> None:
        with pytest.raises(ZeroDivisionError):
            await client.get("/")

    use(app, test)
