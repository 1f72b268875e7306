from __future__ import annotations

import typing as t

import pytest

from kolben.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    Map,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)
from kolben.routing.converters import reading, writing


class OwnInteger(IntegerConverter):
    regex = r"[a-f\d]+"


class Hexadecimal(OwnInteger):
    def to_python(self, value: str) -> int:
        return int(value, 16)

    def to_url(self, value: int) -> str:
        return f"{value:x}"


class Careless(IntegerConverter):
    def __init__(self, map: Map) -> None:
        """Leave out what the base class sets."""
        self.map = map


@pytest.mark.parametrize(
    ("converter", "read", "written"),
    [
        (BaseConverter(Map()), "keep", "quote"),
        (UnicodeConverter(Map(), length=2), "keep", "quote"),
        (PathConverter(Map()), "keep", "quote"),
        (AnyConverter(Map(), "a"), "keep", "call"),
        (IntegerConverter(Map()), "int", "int"),
        (IntegerConverter(Map(), signed=True), "int", "int"),
        (IntegerConverter(Map(), fixed_digits=2), "call", "call"),
        (IntegerConverter(Map(), min=0), "call", "int"),
        (IntegerConverter(Map(), max=0), "call", "int"),
        (FloatConverter(Map()), "float", "float"),
        (UUIDConverter(Map()), "uuid", "str"),
        (OwnInteger(Map()), "int", "int"),
        (Hexadecimal(Map()), "call", "call"),
        (Careless(Map()), "call", "int"),
    ],
)
def test_only_werkzeugs_own_conversions_are_taken_over(converter: BaseConverter, read: str, written: str) -> None:
    assert (reading(converter), writing(converter)) == (read, written)


def test_an_instances_own_conversion_is_called() -> None:
    converter = IntegerConverter(Map())
    converter.to_python = lambda value: value  # type: ignore[method-assign]  # which is the point

    assert reading(converter) == "call"


def test_what_a_subclass_matches_and_cannot_convert_is_not_found() -> None:
    url_map = Map(
        [Rule("/<own:n>"), Rule("/x/<hex:n>", endpoint="x")], converters={"own": OwnInteger, "hex": Hexadecimal}
    )
    adapter = url_map.bind("x")

    assert url_map.matcher.match("", "/12", "GET")[1] == {"n": 12}
    assert not adapter.test("/ff")
    assert url_map.matcher.match("", "/x/ff", "GET")[1] == {"n": 255}
    assert adapter.build("x", {"n": 255}) == "/x/ff"


def test_errors_of_a_converter_pass_through() -> None:
    class Failing(BaseConverter):
        def to_python(self, value: str) -> t.Any:
            raise ValueError(value)

    adapter = Map([Rule("/<failing:a>/<int:b>")], converters={"failing": Failing}).bind("x")

    with pytest.raises(ValueError, match="x"):
        adapter.match("/x/7")
