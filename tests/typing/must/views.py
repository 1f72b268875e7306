"""What views may return, sync and async."""

import typing as t
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from msgspec import Struct

from kolben import Kolben, Response, abort, jsonify, make_response, redirect, stream_template, url_for
from kolben.typing import ResponseReturnValue

app = Kolben(__name__)


class Status(t.TypedDict):
    status: str


@dataclass
class Point:
    x: int
    y: int


class User(Struct):
    name: str


@app.get("/bytes")
def as_bytes() -> bytes:
    return b"Hello"


@app.get("/dict")
def as_dict() -> dict[str, t.Any]:
    return {"name": "Ada"}


@app.get("/typed-dict")
def as_typed_dict() -> Status:
    return {"status": "ok"}


@app.get("/list")
def as_list() -> list[Status]:
    return [{"status": "ok"}]


@app.get("/dataclass")
def as_dataclass() -> Point:
    return Point(1, 2)


@app.get("/struct")
def as_struct() -> User:
    return User("Ada")


@app.get("/json")
def as_json() -> Response:
    return jsonify(name="Ada")


@app.get("/status")
def with_status() -> tuple[str, int]:
    return "created", 201


@app.get("/headers")
def with_headers() -> tuple[str, HTTPStatus, dict[str, str]]:
    return "created", HTTPStatus.CREATED, {"Location": url_for("as_json")}


@app.get("/redirect")
def away() -> ResponseReturnValue:
    return redirect(url_for("as_json"))


@app.get("/stream")
def lines() -> Iterator[str]:
    yield "one\n"


@app.get("/template")
def streamed_template() -> Iterator[str]:
    return stream_template("index.html")


@app.get("/made")
def made() -> Response:
    response = make_response("Hello", 201)
    response.headers["X-Made"] = "yes"
    return response


@app.post("/async", blocking=False)
async def as_async() -> str:
    return "Hello"


@app.get("/async-stream")
async def async_lines() -> AsyncIterator[bytes]:
    async def generate() -> AsyncIterator[bytes]:
        yield b"one\n"

    return generate()


@app.get("/async-response")
async def async_response() -> Response:
    return Response(async_chunks(), 200, {"X-Streamed": "yes"}, mimetype="text/plain")


async def async_chunks() -> AsyncIterator[str]:
    yield "one\n"


@app.get("/user/<int:id>")
async def user(id: int) -> User:
    if id > 100:
        abort(404)
    return User(str(id))
