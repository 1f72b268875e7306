"""What one worker of a server is told."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from .loop import Loop

Protocol: t.TypeAlias = t.Literal["auto", "wsgi", "asgi"]

THREADS = 64
"""Threads for synchronous views in each worker.

They wait more than they work: one that sleeps costs some 100 kB. With as many, 500 requests of three seconds each are
done within the default :attr:`WorkerSettings.grace` even by one worker.
"""


@dataclass(frozen=True)
class WorkerSettings:
    """The settings of one worker. Times are seconds."""

    protocol: Protocol = "auto"
    loop: Loop = "asyncio"
    """The event loop. The development server looks into asyncio's own."""
    threads: int = THREADS
    grace: float = 30.0
    """How long requests under way may go on once the worker was told to stop."""
    linger: float = 1.0
    """How long it still answers on connections that are idle by then: with ``Connection: close``."""
    max_requests: int | None = None
    """After so many the worker asks to be replaced."""
    max_rss: int | None = None
    """With more MiB resident it asks to be replaced."""
    access_log: t.Literal["human", "json"] | None = None
    proxies: str | None = None
    """Whose word is believed about the client, as :class:`.proxies.Proxies` takes it."""
    granian: dict[str, t.Any] = field(default_factory=dict)
    """Options of :class:`granian.server.embed.Server`."""
