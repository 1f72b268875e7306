"""Checks of the configuration."""

from __future__ import annotations

import os
import typing as t

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from kolben import Kolben
from kolben.cli.checks.settings import (
    check_cookies,
    check_debug,
    check_hosts,
    check_limits,
    check_origins,
    check_secret_key,
)


def test_a_sound_configuration_has_no_findings(sound: Kolben) -> None:
    for check in (check_debug, check_secret_key, check_cookies, check_hosts, check_limits, check_origins):
        assert list(check(sound)) == []


@pytest.mark.parametrize(("setting", "problem"), [("DEBUG", "Debug mode is on"), ("TESTING", "TESTING is on")])
def test_modes_of_development(setting: str, problem: str, sound: Kolben) -> None:
    sound.config[setting] = True

    (finding,) = check_debug(sound)

    assert finding.level == "error"
    assert finding.problem.startswith(problem)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("5f1d0c9a", "is short, 8 characters"),
        (b"\x00\xff", "is short, 2 characters"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "looks like a placeholder"),
        ("this-is-very-SECRET-honestly", "looks like a placeholder"),
        ("development-key-9f8a7b6c5d4e", "looks like a placeholder"),
        ("192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "is an example from a documentation"),
    ],
)
def test_weak_keys(key: str | bytes | None, problem: str, sound: Kolben) -> None:
    sound.config["SECRET_KEY"] = key

    (finding,) = check_secret_key(sound)

    assert finding.level == ("error" if key else "warning")
    assert finding.problem.startswith(f"SECRET_KEY {problem}")


def test_the_key_itself_is_not_shown(sound: Kolben) -> None:
    sound.config["SECRET_KEY"] = "hunter2"

    assert "hunter2" not in str(list(check_secret_key(sound)))


def test_old_keys_are_checked_too(sound: Kolben) -> None:
    sound.config["SECRET_KEY_FALLBACKS"] = ["9b1c5e7730ad42f8", "short"]

    (finding,) = check_secret_key(sound)

    assert finding.problem.startswith("SECRET_KEY_FALLBACKS[1] is short")


@pytest.mark.parametrize(
    ("settings", "level", "problem"),
    [
        ({"SESSION_COOKIE_HTTPONLY": False}, "error", "SESSION_COOKIE_HTTPONLY is off"),
        ({"SESSION_COOKIE_SECURE": False}, "error", "SESSION_COOKIE_SECURE is off"),
        ({"SESSION_COOKIE_SAMESITE": None}, "warning", "SESSION_COOKIE_SAMESITE is None"),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "warning", "SESSION_COOKIE_SAMESITE is 'None'"),
    ],
)
def test_cookie_flags(settings: dict[str, t.Any], level: str, problem: str, sound: Kolben) -> None:
    sound.config.update(settings)

    (finding,) = check_cookies(sound)

    assert finding.level == level
    assert finding.problem.startswith(problem)


def test_any_host_is_a_warning(sound: Kolben) -> None:
    sound.config["TRUSTED_HOSTS"] = None

    assert [finding.level for finding in check_hosts(sound)] == ["warning"]


def test_s4_any_host_behind_a_proxy_is_an_error(sound: Kolben) -> None:
    sound.config["TRUSTED_HOSTS"] = None
    sound.wsgi_app = ProxyFix(sound.wsgi_app, x_host=1)  # type: ignore[method-assign]  # as middleware is installed

    (finding,) = check_hosts(sound)

    assert finding.level == "error"
    assert "Proxy headers are believed" in finding.problem


def test_s4_proxies_of_the_server_count(sound: Kolben) -> None:
    sound.config["TRUSTED_HOSTS"] = None
    os.environ["KOLBEN_SERVE_PROXIES"] = "1"

    assert [finding.level for finding in check_hosts(sound)] == ["error"]


@pytest.mark.parametrize("entry", ["*.example.org", "https://example.org", "example.org/path", "", "a b", None, 7])
def test_s3_hosts_that_match_nothing(entry: t.Any, sound: Kolben) -> None:
    sound.config["TRUSTED_HOSTS"] = ["example.org", ".example.org", "example.org:8000", "[::1]", entry]

    (finding,) = check_hosts(sound)

    assert finding.level == "error"
    assert finding.problem == f"TRUSTED_HOSTS has {entry!r}, which is no host name. Every request fails."


@pytest.mark.parametrize(("entry", "level"), [("example.org", "error"), ("https://*.a.org", "error"), ("*", "warning")])
def test_s3_origins(entry: str, level: str, sound: Kolben) -> None:
    sound.config["WEBSOCKET_ALLOWED_ORIGINS"] = ["https://app.example.org", entry]

    assert [(finding.level, repr(entry) in finding.problem) for finding in check_origins(sound)] == [(level, True)]


def test_bodies_without_a_limit(sound: Kolben) -> None:
    sound.config["MAX_CONTENT_LENGTH"] = None

    (finding,) = check_limits(sound)

    assert finding.problem.startswith("MAX_CONTENT_LENGTH is None.")


def test_costly_settings_of_development(sound: Kolben) -> None:
    sound.config["EXPLAIN_TEMPLATE_LOADING"] = True

    assert [finding.level for finding in check_limits(sound)] == ["warning"]
