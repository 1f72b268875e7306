"""A guestbook: the demonstration of Kolben."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from kolben import Kolben, Response, abort, request

from . import api, chat, database, entries, errors, files, statistics, visitors


def create_app(settings: dict[str, Any] | None = None, instance_path: str | None = None) -> Kolben:
    """Make the application.

    :param settings: override all others, for tests.
    :param instance_path: the folder for the database and the key; by default what
        `GUESTBOOK_INSTANCE_PATH` says, or `instance/` beside this package.
    """
    app = Kolben(__name__, instance_path=instance_path or os.environ.get("GUESTBOOK_INSTANCE_PATH"))
    instance = Path(app.instance_path)
    app.config.from_mapping(
        DATABASE=str(instance / "guestbook.sqlite3"),
        SAMPLE_SIZE=64 * 1024 * 1024,
    )
    app.config.from_prefixed_env("GUESTBOOK")
    app.config.from_mapping(settings)
    instance.mkdir(parents=True, exist_ok=True)
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = own_secret_key(instance / "secret_key")

    app.before_request(refuse_other_sites)
    app.after_request(add_security_headers)
    database.init_app(app)
    errors.init_app(app)
    for module in (entries, api, visitors, chat, files, statistics):
        app.register_blueprint(module.bp)
    return app


def own_secret_key(path: Path) -> str:
    """The key of this instance, made when it first starts: whoever reads it can forge sessions."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode=0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with open(descriptor, "w", encoding="ascii") as file:
        key = secrets.token_hex(32)
        file.write(key)
    return key


def refuse_other_sites() -> None:
    """Refuse what a page of another site sends in a visitor's name. Every browser of today says where it comes from."""
    if request.method != "GET" and request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        abort(403, "This was sent by a page of another site.")


def add_security_headers(response: Response) -> Response:
    """Everything a page loads comes from here, and no script or style stands in the page itself."""
    response.headers.setdefault("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response
