from __future__ import annotations

import linecache
import threading
import traceback
import typing as t

import pytest
import werkzeug.routing
from werkzeug.datastructures import MultiDict

from kolben.routing import BaseConverter, BuildError, Map, Rule, ValidationError
from kolben.routing.builder import Builder

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def test_a_rule_is_compiled_when_its_first_url_is_built() -> None:
    first, other = Rule("/a/<int:id>", endpoint="a"), Rule("/b", endpoint="b")
    url_map = Map([first, other])
    url_map.matcher.compile()
    before = len(linecache.cache)
    for number in range(2):
        assert url_map.bind("x").build("a", {"id": number}) == f"/a/{number}"

    assert len(linecache.cache) == before + 1


def test_binding_a_rule_does_not_run_werkzeugs_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(self: object, append_unknown: bool = True) -> None:
        raise AssertionError("Werkzeug's builder was compiled")

    monkeypatch.setattr(werkzeug.routing.Rule, "_compile_builder", compile)

    assert Map([Rule("/<a>", endpoint="a")]).bind("x").build("a", {"a": 1}) == "/1"


def test_building_costs_a_handful_of_calls(count_calls: Callable[..., int]) -> None:
    url_map = Map([Rule("/user/<int:id>", endpoint="user"), Rule("/", endpoint="index"), Rule("/<name>", endpoint="n")])
    adapter = url_map.bind("x")
    for endpoint, values in (("user", {"id": 7}), ("index", {}), ("n", {"name": "bob"})):
        adapter.build(endpoint, values)
        url_map.build_path(endpoint, values)

        assert count_calls(adapter.build, endpoint, values) <= 6
        assert count_calls(url_map.build_path, endpoint, values) <= 3
    assert count_calls(url_map.build_path, "index", {}) == 1
    assert url_map.fixed_paths == {"index": "/"}


def test_building_costs_the_same_among_ten_thousand_rules(count_calls: Callable[..., int]) -> None:
    url_map = Map([Rule(f"/{n}/<int:id>", endpoint=n) for n in range(10_000)])
    adapter = url_map.bind("x")
    counts = set()
    for endpoint in (0, 5_000, 9_999):
        adapter.build(endpoint, {"id": 7})
        counts.add(count_calls(adapter.build, endpoint, {"id": 7}))

    assert len(counts) == 1


def test_the_source_is_shown_in_tracebacks() -> None:
    rule = Rule("/n/<int:id>", endpoint="n")
    adapter = Map([rule]).bind("x")
    with pytest.raises(ValueError, match="seven") as raised:
        adapter.build("n", {"id": "seven"})

    shown = "".join(traceback.format_exception(raised.value))
    assert "return '', '/n/' + str(int(v0)) + q" in shown
    assert rule.builder.source in {"".join(entry[2]) for entry in linecache.cache.values() if len(entry) == 4}


HOSTILE = ["' + exit() + '", "\\", "{exit()}", "\n    exit()", "'''", "\x0c\rexit()"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_rule_cannot_inject_code(text: str) -> None:
    rule = Rule(f"/{text}/<a>", endpoint="a", defaults={text: text}, subdomain=text)
    url = Map([rule]).bind("x").build("a", {"a": "b"})

    assert url.endswith(f"/{BaseConverter(Map()).to_url(text)}/b")
    # The comment, the host, and the path: nothing but literals.
    assert "exit()" not in "".join(rule.builder.source.split(repr(rule.rule))[1].split("'")[::2])


def test_only_plain_values_take_the_short_way_to_a_query() -> None:
    url_map = Map([Rule("/", endpoint="a")])
    theirs = werkzeug.routing.Map([werkzeug.routing.Rule("/", endpoint="a")])
    for value in ("x", "x y", "&", "é", "", 7, -7, True, 1.5, None, b"x", ["a", "b c"], (), {"x"}, "a/b:c@d?e"):
        for name in ("n", "n m", "n&"):
            kinds: list[t.Any] = [{name: value}, MultiDict([(name, value), ("z", "1")]), {name: value, "z": 1}]
            for values in kinds:
                assert url_map.bind("x").build("a", values) == theirs.bind("x").build("a", values)


def test_parameters_can_be_sorted() -> None:
    url_map = Map([Rule("/", endpoint="a")], sort_parameters=True, sort_key=lambda item: item[1])

    assert url_map.bind("x").build("a", {"a": "2", "b": "1"}) == "/?b=1&a=2"


def test_build_path_leaves_the_rest_to_the_adapter() -> None:
    url_map = Map(
        [
            Rule("/a/<b>", endpoint="a"),
            Rule("/ws", endpoint="ws", websocket=True),
            Rule("/", endpoint="api", subdomain="api"),
            Rule("/get", endpoint="m", methods=["GET"]),
            Rule("/post", endpoint="m", methods=["POST"]),
            Rule("/<path:p>", endpoint="p"),
        ]
    )

    assert url_map.build_path("a", {"b": "x y", "c": 1}) == "/a/x%20y?c=1"
    assert url_map.build_path("p", {"p": "/x"}) == "/x"
    assert url_map.build_path("a", {"b": None}) is None
    assert url_map.build_path("a", {}) is None
    assert url_map.build_path("none", {}) is None
    assert url_map.build_path("ws", {}) is None
    assert url_map.build_path("api", {}) is None
    assert url_map.build_path("api", {}, subdomain="api") == "/"
    assert url_map.build_path("m", {}) == "/get"
    assert url_map.build_path("m", {}, default_method="POST") == "/post"
    assert url_map.build_path("m", {}, "POST") == "/post"
    assert url_map.build_path("m", {}, "PUT") is None
    assert url_map.build_path("m", {}, default_method="PUT") == "/get"
    assert Map([Rule("/", endpoint="a")], host_matching=True).build_path("a", {}) is None
    assert url_map.fixed_paths == {}


def test_unknown_endpoints_are_not_kept() -> None:
    url_map = Map([Rule("/", endpoint="a")])
    for n in range(100):
        assert url_map.builders(f"unknown{n}") == ()

    assert not url_map._builders


def test_a_rule_that_is_added_is_built() -> None:
    url_map = Map([Rule("/a", endpoint="a", defaults={})])
    assert url_map.build_path("a", {}) == "/a"
    url_map.add(Rule("/b/<b>", endpoint="a"))

    assert url_map.build_path("a", {"b": 1}) == "/b/1"
    assert url_map.bind("x").build("a", {}) == "/a"


def test_suggestions_are_computed_when_the_message_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    closest = BuildError.closest_rule

    def closest_rule(self: BuildError, adapter: t.Any) -> t.Any:
        asked.append(1)
        return closest(self, adapter)

    monkeypatch.setattr(BuildError, "closest_rule", closest_rule)
    with pytest.raises(BuildError) as raised:
        Map([Rule("/", endpoint="index")]).bind("x").build("idnex")
    assert asked == []

    assert "Did you mean 'index' instead?" in str(raised.value)
    assert asked == [1]


def test_what_a_subclass_overrides_is_called() -> None:
    class Shouting(Rule):
        def build(self, values: Mapping[str, t.Any], append_unknown: bool = True) -> tuple[str, str] | None:
            built = super().build(values, append_unknown)
            return built and (built[0], built[1].upper())

    class Picky(Rule):
        def suitable_for(self, values: Mapping[str, t.Any], method: str | None = None) -> bool:
            return "no" not in values and super().suitable_for(values, method)

    class Last(Rule):
        def build_compare_key(self) -> tuple[int, int, int]:
            return (9, 0, 0)

    adapter = Map(
        [
            Last("/last/<a>", endpoint="x"),
            Shouting("/shout/<a>", endpoint="shout"),
            Picky("/<a>", endpoint="x"),
        ]
    ).bind("x")

    assert adapter.build("shout", {"a": "b"}) == "/SHOUT/B"
    assert adapter.build("x", {"a": "b"}) == "/b"
    assert adapter.build("x", {"a": "b", "no": 1}) == "/last/b?no=1"


def test_a_default_that_cannot_be_written_is_an_error_at_set_up() -> None:
    with pytest.raises(ValueError, match="'c' is not one of 'a', 'b'"):
        Map([Rule("/<any(a, b):x>", defaults={"x": "c"})])


def test_rules_build_on_their_own() -> None:
    class Refusing(BaseConverter):
        def to_url(self, value: t.Any) -> str:
            raise ValidationError

    rule, refusing = Rule("/<a>", subdomain="<b>"), Rule("/<refusing:a>")
    Map([rule, refusing], converters={"refusing": Refusing})

    assert rule.build({"a": 1, "b": 2, "c": 3}) == ("2", "/1?c=3")
    assert rule.build({"a": 1, "b": 2, "c": 3}, append_unknown=False) == ("2", "/1")
    assert rule.build({"a": 1}) is None
    assert refusing.build({"a": 1}) is None


def test_one_thread_compiles() -> None:
    rule = Rule("/<a>")
    Map([rule])
    builder = Builder(rule)
    start = threading.Barrier(8)
    built = []

    def build() -> None:
        start.wait()
        built.append(builder.build({"a": 1}, True))

    before = set(linecache.cache)
    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert built == [("", "/1")] * 8
    assert len(set(linecache.cache) - before) == 1
