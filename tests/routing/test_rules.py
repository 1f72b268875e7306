from __future__ import annotations

import typing as t

import pytest
import werkzeug.routing as oracle
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kolben.routing import (
    BaseConverter,
    EndpointPrefix,
    Map,
    Rule,
    RuleFactory,
    RuleTemplate,
    Subdomain,
    Submount,
)

# Texts that are rules, or nearly.
TOKENS = [
    "/",
    "//",
    "a",
    "b.c",
    "é",
    "<",
    ">",
    "<a>",
    "<int:b>",
    "<path:c>",
    "<string(length=2):d>",
    "<int(:e>",
    "(",
    "|",
]
TOKENS += ["<any(a, 'b'):f>", "<none:g>", "<int(min=1; max=2):h>", "<1>", "%", "\\", "*+?", " ", "\n", "<a:b:c>"]


def _parsed(rule: t.Any) -> t.Any:
    fields = ("content", "final", "static", "suffixed")
    parts = [
        (*(getattr(part, name) for name in fields), None if part.static else tuple(part.weight)) for part in rule._parts
    ]
    return parts, rule._trace, rule.arguments, list(rule._converters), repr(rule), rule.is_leaf, rule.is_branch


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(TOKENS), max_size=7).map("".join), st.none() | st.sampled_from(TOKENS), st.booleans())
@example("<path:c>/", None, True)
@example("<path:c>//x/", "<path:d>/", False)
def test_rules_are_read_as_werkzeug_does(text: str, subdomain: str | None, merge_slashes: bool) -> None:
    read: list[t.Any] = []
    for module in (oracle, None):
        make_map, make_rule = (Map, Rule) if module is None else (oracle.Map, oracle.Rule)
        try:
            rule = make_rule(f"/{text}", subdomain=subdomain, endpoint="e", merge_slashes=merge_slashes)
            make_map([rule])
            read.append(_parsed(rule))
        except SyntaxError:
            read.append(ValueError)
        except Exception as error:
            read.append(type(error))
    assert read[0] == read[1]


def test_errors_name_the_rule() -> None:
    with pytest.raises(ValueError, match="malformed url rule: '/<a'"):
        Map([Rule("/<a")])
    with pytest.raises(ValueError, match="'a' is used twice in the rule '/<a>/<a>'"):
        Map([Rule("/<a>/<a>")])
    with pytest.raises(ValueError, match="must start with a slash"):
        Rule("a")
    with pytest.raises(LookupError, match="'none' does not exist"):
        Map([Rule("/<none:a>")])
    rule = Rule("/")
    with pytest.raises(AssertionError, match="not bound"):
        rule.compile()
    Map([rule])
    with pytest.raises(RuntimeError, match="already bound"):
        Map([rule])


def test_the_classes_are_werkzeugs() -> None:
    rule = Rule("/<a>", methods=["get"])

    assert isinstance(rule, oracle.Rule)
    assert isinstance(RuleTemplate([]), oracle.RuleTemplate)
    assert RuleFactory is oracle.RuleFactory
    assert rule.methods == {"GET", "HEAD"}
    assert type(rule.empty()) is Rule
    assert rule == Rule("/<b>")
    with pytest.raises(TypeError, match="unhashable"):
        hash(rule)


def test_factories_make_rules_of_kolbens() -> None:
    url_map = Map(
        [
            Submount("/blog", [Rule("/<slug>", endpoint="post")]),
            Subdomain("api", [Rule("/", endpoint="api")]),
            EndpointPrefix("admin.", [Rule("/admin", endpoint="index")]),
            RuleTemplate([Rule("/$name/<int:id>", endpoint="$name")])(name="page"),
        ]
    )

    assert {(type(rule), rule.rule, rule.endpoint) for rule in url_map.iter_rules()} == {
        (Rule, "/blog/<slug>", "post"),
        (Rule, "/", "api"),
        (Rule, "/admin", "admin.index"),
        (Rule, "/page/<int:id>", "page"),
    }
    assert url_map.matcher.match("", "/page/7", "GET")[1] == {"id": 7}


def test_a_subclass_may_choose_converters() -> None:
    class Upper(BaseConverter):
        def to_python(self, value: str) -> str:
            return value.upper()

    class UpperRule(Rule):
        def get_converter(self, variable_name: str, *args: t.Any) -> BaseConverter:
            return Upper(self.map) if variable_name == "name" else super().get_converter(variable_name, *args)

    url_map = Map([UpperRule("/<name>/<int:id>")])

    assert url_map.matcher.match("", "/bob/7", "GET")[1] == {"name": "BOB", "id": 7}


def test_rules_of_kolbens_work_in_werkzeugs_map() -> None:
    url_map = oracle.Map(
        [Rule("/<int:id>", endpoint="a"), oracle.Rule("/<name>", endpoint="b"), Rule("/x-<y>", endpoint="c")]
    )
    adapter = url_map.bind("x")

    assert adapter.match("/7") == ("a", {"id": 7})
    assert adapter.match("/x") == ("b", {"name": "x"})
    assert adapter.match("/x-1") == ("c", {"y": "1"})
    assert adapter.build("c", {"y": 1, "z": 2}) == "/x-1?z=2"
