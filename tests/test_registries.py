"""Registries that are written to directly, before and after requests were answered."""

from __future__ import annotations

import copy
import pickle
import typing as t
from collections import defaultdict

import pytest

from kolben.registries import watched

if t.TYPE_CHECKING:
    from kolben import Kolben, Response
    from kolben.testing import KolbenClient


class Owner:
    """Counts the changes of what it owns."""

    def __init__(self) -> None:
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1


def test_every_change_is_told() -> None:
    owner = Owner()
    registry: t.Any = watched(defaultdict(list), owner.changed)

    registry[None].append(1)
    registry.setdefault("bp", []).extend([1, 2])
    registry["bp"] += [3]
    registry["bp"][0] = 0
    registry.update(other=[1])
    registry["other"].clear()
    del registry["other"]
    changes = owner.changes

    assert registry == {None: [1], "bp": [0, 2, 3]}
    assert changes >= 9


def test_reading_changes_nothing() -> None:
    owner = Owner()
    registry: t.Any = watched(defaultdict(list), owner.changed)

    assert registry["missing"] == []
    assert registry.get("absent") is None
    assert list(registry) == ["missing"]
    assert owner.changes == 0


def test_what_is_nested_is_watched() -> None:
    owner = Owner()
    registry: t.Any = watched(defaultdict(lambda: defaultdict(dict)), owner.changed)

    registry[None][404][KeyError] = print
    registry["bp"] = defaultdict(dict, {None: {ValueError: print}})
    before = owner.changes
    registry["bp"][None][KeyError] = print

    assert owner.changes == before + 1


def test_a_missing_key_without_default_is_missing() -> None:
    registry: t.Any = watched({}, Owner().changed)

    with pytest.raises(KeyError, match="index"):
        registry["index"]


def test_copies_are_plain() -> None:
    registry: t.Any = watched({None: [1]}, Owner().changed)

    for other in (copy.deepcopy(registry), pickle.loads(pickle.dumps(registry))):
        assert type(other) is dict
        assert other == {None: [1]}
        assert type(other[None]) is list


def test_a_hook_that_is_added_to_the_registry_runs_from_the_next_request_on(app: Kolben, client: KolbenClient) -> None:
    def mark(response: Response) -> Response:
        response.headers["X-Marked"] = "yes"
        return response

    @app.get("/")
    def index() -> str:
        if mark not in app.after_request_funcs[None]:
            app.after_request_funcs[None].append(mark)
        return ""

    client.get("/")

    assert client.get("/").headers["X-Marked"] == "yes"


def test_a_view_function_can_be_replaced_in_the_registry(app: Kolben, client: KolbenClient) -> None:
    app.add_url_rule("/", "index", lambda: "old")
    assert client.get("/").text == "old"

    app.view_functions["index"] = lambda: "new"

    assert client.get("/").text == "new"


def test_an_error_handler_can_be_added_to_the_registry(app: Kolben, client: KolbenClient) -> None:
    @app.get("/")
    def index() -> str:
        raise KeyError

    app.testing = False
    assert client.get("/").status_code == 500

    app.error_handler_spec[None][None][KeyError] = lambda exc: "handled"

    assert client.get("/").text == "handled"
