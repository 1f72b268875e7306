"""The kinds of request that are measured: what is asked, and what an answer must show before it is timed."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

OBJECTS = [
    {"id": n, "name": f"Object {n}", "price": n * 1.25, "tags": ["a", "b"], "in_stock": True} for n in range(100)
]
SMALL = {"id": 7, "name": "Ada", "admin": False}
TEMPLATE = "<title>{{ title }}</title><ul>{% for item in items %}<li>{{ item }}</li>{% endfor %}</ul>"
ITEMS = [f"Item <{n}>" for n in range(10)]
CHUNKS = [b"chunk %d of ten\n" % n for n in range(10)]
SECRET = "a secret key of the benchmarks, 32+ bytes"
BOUNDARY = "----FormBoundary7MA4YWxkTrZu0gW"


@dataclass(frozen=True)
class Kind:
    """One kind of request. ``prepare`` names what is asked first, for a header of its answer: "session" or "etag"."""

    name: str
    path: str
    status: int = 200
    contains: bytes = b""
    method: str = "GET"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    prepare: str = ""
    sets: str = ""
    app: str = field(default="")
    """The application that answers it; empty: the one of its own name."""


def _multipart(*parts: tuple[str, bytes]) -> bytes:
    start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    return b"".join(start + head.encode() + b"\r\n\r\n" + data + b"\r\n" for head, data in parts) + (
        f"--{BOUNDARY}--\r\n".encode()
    )


def _typed(content_type: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", content_type),)


_MULTIPART = _typed(f"multipart/form-data; boundary={BOUNDARY}")
_UPLOAD = _multipart(
    ('name="file"; filename="data.bin"\r\nContent-Type: application/octet-stream', bytes(range(256)) * 4096)
)
_FIELDS = _multipart(*((f'name="field{n}"', b"value %d" % n) for n in range(10)))

KINDS = {
    kind.name: kind
    for kind in (
        Kind("plain text", "/", contains=b"Hello, World!"),
        Kind("int among 200", "/section150/77", contains=b"77"),
        Kind("json", "/json", contains=b"Ada"),
        Kind("json list", "/json", contains=b"Object 99"),
        Kind("query", "/query", query="q=caf%C3%A9+au+lait&page=2&sort=name", contains="café au lait 2".encode()),
        Kind(
            "json body",
            "/body",
            200,
            b"Ada",
            "POST",
            headers=_typed("application/json"),
            body=json.dumps(SMALL).encode(),
        ),
        Kind(
            "form",
            "/form",
            200,
            "Ada Zoë".encode(),
            "POST",
            headers=_typed("application/x-www-form-urlencoded"),
            body=b"name=Ada+Zo%C3%AB&mail=ada%40example.com&age=36",
        ),
        Kind("upload", "/upload", 200, b"1048576", "POST", headers=_MULTIPART, body=_UPLOAD),
        Kind("multipart fields", "/fields", 200, b"value 9", "POST", headers=_MULTIPART, body=_FIELDS),
        Kind("template", "/template", contains=b"<li>Item &lt;9&gt;</li>"),
        Kind("cookies", "/cookies", contains=b"dark", headers=(("Cookie", "theme=dark; lang=en"),), sets="theme=dark"),
        Kind("session", "/session", prepare="session", sets="="),
        Kind("session untouched", "/plain", contains=b"Hello", prepare="session", app="session"),
        Kind("hooks", "/area/page", contains=b"Hello"),
        Kind("request headers", "/headers", contains=b"Bench/1.0 de"),
        Kind("url_for", "/urls", contains=b"/user/4"),
        Kind("redirect", "/old", 302),
        Kind("exception", "/raise", 418, b"teapot"),
        Kind("404", "/nothing/here", 404, app="plain text"),
        Kind("405", "/", 405, method="DELETE", app="plain text"),
        Kind("stream", "/stream", contains=b"chunk 9 of ten"),
        Kind("static file", "/static/style.css", contains=b"color: red"),
        Kind("static 304", "/static/style.css", 304, prepare="etag", app="static file"),
    )
}

HEADERS = (
    ("Host", "example.com"),
    ("User-Agent", "Bench/1.0"),
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "de"),
    ("Accept-Encoding", "gzip, br"),
    ("X-Request-Id", "8f14e45f"),
)


class Teapot(Exception):
    """What the kind "exception" raises."""


def static_folder() -> str:
    """A folder with a style sheet of 4 KiB, the same for all processes of a run; whoever asks first removes it."""
    folder = os.environ.get("BENCH_STATIC")
    if folder is None:
        folder = os.environ["BENCH_STATIC"] = tempfile.mkdtemp(prefix="bench-static-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        Path(folder, "style.css").write_bytes((b"p { color: red }\n" * 256)[:4096])
    return folder
