from __future__ import annotations

import typing as t

import pytest
import werkzeug.routing as oracle
from werkzeug.exceptions import BadHost
from werkzeug.test import create_environ

from kolben.routing import IntegerConverter, Map, MapAdapter, MethodNotAllowed, NotFound, RequestRedirect, Rule


def test_the_map_is_werkzeugs() -> None:
    url_map = Map([Rule("/b/<int:id>", endpoint="b"), Rule("/a", endpoint="a")])

    assert isinstance(url_map, oracle.Map)
    assert isinstance(url_map.bind("x"), oracle.MapAdapter)
    assert [rule.rule for rule in url_map.iter_rules()] == ["/b/<int:id>", "/a"]
    assert [rule.rule for rule in url_map.iter_rules("a")] == ["/a"]
    assert url_map.is_endpoint_expecting("b", "id")
    assert not url_map.is_endpoint_expecting("a", "id")
    assert repr(url_map) == "Map([<Rule '/b/<id>' -> b>, <Rule '/a' -> a>])"
    url_map.update()


def test_rules_of_werkzeugs_are_matched_and_built() -> None:
    class Theirs(oracle.Rule):
        pass

    url_map = Map([oracle.Rule("/a/<int:id>", endpoint="a"), Theirs("/b/<x>-<y>", endpoint="b", subdomain="<z>")])
    adapter = url_map.bind("example.com")

    assert adapter.match("/a/7") == ("a", {"id": 7})
    assert url_map.matcher.match("s", "/b/1-2", "GET")[1] == {"z": "s", "x": "1", "y": "2"}
    assert adapter.build("a", {"id": 7, "q": 1}) == "/a/7?q=1"
    assert adapter.build("b", {"x": 1, "y": 2, "z": "s"}) == "http://s.example.com/b/1-2"


def test_a_rule_of_werkzeugs_costs_no_more_calls(count_calls: t.Callable[..., int]) -> None:
    url_map = Map([oracle.Rule("/a/<int:id>")])
    url_map.matcher.compile()

    assert count_calls(url_map.matcher.match, "", "/a/7", "GET") == 1


def test_settings_can_be_changed_before_and_after() -> None:
    url_map = Map()
    url_map.strict_slashes = False
    url_map.converters["even"] = type("Even", (IntegerConverter,), {"regex": r"\d*[02468]"})
    url_map.add(Rule("/a//b/"))
    url_map.add(Rule("/<even:n>"))
    assert url_map.matcher.match("", "/a/b", "GET")[0].rule == "/a//b/"
    assert url_map.matcher.match("", "/8", "GET")[1] == {"n": 8}
    with pytest.raises(RequestRedirect):
        url_map.bind("x").match("/a//b")
    url_map.merge_slashes = False

    assert not url_map.merge_slashes
    with pytest.raises(NotFound):
        url_map.bind("x").match("/a//b")


def test_redirects_to_defaults_can_be_switched_off_later() -> None:
    url_map = Map([Rule("/", endpoint="a", defaults={"p": 1}), Rule("/<int:p>", endpoint="a")])
    with pytest.raises(RequestRedirect):
        url_map.bind("x").match("/1")
    url_map.redirect_defaults = False

    assert url_map.bind("x").match("/1") == ("a", {"p": 1})


def test_a_subclass_chooses_lock_and_adapter() -> None:
    class Adapter(MapAdapter):
        pass

    class Lock:
        entered = 0

        def __enter__(self) -> None:
            Lock.entered += 1

        def __exit__(self, *args: object) -> None:
            pass

    class OwnMap(Map):
        adapter_class = Adapter
        lock_class = Lock  # type: ignore[assignment]  # only what is needed of one

    url_map = OwnMap([Rule("/")])
    url_map.update()

    assert type(url_map.bind("x")) is Adapter
    assert type(url_map.bind_to_environ(create_environ("/"))) is Adapter
    assert Lock.entered == 1


HOSTS = ["Example.COM:8080", "bücher.example", "xn--bcher-kva.example", "", "a" * 64, "a..b", "[::1]:80", "localhost:"]


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_are_normalized_as_werkzeug_does(host: str) -> None:
    bound = []
    for found in (oracle.Map(), Map()):
        try:
            bound.append(found.bind(host, subdomain="Sub").server_name)
        except BadHost as error:
            bound.append(type(error).__name__)

    assert bound[0] == bound[1]


def test_s1_hosts_are_not_remembered_without_end() -> None:
    from kolben.routing.map import _normalized

    url_map = Map()
    for n in range(1000):
        url_map.bind(f"host{n}.example")

    assert _normalized.cache_info().currsize <= 512


def test_binding_follows_werkzeug() -> None:
    environ = create_environ("/x?a=1", "https://api.example.com:443/app", method="POST")
    bound = [vars(found.bind_to_environ(environ, "example.com")) for found in (oracle.Map(), Map())]
    for found in bound:
        del found["map"]
    assert bound[0] == bound[1]
    with pytest.raises(RuntimeError, match="a subdomain was provided"):
        Map(host_matching=True).bind("x", subdomain="a")
    with pytest.warns(UserWarning, match="doesn't match"):
        assert Map().bind_to_environ(environ, "other.example").subdomain == "<invalid>"


def test_allowed_methods() -> None:
    adapter = Map([Rule("/", methods=["GET"]), Rule("/", methods=["PUT"])]).bind("x")

    assert set(adapter.allowed_methods("/")) == {"GET", "HEAD", "PUT"}
    assert adapter.test("/", "PUT")
    assert not adapter.test("/", "POST")
    with pytest.raises(MethodNotAllowed):
        adapter.match("/", "POST")
