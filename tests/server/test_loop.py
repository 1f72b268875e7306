from __future__ import annotations

import asyncio
import builtins
import sys
import typing as t
from importlib import util

import pytest

from kolben.server.loop import choose_loop, run_on, why_no_uvloop


async def running() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_uvloop_is_chosen_where_it_is_installed() -> None:
    pytest.importorskip("uvloop")
    assert why_no_uvloop() is None
    assert choose_loop() == ("uvloop", "uvloop is installed, and faster")
    assert run_on("auto", running()) == "uvloop"
    assert run_on("uvloop", running()) == "uvloop"
    assert run_on("asyncio", running()).startswith("asyncio.")


def test_asyncio_is_chosen_where_uvloop_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert choose_loop() == ("asyncio", "uvloop is not installed")
    assert run_on("auto", running()).startswith("asyncio.")


def test_uvloop_that_cannot_be_imported_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        if name == "uvloop":
            raise ImportError("built for another Python")
        return original(name, *args, **kwargs)

    original = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", fail)
    monkeypatch.setattr(util, "find_spec", lambda name: object())
    assert choose_loop() == ("asyncio", "uvloop is installed, but cannot be imported: built for another Python")


@pytest.mark.parametrize(("platform", "reason"), [("win32", "Windows"), (sys.platform, "CPython")])
def test_uvloop_is_for_cpython_on_posix(monkeypatch: pytest.MonkeyPatch, platform: str, reason: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys.implementation, "name", "pypy")
    name, why = choose_loop()
    assert name == "asyncio"
    assert reason in why
