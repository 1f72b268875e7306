"""Certificates, keys and lists of paths as options."""

from __future__ import annotations

import os
import ssl
import sys
import typing as t
from types import ModuleType

import click
import pytest

from kolben.cli import run_command


def parse(*args: str) -> dict[str, t.Any]:
    return run_command.make_context("run", list(args)).params


def test_certificate_and_key_go_together_in_any_order() -> None:
    assert parse("--cert", __file__, "--key", __file__)["cert"] == (__file__, __file__)
    assert parse("--key", __file__, "--cert", __file__)["cert"] == (__file__, __file__)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--cert", __file__], 'Required when using "--cert"'),
        (["--key", __file__], '"--cert" must also be specified'),
        (["--cert", "no_such_file.pem", "--key", __file__], "does not exist"),
        (["--cert", "kolben"], "does not exist"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_an_error(args: list[str], message: str) -> None:
    with pytest.raises(click.BadParameter, match=message):
        parse(*args)


def test_an_ad_hoc_certificate_needs_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(click.BadParameter, match="requires the cryptography library"):
        parse("--cert", "adhoc")

    monkeypatch.setitem(sys.modules, "cryptography", ModuleType("cryptography"))
    assert parse("--cert", "adhoc")["cert"] == "adhoc"
    with pytest.raises(click.BadParameter, match='"--key" is not used'):
        parse("--cert", "adhoc", "--key", __file__)


def test_a_certificate_may_be_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    module = ModuleType("site_tls")
    module.__dict__["context"] = context
    monkeypatch.setitem(sys.modules, "site_tls", module)

    assert parse("--cert", "site_tls:context")["cert"] is context
    with pytest.raises(click.BadParameter, match='SSLContext object, "--key" is not used'):
        parse("--cert", "site_tls:context", "--key", __file__)


def test_a_python_without_tls_has_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ssl", None)

    with pytest.raises(click.BadParameter, match="compiled with SSL support"):
        parse("--cert", __file__)


def test_paths_are_separated_as_the_system_does() -> None:
    paths = os.pathsep.join([__file__, "other.py"])

    assert parse("--extra-files", paths)["extra_files"] == [__file__, "other.py"]
    assert parse("--exclude-patterns", "*.tmp")["exclude_patterns"] == ["*.tmp"]
