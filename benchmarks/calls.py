"""The Python functions that one warm request of a kind goes through, in order: where to look for work to remove.

python benchmarks/calls.py wsgi kolben "json body"
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import typing as t
from io import BytesIO
from pathlib import Path

from drivers import (
    Channel,
    _ask_asgi,
    _ask_wsgi,
    make_environ,
    make_messages,
    make_scope,
    prepared_headers,
    preparing,
)
from kinds import KINDS


def record(protocol: str, framework: str, name: str) -> list[str]:
    """The calls of one request after 20 others, C functions marked by a dot."""
    kind = KINDS[name]
    app = getattr(importlib.import_module(f"apps.on_{framework}"), protocol)(kind.app or kind.name)
    calls: list[str] = []
    depth = 0

    def trace(frame: t.Any, event: str, arg: t.Any) -> None:
        nonlocal depth
        if event == "call":
            code = frame.f_code
            calls.append(f"{'  ' * depth}{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_qualname}")
            depth += 1
        elif event == "return":
            depth -= 1
        elif event == "c_call":
            calls.append(f"{'  ' * depth}. {getattr(arg, '__qualname__', arg)}")

    first = preparing(kind)
    if protocol == "wsgi":
        headers = prepared_headers(kind, _ask_wsgi(app, first, prepared_headers(first, None)) if first else None)
        for _ in range(20):
            _ask_wsgi(app, kind, headers)
        environ = make_environ(kind, headers) | {"wsgi.input": BytesIO(kind.body)}
        sys.setprofile(trace)
        result = app(environ, lambda *args: None)
        for _ in result:
            pass
        sys.setprofile(None)
        return calls

    async def ask() -> None:
        answer = await _ask_asgi(app, first, prepared_headers(first, None)) if first else None
        headers = prepared_headers(kind, answer)
        for _ in range(20):
            await _ask_asgi(app, kind, headers)
        channel = Channel(make_messages(kind.body))
        scope = make_scope(kind, headers)
        sys.setprofile(trace)
        await app(scope, channel.receive, channel.send)
        sys.setprofile(None)

    asyncio.run(ask())
    return calls


if __name__ == "__main__":
    print("\n".join(record(*sys.argv[1:])))
