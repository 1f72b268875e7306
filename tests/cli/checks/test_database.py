"""Checks of the database."""

from __future__ import annotations

import os
import typing as t

import pytest

from kolben import Kolben
from kolben.cli.checks.database import check_database, count_workers

if t.TYPE_CHECKING:
    from kolben.cli.checks.finding import Finding


@pytest.fixture(autouse=True)
def _eight_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOLBEN_SERVE_WORKERS", "8")


def found(app: Kolben, uri: str, **options: t.Any) -> list[Finding]:
    app.config.update(SQLALCHEMY_DATABASE_URI=uri, SQLALCHEMY_ENGINE_OPTIONS=options)
    return list(check_database(app))


def test_an_application_without_a_database(sound: Kolben) -> None:
    assert list(check_database(sound)) == []


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        ("postgresql+psycopg://db/site", {"pool_size": 10, "max_overflow": 2}),
        ("mysql+pymysql://db/site", {}),
        ("sqlite:////var/lib/site.sqlite3", {}),
        ("sqlite:///site.sqlite3", {}),
        ("oracle://db/site", {"pool_size": 1000}),
        ("postgresql://db/site", {"poolclass": type("NullPool", (), {})}),
    ],
)
def test_enough_connections(uri: str, options: dict[str, t.Any], sound: Kolben) -> None:
    assert found(sound, uri, **options) == []


def test_more_connections_than_the_server_gives(sound: Kolben) -> None:
    (finding,) = found(sound, "postgresql+psycopg://ada:hunter2@db/site")

    assert finding.level == "warning"
    assert finding.problem == (
        "8 workers (KOLBEN_SERVE_WORKERS), each with a pool of 5 and 10 more at peaks (max_overflow), may ask"
        " SQLALCHEMY_DATABASE_URI for 120 connections; PostgreSQL gives 100 unless it is configured otherwise. Requests"
        " beyond that fail."
    )
    assert "here 11 for each worker" in finding.fix
    assert "hunter2" not in str(finding)


@pytest.mark.parametrize("options", [{"pool_size": 0}, {"max_overflow": -1}])
def test_pools_without_a_limit(options: dict[str, t.Any], sound: Kolben) -> None:
    (finding,) = found(sound, "mysql://db/site", **options)

    assert "any number of connections; MySQL gives 151" in finding.problem


def test_each_bind_has_its_own_options(sound: Kolben) -> None:
    sound.config["SQLALCHEMY_BINDS"] = {
        "small": {"url": "postgresql://db/a", "pool_size": 2, "max_overflow": 0},
        "large": "postgresql://db/b",
    }

    (finding,) = found(sound, "sqlite:///site.sqlite3")

    assert "may ask SQLALCHEMY_BINDS['large'] for 120 connections" in finding.problem


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:site?mode=memory&uri=true"])
def test_a_database_in_the_memory_of_each_worker(uri: str, sound: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = found(sound, uri)

    assert finding.level == "error"
    assert "there are 8 workers (KOLBEN_SERVE_WORKERS)" in finding.problem
    monkeypatch.setenv("KOLBEN_SERVE_WORKERS", "1")
    assert found(sound, uri) == []


def test_who_says_how_many_workers_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    assert count_workers() == (8, "KOLBEN_SERVE_WORKERS")
    monkeypatch.delenv("KOLBEN_SERVE_WORKERS")
    assert count_workers() == (3, "WEB_CONCURRENCY")
    monkeypatch.delenv("WEB_CONCURRENCY")
    workers, source = count_workers()
    assert 1 <= workers <= (os.cpu_count() or 1)
    assert source.startswith(("one for each of ", "the control group ", "of "))
