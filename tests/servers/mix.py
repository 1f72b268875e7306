"""Clients that use all of the program ``everything`` at once, with bodies as large as one likes."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from websockets.sync.client import connect

from tests.servers.live import WSGI, Live
from tests.servers.programs.blocks import block

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
OPENING = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
EDGE = 1000
"""Bytes that the range leaves out at either end."""


class Mix:
    """Clients of one server.

    :param size: bytes of the uploads and of the downloaded file, a multiple of 1 MiB.
    :ivar counts: how often each thing was done.
    """

    def __init__(self, live: Live, size: int) -> None:
        self.live = live
        self.size = size
        self.counts: dict[str, int] = {}
        self._is_over = threading.Event()

    def run(self) -> None:
        """Do everything at once, until every upload and download is done.

        :raises AssertionError: something did not come out as it should.
        """
        lasting: list[Callable[[], None]] = [
            lambda: self._ask("/sync", {"kind": "sync"}),
            lambda: self._ask("/async", {"kind": "async"}),
            lambda: self._listen("/events"),
            lambda: self._listen("/events-async"),
        ]
        if self.live.name not in WSGI:
            lasting.append(self._talk)
        large: list[Callable[[], None]] = [
            lambda: self._upload(
                "/form", b'--cut\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
            ),
            lambda: self._upload("/stream"),
            self._download,
        ]
        with ThreadPoolExecutor(len(lasting) + len(large)) as clients:
            others = [clients.submit(self._until_over, act) for act in lasting]
            try:
                for done in [clients.submit(act) for act in large]:
                    done.result(300)
            finally:
                self._is_over.set()
            for other in others:
                other.result(30)

    def _until_over(self, act: Callable[[], None]) -> None:
        while True:
            act()
            if self._is_over.wait(0.01):
                return

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    @contextlib.contextmanager
    def _request(self, method: str, target: str, **options: t.Any) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.live.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, target, **options)
            yield connection.getresponse()

    def _ask(self, target: str, answer: t.Any) -> None:
        assert self.live.get(target) == answer
        self._count(target)

    def _listen(self, target: str) -> None:
        with self._request("GET", target) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            while not self._is_over.is_set():
                if response.readline() == b"data: beat\n":
                    self._count(target)

    def _talk(self) -> None:
        with connect(f"ws://127.0.0.1:{self.live.port}/socket", compression=None) as websocket:
            while not self._is_over.wait(0.01):
                message = f"message {self.counts.get('/socket', 0)}"
                websocket.send(message)
                assert websocket.recv(30) == message
                self._count("/socket")

    def _upload(self, target: str, opening: bytes = b"") -> None:
        closing = b"\r\n--cut--\r\n" if opening else b""
        digest = hashlib.sha256()

        def body() -> Iterator[bytes]:
            yield opening
            for number in range(self.size // BLOCK):
                data = block(number)
                digest.update(data)
                yield data
            yield closing

        headers = {
            "Content-Type": "multipart/form-data; boundary=cut" if opening else "application/octet-stream",
            "Content-Length": str(len(opening) + self.size + len(closing)),
        }
        with self._request("POST", target, body=body(), headers=headers) as response:
            text = response.read().decode()
        assert json.loads(text) == {"size": self.size, "sha256": digest.hexdigest()}
        self._count(target)

    def _download(self) -> None:
        wanted = f"bytes={EDGE}-{self.size - EDGE - 1}"
        expected = hashlib.sha256()
        for number in range(self.size // BLOCK):
            data = block(number)
            data = data[EDGE:] if number == 0 else data
            expected.update(data[:-EDGE] if number == self.size // BLOCK - 1 else data)
        digest, size = hashlib.sha256(), 0
        with self._request("GET", "/file", headers={"Range": wanted}) as response:
            assert response.status == 206
            assert response.headers["Content-Range"] == f"bytes {wanted[6:]}/{self.size}"
            while data := response.read(65536):
                digest.update(data)
                size += len(data)
        assert size == self.size - 2 * EDGE
        assert digest.digest() == expected.digest()
        self._count("/file")
