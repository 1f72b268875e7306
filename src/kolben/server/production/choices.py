"""The settings of ``kolben serve``: what was asked for, what follows from the machine, and why."""

from __future__ import annotations

import typing as t

from ..settings import THREADS, WorkerSettings

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from .machine import Machine

_MiB = 1024 * 1024
WORKER_MEMORY = 128 * _MiB
"""What a worker is counted with where memory is limited: an application with its libraries, and some requests."""

FEW_THREADS = 32
"""Threads of a worker that has little memory to itself."""

MOST_CONNECTIONS = 8192
"""Connections that a worker takes by default where files are not limited."""

OWN_FILES = 128
"""Open files that are not a worker's connections."""


class Choice(t.NamedTuple):
    """One setting."""

    value: t.Any
    reason: str


DEFAULTS: dict[str, Choice] = {
    "bind": Choice(("127.0.0.1:8000",), "the default: this machine only, for a proxy in front"),
    "protocol": Choice("auto", "the default: chosen from the application"),
    "loop": Choice("auto", "the default"),
    "access_log": Choice(None, "the default: none"),
    "proxies": Choice(None, "the default: nobody's X-Forwarded or Forwarded headers are believed"),
    "body_timeout": Choice(None, "the application's setting BODY_TIMEOUT"),
    "body_min_rate": Choice(None, "the application's setting BODY_MIN_RATE"),
    "header_timeout": Choice(65.0, "the default: longer than proxies keep an idle connection, which ends by it too"),
    "keep_alive": Choice(True, "the default: connections are used again"),
    "max_requests": Choice(None, "the default: a worker serves as many as come"),
    "max_requests_jitter": Choice(None, "the default: a tenth of --max-requests, so that workers differ"),
    "max_rss": Choice(None, "the default: a worker may grow"),
    "grace": Choice(30.0, "the default: what orchestrators wait before they kill"),
    "linger": Choice(1.0, "the default: clients learn in this time that their connections close"),
    "backlog": Choice(2048, "the default: as many may wait to be accepted; the kernel's net.core.somaxconn counts too"),
    "cert": Choice(None, "the default: no TLS"),
    "key": Choice(None, "the default: no TLS"),
    "pid_file": Choice(None, "the default: none"),
}
"""What does not depend on the machine or on other settings."""


class Choices(dict[str, Choice]):
    """All settings, each with its reason.

    :param given: the values that were asked for.
    :param sources: where each of them was: an option, or an environment variable.
    """

    def __init__(self, given: Mapping[str, t.Any], sources: Mapping[str, str], machine: Machine) -> None:
        super().__init__()
        self._given = given
        self._sources = sources
        self._machine = machine
        self._choose("bind")
        self._choose("workers", self._workers())
        self._choose("protocol")
        self._choose("loop")
        self._choose("threads", self._threads())
        self._choose("cert")
        self._choose("key")
        self._choose("http", Choice("auto", "the default"))
        if self["http"].value == "auto":
            self["http"] = self._http(self["http"].reason)
        for name in DEFAULTS:
            self._choose(name)
        self._choose("backpressure", self._backpressure())

    def _choose(self, name: str, default: Choice | None = None) -> None:
        if name not in self:
            given = name in self._sources
            choice = default or DEFAULTS[name]
            self[name] = Choice(self._given[name], f"given by {self._sources[name]}") if given else choice

    def _workers(self) -> Choice:
        machine = self._machine
        count, reason = machine.processors, f"one for each of {machine.processors} processors"
        if machine.cpu_quota is not None and int(machine.cpu_quota) < count:
            count = max(1, int(machine.cpu_quota))
            reason = f"the control group lets it use {machine.cpu_quota:g} processors' time"
        if machine.memory is not None and machine.memory // WORKER_MEMORY < count:
            count = max(1, machine.memory // WORKER_MEMORY)
            reason = f"of {machine.memory // _MiB} MiB of memory each worker is counted with {WORKER_MEMORY // _MiB}"
        return Choice(count, reason)

    def _threads(self) -> Choice:
        memory = self._machine.memory
        if memory is not None and memory // self["workers"].value < 2 * WORKER_MEMORY:
            share = memory // self["workers"].value // _MiB
            return Choice(FEW_THREADS, f"for the sync views of each worker, which has {share} MiB of memory")
        return Choice(THREADS, "for the sync views of each worker; they wait more than they compute")

    def _http(self, reason: str) -> Choice:
        if self["cert"].value is not None:
            return Choice("auto", f"{reason}: HTTP/2 for clients that ask for it in the TLS handshake (ALPN), else 1.1")
        return Choice("1", f"{reason}: without TLS, browsers and proxies speak HTTP/1.1")

    def _backpressure(self) -> Choice:
        files = self._machine.open_files
        if files is None or files - OWN_FILES >= MOST_CONNECTIONS:
            return Choice(MOST_CONNECTIONS, "connections that a worker has open at once; more wait to be accepted")
        return Choice(max(64, files - OWN_FILES), f"a worker may have {files} files open (ulimit -n)")

    # -- what is made of them ----------------------------------------------------------------------------------------

    def value(self, name: str) -> t.Any:
        """The value of a setting."""
        return self[name].value

    def worker_settings(self) -> WorkerSettings:
        """What each worker is told."""
        return WorkerSettings(
            protocol=self.value("protocol"),
            loop=self.value("loop"),
            threads=self.value("threads"),
            grace=self.value("grace"),
            linger=self.value("linger"),
            max_requests=self._max_requests(),
            max_rss=self.value("max_rss"),
            access_log=self.value("access_log"),
            proxies=self.value("proxies"),
            granian=self._granian(),
        )

    def _max_requests(self) -> int | None:
        most: int | None = self.value("max_requests")
        if not most:
            return None
        import random

        jitter = self.value("max_requests_jitter")
        return most + random.randint(0, most // 10 if jitter is None else jitter)

    def _granian(self) -> dict[str, t.Any]:
        """Options of :class:`granian.server.embed.Server`."""
        from pathlib import Path

        from granian.constants import HTTPModes, SSLProtocols
        from granian.http import HTTP1Settings

        options: dict[str, t.Any] = {
            "http": HTTPModes(self.value("http")),
            "http1_settings": HTTP1Settings(
                header_read_timeout=int(self.value("header_timeout") * 1000), keep_alive=self.value("keep_alive")
            ),
            "backlog": self.value("backlog"),
            "backpressure": self.value("backpressure"),
        }
        if self.value("cert") is not None:
            options["ssl_cert"] = Path(self.value("cert"))
            options["ssl_key"] = Path(self.value("key"))
            options["ssl_protocol_min"] = SSLProtocols.tls12
        return options
