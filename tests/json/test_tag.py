from __future__ import annotations

import copy
import typing as t
from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from markupsafe import Markup

from kolben.json.tag import JSONTag, TaggedJSONSerializer


@pytest.fixture
def serializer() -> TaggedJSONSerializer:
    return TaggedJSONSerializer()


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        # The wire format of Flask 3.1, written by it.
        ({"user_id": 5}, '{"user_id":5}'),
        ({"b": 1, "a": None, "c": True, "d": "x"}, '{"a":null,"b":1,"c":true,"d":"x"}'),
        ({"a": (1, 2)}, '{"a":{" t":[1,2]}}'),
        ({"a": [1, (2,)]}, '{"a":[1,{" t":[2]}]}'),
        ({"a": b"\xff\x00"}, '{"a":{" b":"/wA="}}'),
        ({"a": Markup("<b>")}, '{"a":{" m":"<b>"}}'),
        ({"a": UUID(int=5)}, '{"a":{" u":"00000000000000000000000000000005"}}'),
        ({"a": datetime(2024, 5, 6, tzinfo=UTC)}, '{"a":{" d":"Mon, 06 May 2024 00:00:00 GMT"}}'),
        ({" t": [1, 2]}, '{" di":{" t__":[1,2]}}'),
        ({" t": "x"}, '{" di":{" t__":"x"}}'),
        ({" t": 1, "b": 2}, '{" t":1,"b":2}'),
        ({"x": {" b": b"y"}}, '{"x":{" di":{" b__":{" b":"eQ=="}}}}'),
        ({"a": 1.5}, '{"a":1.5}'),
        ({}, "{}"),
        ([], "[]"),
        ("x", '"x"'),
    ],
)
def test_wire_format_both_ways(serializer: TaggedJSONSerializer, value: t.Any, wire: str) -> None:
    assert serializer.dumps(value) == wire
    assert serializer.loads(wire) == value


@pytest.mark.parametrize("value", [{"a": "é"}, {"a": "\ud800"}, {"a": float("inf"), "b": "é"}, {"n": 2**70}])
def test_odd_scalars_come_back(serializer: TaggedJSONSerializer, value: t.Any) -> None:
    assert serializer.loads(serializer.dumps(value)) == value


def test_escaped_text_is_read(serializer: TaggedJSONSerializer) -> None:
    assert serializer.loads('{"a":"\\u00e9"}') == {"a": "é"}


def test_register_refuses_a_tag_that_is_there(serializer: TaggedJSONSerializer) -> None:
    class TagX(JSONTag):
        key = " x"

    serializer.register(TagX)
    with pytest.raises(KeyError, match="' x' is already registered"):
        serializer.register(TagX)
    serializer.register(TagX, force=True, index=0)
    assert isinstance(serializer.order[0], TagX)
    assert serializer.tags[" x"] is serializer.order[0]


def test_custom_tag_before_the_others(serializer: TaggedJSONSerializer) -> None:
    class TagOrderedDict(JSONTag):
        key = " od"

        def check(self, value: t.Any) -> bool:
            return isinstance(value, OrderedDict)

        def to_json(self, value: t.Any) -> t.Any:
            return [[key, self.serializer.tag(item)] for key, item in value.items()]

        def to_python(self, value: t.Any) -> t.Any:
            return OrderedDict(value)

    serializer.register(TagOrderedDict, index=0)
    value = OrderedDict(b=(1,), a=uuid4())
    read = serializer.loads(serializer.dumps(value))
    assert read == value
    assert type(read) is OrderedDict


def test_custom_tag_may_take_plain_values(serializer: TaggedJSONSerializer) -> None:
    class TagInt(JSONTag):
        key = " i"

        def check(self, value: t.Any) -> bool:
            return type(value) is int

        def to_json(self, value: t.Any) -> t.Any:
            return hex(value)

        def to_python(self, value: t.Any) -> t.Any:
            return int(value, 16)

    serializer.register(TagInt)
    assert serializer.dumps({"a": 255}) == '{"a":{" i":"0xff"}}'
    assert serializer.loads('{"a":{" i":"0xff"}}') == {"a": 255}


def test_subclass_with_its_own_tags() -> None:
    class Nothing(TaggedJSONSerializer):
        default_tags: t.ClassVar[list[type[JSONTag]]] = []

    assert Nothing().dumps({" t": [1]}) == '{" t": [1]}'.replace(" [", "[")
    assert Nothing().loads('{" t":[1]}') == {" t": [1]}


def test_tag_that_is_not_finished(serializer: TaggedJSONSerializer) -> None:
    tag = JSONTag(serializer)
    for method in (tag.check, tag.to_json, tag.to_python):
        with pytest.raises(NotImplementedError):
            method(None)


def test_writing_leaves_the_value_as_it_is(serializer: TaggedJSONSerializer) -> None:
    value = {"a": [1, ("b", [2, {"c": (3,)}])], "d": {"e": ({"f": None},)}, "g": 4}
    before = copy.deepcopy(value)
    assert serializer.loads(serializer.dumps(value)) == value == before
