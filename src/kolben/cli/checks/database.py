"""Checks of the database, as Flask-SQLAlchemy is configured: there are enough connections, and one database."""

from __future__ import annotations

import os
import typing as t

from kolben.cli.environment import read_env

from .finding import Finding, error, warning

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from kolben.app import Kolben

# What the servers allow unless they are configured otherwise, and what an engine's pool is then.
_LIMITS = {"postgresql": ("PostgreSQL", 100), "postgres": ("PostgreSQL", 100), "mysql": ("MySQL", 151)}
_POOL_SIZE = 5
_MAX_OVERFLOW = 10


def check_database(app: Kolben) -> Iterator[Finding]:
    """The pools of all workers together ask for no more connections than the database gives."""
    for name, url, options in _engines(app):
        backend = url.partition(":")[0].partition("+")[0].lower()
        if backend == "sqlite" and _is_in_memory(url):
            yield from _check_memory(name)
        elif backend in _LIMITS and getattr(options.get("poolclass"), "__name__", "") != "NullPool":
            yield from _check_pool(name, *_LIMITS[backend], options)


def count_workers() -> tuple[int, str]:
    """How many workers the server will have, and what says so."""
    for name, value in (
        ("KOLBEN_SERVE_WORKERS", read_env("SERVE_WORKERS")),
        ("WEB_CONCURRENCY", os.environ.get("WEB_CONCURRENCY")),
    ):
        if value and value.isdecimal() and int(value):
            return int(value), name
    from kolben.server.production.choices import Choices
    from kolben.server.production.machine import Machine

    choice = Choices({}, {}, Machine())["workers"]
    return choice.value, choice.reason


def _engines(app: Kolben) -> Iterator[tuple[str, str, dict[str, t.Any]]]:
    """The setting, the URL and the options of each engine."""
    common = app.config.get("SQLALCHEMY_ENGINE_OPTIONS") or {}
    binds = {"SQLALCHEMY_DATABASE_URI": app.config.get("SQLALCHEMY_DATABASE_URI")}
    for key, bind in (app.config.get("SQLALCHEMY_BINDS") or {}).items():
        binds[f"SQLALCHEMY_BINDS[{key!r}]"] = bind
    for name, bind in binds.items():
        options = dict(bind) if isinstance(bind, dict) else {"url": bind}
        if url := options.pop("url", None):
            shown = getattr(url, "render_as_string", None)
            yield name, shown() if shown else str(url), common | options


def _is_in_memory(url: str) -> bool:
    path = url.partition("://")[2].partition("?")[0].lstrip("/")
    return path in {"", ":memory:"} or "mode=memory" in url


def _check_memory(name: str) -> Iterator[Finding]:
    workers, source = count_workers()
    if workers > 1:
        yield error(
            f"{name} is an SQLite database in memory, and there are {workers} workers ({source}). Each has one of its"
            " own: what one writes, the others do not find, and all is lost when it is replaced.",
            "Name a file: 'sqlite:////path/to/site.sqlite3', or use a database server.",
        )


def _check_pool(name: str, server: str, limit: int, options: dict[str, t.Any]) -> Iterator[Finding]:
    size, overflow = options.get("pool_size", _POOL_SIZE), options.get("max_overflow", _MAX_OVERFLOW)
    workers, source = count_workers()
    if size <= 0 or overflow < 0:
        total, pool = None, "without a limit"
    else:
        total, pool = workers * (size + overflow), f"of {size} and {overflow} more at peaks (max_overflow)"
    if total is None or total > limit:
        connections = "any number of" if total is None else str(total)
        yield warning(
            f"{workers} workers ({source}), each with a pool {pool}, may ask {name} for {connections} connections;"
            f" {server} gives {limit} unless it is configured otherwise. Requests beyond that fail.",
            f"Set pool_size and max_overflow in SQLALCHEMY_ENGINE_OPTIONS so that workers × (pool_size + max_overflow)"
            f" is below the server's max_connections: here {max(limit * 9 // 10 // workers, 1)} for each worker. Or put"
            " a pooler in between.",
        )
