from __future__ import annotations

import typing as t

import pytest

from kolben.testing import ASGIViolation
from tests.testing.validator.talk import LIFESPAN, RECEIVE, talk

UP = {"type": "lifespan.startup"}
DOWN = {"type": "lifespan.shutdown"}
IS_UP = {"type": "lifespan.startup.complete"}
IS_DOWN = {"type": "lifespan.shutdown.complete"}
FAILED = {"type": "lifespan.startup.failed", "message": "why"}


@pytest.mark.parametrize("script", [[RECEIVE, IS_UP, RECEIVE, IS_DOWN], [RECEIVE, FAILED], []])
def test_a_lifespan_by_the_rules_passes(script: list[t.Any]) -> None:
    talk(LIFESPAN, script, [UP, DOWN])


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ([IS_UP], "before it received 'lifespan.startup'"),
        ([RECEIVE, IS_DOWN], "before it received 'lifespan.shutdown'"),
        ([RECEIVE, IS_UP, IS_UP], "had answered 'lifespan.startup' before"),
        ([RECEIVE, IS_UP, RECEIVE], "returned without an answer to 'lifespan.shutdown'"),
        ([RECEIVE], "returned without an answer to 'lifespan.startup'"),
        ([RECEIVE, {"type": "lifespan.started"}], "which no lifespan conversation has"),
        ([RECEIVE, {**FAILED, "message": 1}], "which is not str"),
    ],
)
def test_a_lifespan_against_the_rules_does_not(script: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint):
        talk(LIFESPAN, script, [UP, DOWN])


@pytest.mark.parametrize(
    ("server", "complaint"),
    [([UP, UP], "twice"), ([DOWN], "before the application had started up")],
)
def test_a_server_against_the_rules_is_told_so(server: list[t.Any], complaint: str) -> None:
    with pytest.raises(ASGIViolation, match=complaint):
        talk(LIFESPAN, [RECEIVE, IS_UP, RECEIVE, IS_DOWN], server)
