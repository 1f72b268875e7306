"""Everything at once in one application, over real servers."""

from __future__ import annotations

import pytest

from tests.servers.live import ASGI, WSGI, run
from tests.servers.mix import Mix

SIZE = 20 << 20
"""Bytes. benchmarks/memory.py does the same with 200 MiB, and measures."""


@pytest.mark.parametrize("name", [*WSGI, *ASGI])
def test_views_sockets_events_uploads_and_downloads_at_once(name: str) -> None:
    with run(name, "everything:app", env={"SIZE": str(SIZE)}) as live:
        mix = Mix(live, SIZE)
        mix.run()
        done = {"/sync", "/async", "/events", "/events-async", "/form", "/stream", "/file"}
        assert set(mix.counts) == (done if name in WSGI else {*done, "/socket"})
        assert "Traceback" not in live.log
