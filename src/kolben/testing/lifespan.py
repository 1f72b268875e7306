"""An application between its start-up and its shutdown, for tests."""

from __future__ import annotations

import typing as t

from ..server.lifespan import Lifespan, LifespanError

if t.TYPE_CHECKING:
    from types import TracebackType

    from ..app import Kolben
    from .async_client import AsyncClient

__all__ = ["Lifespan", "LifespanError", "TestApp"]


class TestApp:
    """An application that is started up and shut down around a test, as Quart's ``app.test_app()`` gives it.

    .. code-block:: python

        async with app.test_app() as test_app:
            client = test_app.test_client()
    """

    __test__ = False

    def __init__(self, app: Kolben) -> None:
        self.app = app
        self._lifespan: Lifespan | None = None

    def test_client(self, **kwargs: t.Any) -> AsyncClient:
        """An asynchronous client of the application, which leaves its lifespan alone."""
        from .async_client import AsyncClient

        return AsyncClient(self.app, self.app.response_class, lifespan=self._lifespan or False, **kwargs)

    async def startup(self) -> None:
        """Start the application up."""
        self._lifespan = Lifespan(self.app)
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        """Shut the application down."""
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    async def __aenter__(self) -> t.Self:
        await self.startup()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.shutdown()
