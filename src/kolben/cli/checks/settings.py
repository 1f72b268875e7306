"""Checks of the configuration: debug mode, secret key, cookies, hosts."""

from __future__ import annotations

import re
import sys
import typing as t

from kolben.cli.environment import read_env
from kolben.http.host import host_is_trusted

from .finding import Finding, error, warning

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from kolben.app import Kolben

# As text, a key of 16 random bytes has at least 22 characters, in any common notation.
_KEY_LENGTH = 16
_KEY_VARIETY = 8
_PLACEHOLDER = re.compile(r"secret|change.?me|password|example|insecure|default|to.?do|^(dev|test)", re.IGNORECASE)
# Those that stand in the documentation of Flask, which everybody can read.
_PUBLISHED_KEYS = frozenset(
    {"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", '_5#y2L"F4Q8z\n\xec]/'},
)
_NEW_KEY = (
    "Make one with python -c 'import secrets; print(secrets.token_hex(32))' and keep it out of the code, for example in"
    " the environment variable KOLBEN_SECRET_KEY, which app.config.from_prefixed_env() reads."
)


def check_debug(app: Kolben) -> Iterator[Finding]:
    """Debug mode and testing mode belong to development."""
    if app.debug:
        yield error(
            "Debug mode is on. Errors show source code and variables to visitors.",
            "Unset KOLBEN_DEBUG and FLASK_DEBUG, and do not set app.debug or DEBUG in the code.",
        )
    if app.testing:
        yield error(
            "TESTING is on. Errors pass to the server instead of being answered and logged.",
            "Set TESTING in the tests only: app.config.update(TESTING=True).",
        )


def check_secret_key(app: Kolben) -> Iterator[Finding]:
    """The key that signs sessions is there, and cannot be guessed."""
    if not app.secret_key:
        # NOTE: an application that has no sessions needs none.
        yield warning("SECRET_KEY is not set. Writing to the session fails, and so does flash().", _NEW_KEY)
    keys = {"SECRET_KEY": app.secret_key}
    for index, key in enumerate(app.config.get("SECRET_KEY_FALLBACKS") or ()):
        keys[f"SECRET_KEY_FALLBACKS[{index}]"] = key
    for name, key in keys.items():
        if key and (weakness := _weakness(key)):
            yield error(f"{name} {weakness}. Whoever guesses it can forge sessions.", _NEW_KEY)


def _weakness(key: str | bytes) -> str | None:
    text = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    if len(text) < _KEY_LENGTH:
        return f"is short, {len(text)} characters"
    if text in _PUBLISHED_KEYS:
        return "is an example from a documentation"
    if len(set(text)) < _KEY_VARIETY or _PLACEHOLDER.search(text):
        return "looks like a placeholder"
    return None


def check_cookies(app: Kolben) -> Iterator[Finding]:
    """The session's cookie stays with the site, on encrypted connections, out of reach of scripts."""
    config = app.config
    same_site, secure = config.get("SESSION_COOKIE_SAMESITE"), config.get("SESSION_COOKIE_SECURE")
    if not config.get("SESSION_COOKIE_HTTPONLY", True):
        yield error(
            "SESSION_COOKIE_HTTPONLY is off. Any script that gets into a page can read the session's cookie.",
            "Leave SESSION_COOKIE_HTTPONLY at True.",
        )
    if secure is not None and not secure:
        yield error(
            "SESSION_COOKIE_SECURE is off. Browsers send the session's cookie over connections that are not encrypted.",
            "Set SESSION_COOKIE_SECURE to True.",
        )
    if same_site is None or str(same_site).lower() == "none":
        yield warning(
            f"SESSION_COOKIE_SAMESITE is {same_site!r}. Other sites can send requests with the session of a visitor.",
            "Set it to 'Lax'. Where other sites embed this one, guard every form with a token instead.",
        )


def check_hosts(app: Kolben) -> Iterator[Finding]:
    """The host of a request is one of this site's, most of all where a proxy's word for it is believed."""
    if hosts := app.config.get("TRUSTED_HOSTS"):
        yield from _check_host_entries(hosts)
        return
    fix = "Set TRUSTED_HOSTS to the names of this site, for example ['example.org', '.example.org']."
    if _believes_proxies(app):
        yield error("Proxy headers are believed, but TRUSTED_HOSTS is not set. Clients choose the host of URLs.", fix)
    else:
        yield warning("TRUSTED_HOSTS is not set. Requests are answered whatever host they name.", fix)


def _check_host_entries(hosts: t.Any) -> Iterator[Finding]:
    for entry in (hosts,) if isinstance(hosts, str) else hosts:
        try:
            host_is_trusted("host", (entry,))
        except (AttributeError, TypeError, ValueError):
            yield error(
                f"TRUSTED_HOSTS has {entry!r}, which is no host name. Every request fails.",
                "Write 'example.org' for one host, or '.example.org' for it and all below it: no scheme, path or '*'.",
            )


def check_limits(app: Kolben) -> Iterator[Finding]:
    """What a request may send, and how long a session lasts, is limited."""
    for name in ("MAX_CONTENT_LENGTH", "MAX_FORM_MEMORY_SIZE", "MAX_FORM_PARTS"):
        if app.config.get(name) is None:
            yield warning(
                f"{name} is None. A client may send as much as it likes, and fill the disk or the memory.",
                f"Set {name}. A route that takes more says so itself: max_content_length=…",
            )
    if app.config.get("EXPLAIN_TEMPLATE_LOADING") or app.config.get("TEMPLATES_AUTO_RELOAD"):
        yield warning(
            "EXPLAIN_TEMPLATE_LOADING or TEMPLATES_AUTO_RELOAD is on. Every rendered template costs looks at its file.",
            "Leave both to debug mode.",
        )


def check_origins(app: Kolben) -> Iterator[Finding]:
    """The origins that may open WebSockets are origins."""
    from kolben.http.websocket import origin_is_allowed

    entries = app.config.get("WEBSOCKET_ALLOWED_ORIGINS") or ()
    for entry in (entries,) if isinstance(entries, str) else entries:
        if entry == "*":
            yield warning(
                "WEBSOCKET_ALLOWED_ORIGINS has '*'. Pages of any site may open WebSockets with a visitor's session.",
                "Name the origins: 'https://app.example.org'.",
            )
        try:
            origin_is_allowed("https://example.org", "host", "wss", (entry,))
        except (AttributeError, TypeError, ValueError) as exc:
            yield error(
                f"WEBSOCKET_ALLOWED_ORIGINS has {entry!r}, which is no origin: {exc}",
                "Write scheme and host, such as 'https://app.example.org'.",
            )


def _believes_proxies(app: Kolben) -> bool:
    if read_env("SERVE_PROXIES"):
        return True
    # Not imported: where it is used, it is there.
    module = sys.modules.get("werkzeug.middleware.proxy_fix")
    middleware: t.Any = app.wsgi_app
    while module is not None and middleware is not None:
        if isinstance(middleware, module.ProxyFix):
            return True
        middleware = getattr(middleware, "app", None) or getattr(middleware, "wsgi_app", None)
        if middleware is app:
            return False
    return False
