from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kolben.routing import Map, NoRule, Rule
from kolben.routing.linear import LONG, LinearPattern

if t.TYPE_CHECKING:
    from collections.abc import Callable

UUID = "A8098c1a-f86e-11da-bd1a-00112444be1e"
UUIDS = "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"

# The expressions of the built-in converters, and what matches them.
GROUPS: list[tuple[str, list[str]]] = [
    ("[^/]{1,}", ["a", "--", "b-1"]),
    ("[^/]{2}", ["ab", "--"]),
    ("[^/]{0,2}", ["", "a", ".-"]),
    ("[^/]{1,3}", ["a", "b.-"]),
    ("[^/]+", ["a-", "b"]),
    ("[^/].*?", ["a", "a/x/b", "-", "x-x", "a\nb", "\na"]),
    (r"\d+", ["1", "222", "٣"]),
    (r"-?\d+", ["-1", "2"]),
    (r"\d+\.\d+", ["1.2"]),
    (r"-?\d+\.\d+", ["-1.2", "3.4"]),
    (rf"(?:{'|'.join(map(re.escape, ['a', 'ab', '.-', 'b|c', '(', chr(92)]))})", ["a", "ab", ".-", "b|c", "(", "\\"]),
    ("(?:)", [""]),
    (UUIDS, [UUID]),
]
TEXTS = ["", "", "-", ".", "a", "--", "(x)", "/x/"]

pieces = st.lists(st.tuples(st.sampled_from(GROUPS), st.sampled_from(TEXTS)), min_size=2, max_size=4)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(pieces, st.booleans(), st.data())
def test_finds_what_the_expression_finds(
    found: list[tuple[tuple[str, list[str]], str]], is_suffixed: bool, data: st.DataObject
) -> None:
    content = text = ""
    for number, ((group, samples), fixed) in enumerate(found):
        content += f"(?P<__werkzeug_{number}>{group}){re.escape(fixed)}"
        text += data.draw(st.sampled_from(samples)) + fixed
    content += "(?<!/)(/?)" * is_suffixed + r"\Z"
    text += data.draw(st.sampled_from(["", "", "/", "-", "1"]))

    match = re.match(content, text)
    expected = match and (
        [match[f"__werkzeug_{number}"] for number in range(len(found))],
        is_suffixed and match.groups()[-1] == "/",
    )
    pattern = LinearPattern.of(content)
    assert pattern is not None
    assert pattern.match(text) == expected


@pytest.mark.parametrize(
    "content",
    [r"(?P<__werkzeug_0>\d+)\Z", r"(?P<__werkzeug_0>\w+)-(?P<__werkzeug_1>\d+)\Z", r"(?P<__werkzeug_0>(a|b))x\Z"],
)
def test_leaves_to_the_expression_what_it_does_not_know(content: str) -> None:
    assert LinearPattern.of(content) is None


HOSTILE = [
    ("/<a>-<b>-<int:c>", "/" + "-" * 20_000),
    ("/<a>-<b>.<c>-<d>_<e>", "/" + "-" * 20_000),
    ("/<path:a>/x/<path:b>/x/<path:c>/y", "/" + "a/x/" * 5_000),
    ("/<int:a><int:b><int:c>x", "/" + "1" * 20_000),
    ("/<float:a>-<string(maxlength=9):b>-<any(a, b):c>/", "/" + "1.1-" * 5_000),
]


@pytest.mark.parametrize(("rule", "path"), HOSTILE)
def test_s14_several_variables_in_a_segment_cost_linear_time(
    rule: str, path: str, count_lines: Callable[..., int]
) -> None:
    """As regular expressions, each of these would take minutes at least, and the test would be stopped."""
    url_map = Map([Rule(rule)])
    costs = [count_lines(url_map.matcher.match, "", part, "GET") for part in (path, path, path[: len(path) // 4])]

    assert len(path) // 4 > LONG
    assert costs[2] < costs[1] < 5 * costs[2]
    with pytest.raises(NoRule):
        url_map.matcher.match("", path, "GET")


def test_long_values_are_found() -> None:
    url_map = Map([Rule("/<a>-<int:b>.json"), Rule("/<path:a>/edit/<path:b>/")])
    long = "x" * 1000

    assert url_map.matcher.match("", f"/{long}-7-8.json", "GET")[1] == {"a": f"{long}-7", "b": 8}
    assert url_map.matcher.match("", f"/{long}/edit/{long}/", "GET")[1] == {"a": long, "b": long}
