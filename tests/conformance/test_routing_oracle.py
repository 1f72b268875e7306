"""Werkzeug's own ``Map`` says what is right, for rules, paths and values that Hypothesis makes up."""

from __future__ import annotations

import os
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from .routing_oracle import METHODS, Choices, sides

made_up = given(st.binary(min_size=120, max_size=400))
often = settings(
    max_examples=int(os.environ.get("ROUTING_EXAMPLES", "1000")), deadline=None, derandomize="CI" in os.environ
)


@often
@made_up
def test_matches_as_werkzeug(data: bytes) -> None:
    choices = Choices(data)
    spec, pieces = choices.setting()
    both = sides(spec)
    if both is None:
        return
    theirs, ours = both
    for _, path_pieces in pieces * 2:
        path = choices.path(path_pieces)
        method = choices.pick([*METHODS, "HEAD", "get"])
        websocket = choices.pick([None, None, None, True, False])
        expected = theirs.match(path, method, websocket)
        assert ours.match(path, method, websocket) == expected, (spec, path, method, websocket)


@often
@made_up
def test_builds_as_werkzeug(data: bytes) -> None:
    choices = Choices(data)
    spec, _ = choices.setting()
    both = sides(spec)
    if both is None:
        return
    theirs, ours = both
    for _ in range(8):
        endpoint = choices.pick(["e0", "e1", "e2"])
        values: t.Any = choices.values()
        if choices.once_in(6):
            values = MultiDict(values)
        options = {
            "method": choices.pick([None, None, *METHODS]),
            "force_external": choices.once_in(3),
            "append_unknown": not choices.once_in(4),
            "url_scheme": choices.pick([None, None, "https", "ws", ""]),
        }
        expected = theirs.build(endpoint, values, **options)
        assert ours.build(endpoint, values, **options) == expected, (spec, endpoint, values, options)
