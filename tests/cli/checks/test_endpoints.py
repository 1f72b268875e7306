"""Checks of the endpoints."""

from __future__ import annotations

import typing as t

import pytest

from kolben import Blueprint, Kolben
from kolben.cli.checks.endpoints import check_endpoints


def problems(app: Kolben) -> list[str]:
    return [finding.problem for finding in check_endpoints(app)]


def test_endpoints_without_fault(sound: Kolben) -> None:
    sound.add_url_rule("/a/<int:number>", endpoint="a", view_func=lambda number: "")
    sound.add_url_rule("/b", endpoint="b", view_func=lambda number: "", defaults={"number": 1})
    sound.add_url_rule("/c/<anything>", endpoint="c", view_func=lambda **variables: "")
    sound.add_url_rule("/d", endpoint="d", build_only=True)

    assert problems(sound) == []


def test_a_rule_without_a_view(sound: Kolben) -> None:
    sound.add_url_rule("/lonely", endpoint="lonely")
    sound.add_url_rule("/lonely/too", endpoint="lonely")

    assert problems(sound) == ["No view function is registered for the endpoint 'lonely' of the rule '/lonely'."]


@pytest.mark.parametrize("rule", ["/user", "/user/<name>", "/user/<int:id>/<extra>"])
def test_a_view_that_does_not_fit_its_rule(rule: str, sound: Kolben) -> None:
    def user(id: int) -> str:
        return ""

    sound.add_url_rule(rule, view_func=user)

    (found,) = problems(sound)

    assert found.count(f"ule '{rule}' ") == 1
    assert "cannot be answered" not in found
    assert "'user' ('tests/cli/checks/test_endpoints.py', line " in found


def test_preprocessors_may_take_variables_away(sound: Kolben) -> None:
    def pull(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
        (values or {}).pop("lang", None)

    blueprint = Blueprint("blog", "site")
    blueprint.url_value_preprocessor(pull)
    blueprint.add_url_rule("/<lang>/", endpoint="index", view_func=lambda: "")
    sound.register_blueprint(blueprint)

    assert problems(sound) == []


def test_an_endpoint_whose_plan_cannot_be_made(sound: Kolben, monkeypatch: pytest.MonkeyPatch) -> None:
    sound.add_url_rule("/", endpoint="index", view_func=lambda: "")

    def plans(on_loop: bool) -> t.Any:
        raise RuntimeError("a bad hook")

    monkeypatch.setattr(sound, "plans", plans)

    assert "The endpoint 'index' cannot be built: RuntimeError: a bad hook." in "".join(problems(sound))


def test_the_place_of_the_view_is_given(sound: Kolben) -> None:
    def user(id: int) -> str:
        return ""

    sound.add_url_rule("/user", view_func=user)

    assert [finding.place for finding in check_endpoints(sound)] == [(__file__, user.__code__.co_firstlineno)]


def test_rules_that_another_hides(sound: Kolben) -> None:
    sound.add_url_rule("/", "first", lambda: "")
    sound.add_url_rule("/", "second", lambda: "", methods=["GET", "POST"])
    sound.add_url_rule("/", "socket", lambda ws: None, websocket=True)
    sound.add_url_rule("/", "first", methods=["GET"])

    assert problems(sound) == [
        "'second' never gets a request for GET /: 'first' has the same rule, and comes first.",
    ]
