"""Everything at once in one application, over real servers."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal

import pytest

from tests.servers.live import ASGI, WSGI, run
from tests.servers.mix import OPENING, Mix
from tests.servers.process import wait_until

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


@pytest.mark.parametrize("target", ["/form", "/body"])
@pytest.mark.parametrize("name", [*WSGI, *ASGI])
def test_worker_that_is_killed_leaves_no_file_of_an_upload(name: str, target: str, tmp_path: pathlib.Path) -> None:
    """What arrives is on the disk under no name, from the beginning."""
    with run(name, "everything:app", env={"SIZE": str(SIZE), "TMPDIR": str(tmp_path)}) as live:
        before = set(tmp_path.iterdir())
        worker = live.get("/process")["pid"]
        head = f"Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: {SIZE}\r\n"
        with live.send(target, "POST", head) as client:
            client.sendall(OPENING + bytes(SIZE // 2))
            wait_until(lambda: nameless_files(worker, tmp_path), 10.0)
            assert set(tmp_path.iterdir()) == before
            os.kill(worker, signal.SIGKILL)
            with contextlib.suppress(ConnectionResetError):
                client.recv(1)
        assert set(tmp_path.iterdir()) == before


def nameless_files(pid: int, folder: pathlib.Path) -> list[str]:
    """The large files that a process has open in a folder which no longer have a name there."""
    found = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(link)
        if target.startswith(f"{folder}/") and target.endswith(" (deleted)") and link.stat().st_size > SIZE // 4:
            found.append(target)
    return found
