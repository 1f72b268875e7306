"""SQLite: one connection per request for sync views, one per query for async ones."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from kolben import Kolben, current_app, g

Row = sqlite3.Row


def init_app(app: Kolben) -> None:
    """Create the tables, if this is the first start, and have every request close its connection."""
    with closing(connect(app.config["DATABASE"])) as connection, app.open_resource("schema.sql", "r") as schema:
        # In this mode readers do not wait for the one that writes.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(schema.read())
    app.teardown_appcontext(close)


def connect(path: str) -> sqlite3.Connection:
    """Open a connection.

    Only one thread at a time uses it, but not always the same: under ASGI, what a request does in one thread may be
    torn down in another.
    """
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    connection.row_factory = Row
    return connection


def get() -> sqlite3.Connection:
    """The connection of this request, opened when it is first asked for."""
    if "database" not in g:
        g.database = connect(current_app.config["DATABASE"])
    return g.database  # type: ignore[no-any-return]


def close(error: BaseException | None = None) -> None:
    """Close the connection of this request, if it opened one."""
    connection = g.pop("database", None)
    if connection is not None:
        connection.close()


async def fetch_all(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """The rows of a query, which runs in a thread, so that the event loop goes on; several may run at once."""

    def run() -> list[Row]:
        with closing(connect(current_app.config["DATABASE"])) as connection:
            return connection.execute(sql, parameters).fetchall()

    return await asyncio.to_thread(run)
