from __future__ import annotations

import typing as t

import pytest

from kolben.server.production.choices import DEFAULTS, Choices
from kolben.server.production.machine import Machine

MiB = 1024 * 1024


def choices(machine: dict[str, t.Any] | None = None, **given: t.Any) -> Choices:
    limits = {"processors": 4, "cpu_quota": None, "memory": None, "open_files": None, **(machine or {})}
    described = Machine.__new__(Machine)
    described.__dict__.update(limits)
    return Choices(given, {name: f"--{name}" for name in given}, described)


@pytest.mark.parametrize(
    ("machine", "workers", "why"),
    [
        ({}, 4, "4 processors"),
        ({"cpu_quota": 2.5}, 2, "2.5 processors' time"),
        ({"cpu_quota": 0.5}, 1, "0.5 processors' time"),
        ({"cpu_quota": 64.0}, 4, "4 processors"),
        ({"memory": 300 * MiB}, 2, "300 MiB"),
        ({"memory": 50 * MiB}, 1, "50 MiB"),
    ],
)
def test_workers_follow_from_the_machine(machine: dict[str, t.Any], workers: int, why: str) -> None:
    choice = choices(machine)["workers"]
    assert choice.value == workers
    assert why in choice.reason


def test_what_is_given_wins_and_is_named() -> None:
    choice = choices({"memory": 50 * MiB}, workers=7)["workers"]
    assert choice == (7, "given by --workers")


@pytest.mark.parametrize(("memory", "threads"), [(None, 64), (4096 * MiB, 64), (200 * MiB, 32)])
def test_threads_follow_from_the_memory_of_a_worker(memory: int | None, threads: int) -> None:
    assert choices({"memory": memory, "processors": 1})["threads"].value == threads


def test_http2_needs_tls() -> None:
    assert choices()["http"].value == "1"
    assert choices(cert="cert.pem", key="key.pem")["http"].value == "auto"
    assert choices(http="2")["http"].value == "2"


@pytest.mark.parametrize(("files", "most"), [(None, 8192), (1024, 896), (100, 64), (1_000_000, 8192)])
def test_connections_are_fewer_than_open_files(files: int | None, most: int) -> None:
    assert choices({"open_files": files})["backpressure"].value == most


def test_every_setting_has_a_reason() -> None:
    made = choices()
    assert made.keys() >= DEFAULTS.keys()
    assert all(choice.reason for choice in made.values())


def test_workers_are_replaced_at_different_times() -> None:
    counts = {choices(max_requests=1000).worker_settings().max_requests for _ in range(50)}
    assert len(counts) > 1
    assert all(1000 <= count <= 1100 for count in counts if count)
    assert choices(max_requests=1000, max_requests_jitter=0).worker_settings().max_requests == 1000


def test_settings_of_granian() -> None:
    options = choices(header_timeout=2.5, keep_alive=False).worker_settings().granian
    assert options["http1_settings"].header_read_timeout == 2500
    assert options["http1_settings"].keep_alive is False
    assert "ssl_cert" not in options
