"""The request of a test, in the making: :class:`EnvironBuilder`."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote_to_bytes, urlsplit

import werkzeug.test

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..app import Kolben

RAW_HEADERS = "kolben.raw_headers"
"""In an environ: the headers as given, before WSGI folded ``X_Foo`` into ``X-Foo`` and joined repeated ones."""


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Builds the environ of a request, with defaults from the configuration of an application.

    :param app: Whose ``SERVER_NAME``, ``APPLICATION_ROOT``, ``PREFERRED_URL_SCHEME`` and JSON provider are used.
    :param path: The path, with a query string or not, or a whole URL.
    :param base_url: Where the application is served. Built from the configuration if not given.
    :param subdomain: Put before ``SERVER_NAME``.
    :param url_scheme: In place of ``PREFERRED_URL_SCHEME``.
    :raises TypeError: both ``base_url`` and one of ``subdomain`` and ``url_scheme`` are given.

    All else, such as ``method``, ``data``, ``json``, ``headers``, ``auth`` and ``environ_overrides``, is
    :class:`werkzeug.test.EnvironBuilder`'s.
    """

    def __init__(
        self,
        app: Kolben,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: t.Any,
        **kwargs: t.Any,
    ) -> None:
        if base_url is None:
            base_url, path = _locate(app, path, subdomain, url_scheme)
        elif subdomain or url_scheme:
            raise TypeError('Cannot pass "subdomain" or "url_scheme" with "base_url".')

        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        """Serialise what is passed as ``json`` with the JSON provider of the application."""
        return self.app.json.dumps(obj, **kwargs)

    def get_environ(self) -> WSGIEnvironment:
        """The environ; it also carries the headers unfolded, for a request that is sent over ASGI."""
        environ = super().get_environ()
        environ[RAW_HEADERS] = list(self.headers)
        if "PATH_INFO" not in (self.environ_overrides or ()):
            # NOTE: Werkzeug's own puts U+FFFD for bytes that are not UTF-8, which no server does.
            environ["PATH_INFO"] = unquote_to_bytes(_rooted(self.path, self.method)).decode("latin-1")
        return environ


def _rooted(path: str, method: str) -> str:
    """A path that may be written without its first slash, as a client never sends it."""
    return path if path.startswith("/") or (path == "*" and method == "OPTIONS") else f"/{path}"


def _locate(app: Kolben, path: str, subdomain: str | None, url_scheme: str | None) -> tuple[str, str]:
    """The base URL and the rest of the path, where an absolute URL in ``path`` wins over the configuration."""
    host = app.config.get("SERVER_NAME") or "localhost"
    if subdomain:
        host = f"{subdomain}.{host}"
    scheme = url_scheme if url_scheme is not None else app.config["PREFERRED_URL_SCHEME"]
    root = app.config["APPLICATION_ROOT"].lstrip("/")

    url = urlsplit(path)
    rest = f"{url.path}?{url.query}" if url.query else url.path
    return f"{url.scheme or scheme}://{url.netloc or host}/{root}", rest
