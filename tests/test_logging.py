from __future__ import annotations

import io
import logging
import sys
import typing as t

import pytest

from kolben import Kolben, current_app
from kolben.logging import create_logger, default_handler, has_level_handler, wsgi_errors_stream


@pytest.fixture(autouse=True)
def bare_logging(pytestconfig: pytest.Config) -> t.Iterator[None]:
    """Logging as a program has it that configured nothing; pytest would add handlers of its own."""
    root, own = logging.getLogger(), logging.getLogger("logging_test_app")
    before = root.handlers, root.level
    root.handlers, root.level = [], logging.WARNING
    plugin = pytestconfig.pluginmanager.unregister(name="logging-plugin")
    yield
    pytestconfig.pluginmanager.register(plugin, "logging-plugin")
    root.handlers, root.level = before
    own.handlers.clear()
    own.setLevel(logging.NOTSET)


@pytest.fixture
def app() -> Kolben:
    return Kolben("logging_test_app", root_path="")


def test_logger_is_named_like_the_application_and_gets_a_handler(app: Kolben) -> None:
    logger = create_logger(app)
    assert logger.name == "logging_test_app"
    assert logger.level == logging.NOTSET
    assert logger.handlers == [default_handler]
    assert app.logger is logger


def test_debug_mode_lowers_the_level_only_if_it_is_not_set(app: Kolben) -> None:
    app.debug = True
    assert create_logger(app).level == logging.DEBUG
    logging.getLogger("logging_test_app").setLevel(logging.ERROR)
    assert create_logger(app).level == logging.ERROR


def test_existing_handler_is_enough(app: Kolben) -> None:
    logging.getLogger().addHandler(logging.NullHandler())
    assert create_logger(app).handlers == []


def test_handler_for_lower_levels_counts_and_for_higher_does_not() -> None:
    logger = logging.getLogger("logging_test_app")
    assert not has_level_handler(logger)
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    assert has_level_handler(logger)
    handler.setLevel(logging.ERROR)
    assert not has_level_handler(logger)
    handler.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        assert not has_level_handler(logger)
    finally:
        logger.propagate = True


def test_stream_is_the_servers_in_a_wsgi_request(app: Kolben) -> None:
    errors = io.StringIO()
    with app.test_request_context(errors_stream=errors):
        assert wsgi_errors_stream._get_current_object() is errors  # type: ignore[attr-defined]  # it is a proxy
        current_app.logger.error("went wrong")
    assert "ERROR in test_logging: went wrong" in errors.getvalue()


def test_stream_is_stderr_otherwise(app: Kolben, capsys: pytest.CaptureFixture[str]) -> None:
    stream: t.Any = wsgi_errors_stream
    assert stream._get_current_object() is sys.stderr
    with app.app_context():
        assert stream._get_current_object() is sys.stderr
    app.logger.error("went wrong")
    assert "went wrong" in capsys.readouterr().err


def test_stream_is_stderr_in_an_asgi_request(app: Kolben, capsys: pytest.CaptureFixture[str]) -> None:
    @app.get("/")
    def index() -> str:
        current_app.logger.error("went wrong")
        from kolben import request

        return str("environ" in vars(request._get_current_object()))  # type: ignore[attr-defined]  # it is a proxy

    assert app.test_client(protocol="asgi").get("/").text == "False"
    assert "went wrong" in capsys.readouterr().err
