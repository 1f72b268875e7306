from __future__ import annotations

import typing as t

import pytest
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from kolben.routing import Map, MapAdapter, RequestRedirect, Rule, Unmatched, WebsocketMismatch

RULES = [
    Rule("/branch/", endpoint="branch"),
    Rule("/get", endpoint="get", methods=["GET"]),
    Rule("/ws", endpoint="ws", websocket=True),
    Rule("/page/<int:page>", endpoint="page"),
    Rule("/page/", endpoint="page", defaults={"page": 1}),
    Rule("/p<int:page>", endpoint="page", alias=True),
    Rule("/old/<a>", redirect_to="new/<a>"),
]


@pytest.fixture(scope="module")
def adapter() -> MapAdapter:
    return Map(RULES).bind("example.com", "/app", url_scheme="https", query_args={"q": "a b"})


def explained(adapter: MapAdapter, path: str, method: str = "GET", **options: t.Any) -> HTTPException:
    with pytest.raises(Unmatched) as raised:
        adapter.map.matcher.match("", path, method)
    return adapter.explain(raised.value, path, method, **options)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/branch", "/app/branch/?q=a+b"),
        ("/br//anch", None),
        ("/branch//", "/app/branch/?q=a+b"),
        ("/page/1", "/app/page/?q=a+b"),
        ("/p1", "/app/page/?q=a+b"),
        ("/p2", "/app/page/2?q=a+b"),
        ("/old/x y", "/app/new/x%20y"),
    ],
)
def test_redirects_are_explained(adapter: MapAdapter, path: str, url: str | None) -> None:
    found = explained(adapter, path)

    if url is None:
        assert isinstance(found, NotFound)
    else:
        assert isinstance(found, RequestRedirect)
        assert (found.new_url, found.code) == (f"https://example.com{url}", 308)


def test_errors_are_explained(adapter: MapAdapter) -> None:
    refused = explained(adapter, "/get", "POST")

    assert isinstance(refused, MethodNotAllowed)
    assert set(refused.valid_methods or ()) == {"GET", "HEAD"}
    assert isinstance(explained(adapter, "/ws"), WebsocketMismatch)
    assert isinstance(explained(adapter, "/none"), NotFound)


def test_query_arguments_can_be_given(adapter: MapAdapter) -> None:
    found = explained(adapter, "/branch", query_args="x=%20")

    assert isinstance(found, RequestRedirect)
    assert found.new_url == "https://example.com/app/branch/?x=%20"


def test_a_match_that_an_override_does_not_redirect_is_a_match() -> None:
    class Adapter(MapAdapter):
        def get_default_redirect(self, *args: t.Any, **kwargs: t.Any) -> str | None:
            return None

    class OwnMap(Map):
        adapter_class = Adapter

    url_map = OwnMap([Rule("/", endpoint="a", defaults={"p": 1}), Rule("/<int:p>", endpoint="a")])

    assert url_map.bind("x").match("/1") == ("a", {"p": 1})


def test_a_page_without_the_method_of_the_request_is_linked_to(adapter: MapAdapter) -> None:
    posting = adapter.map.bind("example.com", default_method="POST")

    assert posting.build("get") == "/get"
    assert posting.build("ws") == "ws://example.com/ws"
