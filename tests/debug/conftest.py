from __future__ import annotations

import asyncio
import typing as t

import pytest

from kolben import Kolben
from tests.debug.visitor import Visitor

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def app() -> Kolben:
    """An application in debug mode."""
    app = Kolben("tests.debug", root_path=__file__.rpartition("/")[0])
    app.debug = True
    app.config["SECRET_KEY"] = "the key of this application"
    return app


@pytest.fixture
def visitor(app: Kolben) -> Iterator[Visitor]:
    """A client of a debugger around the application."""
    with asyncio.Runner() as runner:
        yield Visitor(app, runner)
