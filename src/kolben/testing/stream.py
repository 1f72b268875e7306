"""A response that an asynchronous test reads as it arrives, and may walk away from."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from werkzeug.datastructures import Headers
    from werkzeug.test import TestResponse
    from werkzeug.wrappers import Request as BaseRequest

    from .body import Channel
    from .client import KolbenClient
    from .exchange import Exchange


class Stream:
    """A request and its response, piece by piece: see :meth:`.AsyncClient.stream` and :meth:`.AsyncClient.request`."""

    def __init__(
        self, browser: KolbenClient, request: BaseRequest, exchange: Exchange, channel: Channel | None = None
    ) -> None:
        self._browser = browser
        self._request = request
        self._exchange = exchange
        self._channel = channel
        self._rest: list[bytes] = []

    async def __aenter__(self) -> t.Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            await self._exchange.close()
        except Exception:
            # The error of the test is the one to see.
            if exc_value is None:
                raise

    # -- reading -----------------------------------------------------------------------------------------------------

    async def started(self) -> None:
        """Wait for status and headers.

        :raises RuntimeError: the application returned without any. What it raised instead is raised here.
        """
        await self._exchange.started()
        self._browser.keep_cookies(self._request.environ, self._exchange.headers)

    @property
    def status_code(self) -> int | None:
        """The status of the response; ``None`` before it has one."""
        return self._exchange.status_code

    @property
    def headers(self) -> Headers:
        """The headers of the response; none before they are there."""
        return self._exchange.headers

    async def receive(self) -> bytes:
        """The next chunk of the response, ``b""`` after the last."""
        return await self._exchange.next_chunk()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.receive():
            yield chunk

    async def read(self) -> bytes:
        """The rest of the response."""
        return b"".join(await self._exchange.read())

    async def as_response(self) -> TestResponse:
        """The response, with the body that was not received before."""
        await self.finish()
        return self._browser.make_response(self._request, self._rest, self._exchange.status, self._exchange.headers)

    async def finish(self) -> None:
        """Wait for the response to be complete, and keep what was not received for :meth:`as_response`."""
        if not self._exchange.disconnected:
            await self.started()
            self._rest += await self._exchange.read()

    # -- sending -----------------------------------------------------------------------------------------------------

    async def send(self, chunk: bytes) -> None:
        """Send a piece of the body."""
        self._by_hand.send(chunk)

    async def send_complete(self) -> None:
        """Say that the body is complete."""
        self._by_hand.end()

    @property
    def _by_hand(self) -> Channel:
        if self._channel is None:
            raise RuntimeError("The body of this request was given already. Use 'client.request()' to send it by hand.")
        return self._channel

    # -- going away --------------------------------------------------------------------------------------------------

    async def disconnect(self) -> None:
        """Go away, and wait for the application to end.

        :raises RuntimeError: it did not end, and was cancelled.
        """
        await self._exchange.close()

    async def abort_after(self, chunks: int) -> list[bytes]:
        """Read this many chunks, or as many as there are, and go away.

        :return: The chunks read.
        """
        taken: list[bytes] = []
        while len(taken) < chunks and (chunk := await self.receive()):
            taken.append(chunk)
        await self.disconnect()
        return taken
