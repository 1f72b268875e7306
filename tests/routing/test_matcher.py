from __future__ import annotations

import linecache
import random
import threading
import traceback
import typing as t

import pytest

from kolben.routing import (
    AliasRedirect,
    BaseConverter,
    Map,
    NoRule,
    PathRedirect,
    Rule,
    RuleRedirect,
    Unmatched,
    ValidationError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

# Each comes with a path for the rule of a number.
KINDS = [
    ("/fixed{}/x", "/fixed{}/x"),
    ("/int{}/<int:id>", "/int{}/7"),
    ("/text{}/<name>", "/text{}/abc"),
    ("/deep/{}/<int:id>/of/<name>", "/deep/{}/7/of/abc"),
    ("/behind/<name>/{}", "/behind/abc/{}"),
    ("/files{}/<path:path>", "/files{}/a/b.txt"),
    ("/prefix{}-<int:id>", "/prefix{}-7"),
]


def map_of(count: int) -> Map:
    return Map([Rule(KINDS[n % len(KINDS)][0].format(n // len(KINDS)), endpoint=n) for n in range(count)])


@pytest.fixture(scope="module")
def large() -> Map:
    return map_of(10_000)


@pytest.fixture(scope="module")
def small() -> Map:
    return map_of(14)


def work(count: Callable[..., int], url_map: Map, path: str) -> int:
    match = url_map.matcher.match
    match("", path, "GET")
    return count(url_map.matcher.match, "", path, "GET")


@pytest.mark.parametrize("kind", [path for _, path in KINDS[:-1]])
def test_a_match_costs_one_call_among_any_number_of_rules(
    small: Map, large: Map, kind: str, count_calls: Callable[..., int]
) -> None:
    for number in (0, 700, 1400):
        assert work(count_calls, large, kind.format(number)) == 1
    assert work(count_calls, small, kind.format(1)) == 1


@pytest.mark.parametrize("kind", [path for _, path in KINDS])
def test_a_match_costs_the_same_among_ten_thousand_rules(
    large: Map, kind: str, count_lines: Callable[..., int]
) -> None:
    counts = {work(count_lines, large, kind.format(number)) for number in (0, 700, 1400)}

    assert max(counts) - min(counts) <= 10
    assert max(counts) < 150


def test_a_path_without_a_rule_costs_the_same_among_ten_thousand_rules(
    small: Map, large: Map, count_lines: Callable[..., int]
) -> None:
    for path in ("/none", "/fixed0/none", "/prefix-7", "/a/b/c/d"):
        few, many = (count_lines(found.matcher.match, "", path, "GET") for found in (small, large))
        assert many <= few + 10


def test_setting_up_costs_the_same_for_each_rule(count_lines: Callable[..., int]) -> None:
    def set_up(rules: int) -> None:
        half = range(rules // 2)
        url_map = Map([Rule(f"/fixed{n}") for n in half] + [Rule(f"/area{n}/<int:id>/edit") for n in half])
        url_map.bind("localhost").match("/fixed0")

    set_up(10)  # NOTE: what is imported, and compiled, once.
    few, more, many = (count_lines(set_up, rules) for rules in (100, 200, 400))

    assert many - more <= 2.02 * (more - few)


def test_the_generated_code_does_not_grow_with_the_rules(small: Map, large: Map) -> None:
    assert len(large.matcher.source) <= len(small.matcher.source) + 1000


def test_odd_rules_do_not_make_endless_code() -> None:
    patterns = [f"{n:011b}".replace("0", "/x").replace("1", "/<int:v>") for n in range(2048)]
    numbered = [pattern.replace("v>", "v%d>") % tuple(range(pattern.count("v>"))) for pattern in patterns]
    url_map = Map([Rule(pattern, endpoint=n) for n, pattern in enumerate(numbered)])

    assert url_map.matcher.source.count("\n") < 5000
    rule, values = url_map.matcher.match("", "/x/7" * 5 + "/x", "GET")
    assert (rule.endpoint, len(values)) == (0b01010101010, 5)


@pytest.mark.parametrize("path", ["/" * 100_000, "/a" + "/" * 100_000, "/a/b" * 25_000, "/files0" + "/a" * 50_000])
def test_s14_a_path_of_many_segments_costs_no_more_lines(
    small: Map, path: str, count_lines: Callable[..., int]
) -> None:
    """What remains are calls into C that are linear in the path: to split, to join, to merge slashes."""
    # The first time, expressions are compiled.
    count_lines(small.matcher.match, "", path, "GET")

    assert count_lines(small.matcher.match, "", path, "GET") < 250


def test_values_are_never_shared() -> None:
    url_map = Map([Rule("/"), Rule("/d", defaults={"a": 1}), Rule("/<int:id>"), Rule("/x/", strict_slashes=False)])

    for path in ("/", "/d", "/7", "/x"):
        first, second = (url_map.matcher.match("", path, "GET")[1] for _ in range(2))
        assert first == second
        assert first is not second
    url_map.matcher.match("", "/d", "GET")[1]["a"] = 2
    assert url_map.matcher.match("", "/d", "GET")[1] == {"a": 1}


def test_the_outcomes_are_raised() -> None:
    url_map = Map(
        [
            Rule("/branch/"),
            Rule("/get", methods=["GET"]),
            Rule("/ws", websocket=True),
            Rule("/page/<int:page>", endpoint="page"),
            Rule("/page/", endpoint="page", defaults={"page": 1}),
            Rule("/p<int:page>", endpoint="page", alias=True),
            Rule("/old/<a>", redirect_to="new/<a>"),
        ]
    )

    def outcome(path: str, method: str = "GET") -> t.Any:
        with pytest.raises(Unmatched) as raised:
            url_map.matcher.match("", path, method)
        return raised.value

    assert (type(outcome("/branch")), outcome("/branch").path_info) == (PathRedirect, "/branch/")
    assert (type(outcome("/none")), outcome("/none").have_match_for) == (NoRule, set())
    assert outcome("/get", "POST").have_match_for == {"GET", "HEAD"}
    assert outcome("/ws").websocket_mismatch
    assert (type(outcome("/page/1")), outcome("/page/1").values) == (RuleRedirect, {"page": 1})
    assert (type(outcome("/p2")), outcome("/p2").matched_values) == (AliasRedirect, {"page": 2})
    assert (type(outcome("/old/x")), outcome("/old/x").rule.rule) == (RuleRedirect, "/old/<a>")


def test_a_converter_is_asked_once_even_if_it_refuses() -> None:
    asked = []

    class Asking(BaseConverter):
        def to_python(self, value: str) -> str:
            asked.append(value)
            raise ValidationError

    url_map = Map([Rule("/<asking:a>")], converters={"asking": Asking})
    with pytest.raises(NoRule):
        url_map.matcher.match("", "/x", "GET")

    assert asked == ["x"]


def test_the_source_is_shown_in_tracebacks() -> None:
    class Failing(BaseConverter):
        def to_python(self, value: str) -> str:
            raise LookupError

    url_map = Map([Rule("/a/<failing:a>")], converters={"failing": Failing})
    with pytest.raises(LookupError) as raised:
        url_map.matcher.match("", "/a/x", "GET")

    shown = "".join(traceback.format_exception(raised.value))
    assert "values = {k0: c0(v0)}" not in shown
    assert "return rule, {k0: c0(v0)}" in shown
    assert url_map.matcher.source in {"".join(entry[2]) for entry in linecache.cache.values() if len(entry) == 4}


def test_sources_are_forgotten_with_their_map() -> None:
    import gc

    def known() -> int:
        return sum(name.startswith("<kolben matcher") for name in linecache.cache)

    gc.collect()
    before = known()
    for _ in range(5):
        Map([Rule("/<a>")]).matcher.compile()
    gc.collect()

    assert known() == before


HOSTILE = [
    "'); raise SystemExit(1)  # ",
    '"""\n    raise SystemExit(1)\n"""',
    "\\N{BULLET}\n\traise SystemExit",
    "{raise_}",
    "\x0c\x85  raise SystemExit",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_rule_cannot_inject_code(text: str) -> None:
    url_map = Map(
        [Rule(f"/{text}"), Rule(f"/{text}/<int:id>"), Rule(f"/{text}<a>x"), Rule("/x/<a>", subdomain=text)],
        merge_slashes=False,
    )

    assert url_map.matcher.match("", f"/{text}", "GET")[1] == {}
    assert url_map.matcher.match("", f"/{text}/7", "GET")[1] == {"id": 7}
    assert url_map.matcher.match(text, "/x/7", "GET")[1] == {"a": "7"}
    assert "SystemExit" not in url_map.matcher.source


def test_a_method_that_a_path_refused_before_costs_no_search(count_lines: Callable[..., int]) -> None:
    made = Map([Rule("/", methods=["GET"]), Rule("/area/", methods=["GET"]), Rule("/area/<name>", methods=["GET"])])
    made.matcher.compile()

    first, second, unknown = (count_lines(made.matcher.match, "", "/area/", method) for method in ("PUT", "PUT", "ODD"))

    assert second < first / 2
    assert unknown == second


@pytest.mark.parametrize("seed", range(40))
def test_what_was_refused_before_changes_no_answer(seed: int) -> None:
    chance = random.Random(seed)
    methods = ["GET", "POST", "PUT", None]
    texts = chance.sample(["/a", "/a/", "/a/b", "/<x>", "/<x>/", "/<x>/b", "/<path:x>", "/a/<int:n>", "/a/7", "/b"], 5)
    rules = [(text, chance.choice(methods), chance.choice([True, False]), n) for n, text in enumerate(texts * 2)]
    socket = chance.choice(["/<x>", "/a", "/s"])

    def outcome(url_map: Map, path: str, method: str) -> t.Any:
        try:
            rule, values = url_map.matcher.match("", path, method)
        except NoRule as reason:
            return reason.have_match_for, reason.websocket_mismatch
        except PathRedirect as reason:
            return reason.path_info
        return rule.endpoint, values

    def make() -> Map:
        return Map(
            [
                Rule(socket, endpoint="socket", websocket=True),
                *(
                    Rule(text, endpoint=n, methods=method and [method], strict_slashes=is_strict)
                    for text, method, is_strict, n in rules
                ),
            ]
        )

    paths = ["/a", "/a/", "/a//", "/a/b", "/a/b/", "/a/7", "/b", "/b/", "/c", "/"]
    questions = [(path, method) for path in paths for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "ODD")] * 2
    chance.shuffle(questions)
    asked_often = make()
    for question in questions:
        assert outcome(asked_often, *question) == outcome(make(), *question), question


def test_adding_a_rule_compiles_anew() -> None:
    url_map = Map([Rule("/a", endpoint="a")])
    assert url_map.matcher.match("", "/a", "GET")[0].endpoint == "a"
    url_map.add(Rule("/<b>", endpoint="b"))

    assert url_map.matcher.match("", "/x", "GET")[0].endpoint == "b"
    assert url_map.matcher.match("", "/a", "GET")[0].endpoint == "a"


def test_the_first_compile_is_one_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    url_map = map_of(500)
    compiled = []
    generate = url_map.matcher._generate

    def counted() -> t.Any:
        compiled.append(1)
        return generate()

    monkeypatch.setattr(url_map.matcher, "_generate", counted)
    start = threading.Barrier(8)
    found = []

    def ask(number: int) -> None:
        start.wait()
        found.append(url_map.matcher.match("", f"/int{number}/{number}", "GET")[1]["id"] == number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 8
    assert compiled == [1]


def test_paths_that_begin_with_two_slashes_are_one_slash() -> None:
    class Empty(BaseConverter):
        regex = ".*"

    url_map = Map(
        [Rule("/a"), Rule("/<empty:e>/b"), Rule("//c", merge_slashes=False), Rule("/c", endpoint="c")],
        converters={"empty": Empty},
    )

    assert url_map.matcher.match("", "//a", "GET")[0].rule == "/a"
    assert url_map.matcher.match("", "//c", "GET")[0].endpoint == "c"
    with pytest.raises(NoRule):
        url_map.matcher.match("", "//b", "GET")


def test_a_rule_that_is_refreshed_is_compiled_anew() -> None:
    rule = Rule("/a", methods=["GET"])
    url_map = Map([rule])
    assert url_map.matcher.match("", "/a", "GET")[0] is rule
    rule.rule, rule.methods = "/b", {"PUT"}
    rule.refresh()

    assert url_map.matcher.match("", "/b", "PUT")[0] is rule
    with pytest.raises(NoRule):
        url_map.matcher.match("", "/a", "GET")
