from __future__ import annotations

import typing as t

import pytest

from kolben.testing import EnvironBuilder
from kolben.testing.environ import RAW_HEADERS

if t.TYPE_CHECKING:
    from kolben import Kolben


def test_defaults_come_from_the_configuration(app: Kolben) -> None:
    app.config.update(SERVER_NAME="example.com:1234", APPLICATION_ROOT="/foo", PREFERRED_URL_SCHEME="https")

    builder = EnvironBuilder(app, "/x?y=1")

    assert builder.base_url == "https://example.com:1234/foo/"
    assert builder.path == "/x"
    assert builder.query_string == "y=1"


def test_without_a_server_name_the_host_is_localhost(app: Kolben) -> None:
    assert EnvironBuilder(app).base_url == "http://localhost/"


@pytest.mark.parametrize(
    ("kwargs", "base_url"),
    [
        ({"path": "https://example.com/x"}, "https://example.com/"),
        ({"subdomain": "api"}, "http://api.localhost/"),
        ({"url_scheme": "https"}, "https://localhost/"),
        ({"base_url": "https://example.com/root"}, "https://example.com/root/"),
    ],
)
def test_what_is_passed_wins(app: Kolben, kwargs: dict[str, t.Any], base_url: str) -> None:
    assert EnvironBuilder(app, **kwargs).base_url == base_url


@pytest.mark.parametrize("other", ["subdomain", "url_scheme"])
def test_a_base_url_leaves_nothing_to_say(app: Kolben, other: str) -> None:
    with pytest.raises(TypeError, match='with "base_url"'):
        EnvironBuilder(app, base_url="http://localhost", **{other: "x"})


def test_json_is_serialised_by_the_application(app: Kolben) -> None:
    builder = EnvironBuilder(app, json={"a": 1})

    assert builder.content_type == "application/json"
    assert app.json.loads(builder.get_environ()["wsgi.input"].read()) == {"a": 1}


def test_headers_are_also_kept_unfolded(app: Kolben) -> None:
    environ = EnvironBuilder(app, headers=[("X_A", "1"), ("X-A", "2")]).get_environ()

    assert environ["HTTP_X_A"] == "1, 2"
    assert environ[RAW_HEADERS] == [("X_A", "1"), ("X-A", "2")]


def test_a_path_that_is_not_utf8_arrives_as_it_is(app: Kolben) -> None:
    assert EnvironBuilder(app, "/%ff").get_environ()["PATH_INFO"] == "/\xff"
    assert EnvironBuilder(app, "/é").get_environ()["PATH_INFO"] == "/é".encode().decode("latin-1")


def test_a_path_may_be_written_without_its_first_slash(app: Kolben) -> None:
    assert EnvironBuilder(app, "index").get_environ()["PATH_INFO"] == "/index"
    assert EnvironBuilder(app, "*", method="OPTIONS").get_environ()["PATH_INFO"] == "*"


def test_a_path_may_be_overridden(app: Kolben) -> None:
    assert EnvironBuilder(app, "/a", environ_overrides={"PATH_INFO": "/b"}).get_environ()["PATH_INFO"] == "/b"
