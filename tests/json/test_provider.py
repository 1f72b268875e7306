from __future__ import annotations

import dataclasses
import decimal
import enum
import io
import json
import math
import typing as t
import uuid
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime

import msgspec
import pytest
from markupsafe import Markup

from kolben.json.provider import DefaultJSONProvider, JSONProvider, StdlibJSONProvider


class StubResponse:
    def __init__(self, body: str | bytes, mimetype: str) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.mimetype = mimetype


class StubApp:
    response_class = StubResponse

    def __init__(self, debug: bool = False) -> None:
        self.debug = debug


APP: t.Any = StubApp()
DEBUG_APP: t.Any = StubApp(debug=True)

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class User:
    name: str
    born: date


class Item(msgspec.Struct, rename="camel", omit_defaults=True):
    unit_price: int
    note: t.Any = None


class Html:
    def __html__(self) -> str:
        return "<b>"


class Color(enum.StrEnum):
    RED = "red"


class Plain(enum.Enum):
    A = 1


class Shouting(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


@pytest.fixture
def native() -> DefaultJSONProvider:
    return DefaultJSONProvider(APP)


@pytest.fixture(params=[DefaultJSONProvider, StdlibJSONProvider])
def provider(request: pytest.FixtureRequest) -> t.Any:
    return request.param(APP)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 1.5, True, None, "x"]}, {"a": [1, 1.5, True, None, "x"]}),
        (datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), "Mon, 06 May 2024 07:08:09 GMT"),
        (date(2024, 5, 6), "Mon, 06 May 2024 00:00:00 GMT"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (User("Ann", date(2000, 1, 2)), {"name": "Ann", "born": "Sun, 02 Jan 2000 00:00:00 GMT"}),
        (Html(), "<b>"),
        (Markup("<i>"), "<i>"),
        (Color.RED, "red"),
        (Shouting("quiet"), "quiet"),
        (Point(1, 2), [1, 2]),
        (OrderedDict(b=date(2024, 5, 6)), {"b": "Mon, 06 May 2024 00:00:00 GMT"}),
        ([{"deep": (Markup("x"), [date(2024, 5, 6)])}], [{"deep": ["x", ["Mon, 06 May 2024 00:00:00 GMT"]]}]),
        (Item(3), {"unitPrice": 3}),
        ([Item(3, note=Html())], [{"unitPrice": 3, "note": "<b>"}]),
        ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
        (2**70, 2**70),
        ("\ud800", "\ud800"),
        (
            {"name": "\udcff.txt", "when": date(2024, 5, 6)},
            {"name": "\udcff.txt", "when": "Mon, 06 May 2024 00:00:00 GMT"},
        ),
    ],
)
def test_what_is_written(provider: t.Any, value: t.Any, expected: t.Any) -> None:
    assert json.loads(provider.dumps(value)) == expected


@pytest.mark.parametrize("value", [{"a": {"b": 1}}, {"a": date(2024, 5, 6)}, {None: 1}, {True: {False: 2}}])
def test_native_agrees_with_the_standard_library(native: DefaultJSONProvider, value: t.Any) -> None:
    stdlib = StdlibJSONProvider(APP)
    assert native.dumps(value) == stdlib.dumps(value, separators=(",", ":"))


def test_native_is_compact_utf8_in_order(native: DefaultJSONProvider) -> None:
    assert native.dumps({"b": "é", "a": [1, 2]}) == '{"b":"é","a":[1,2]}'
    assert native.encode({"b": "é"}) == '{"b":"é"}'.encode()


def test_stdlib_is_flasks(provider: t.Any) -> None:
    assert StdlibJSONProvider(APP).dumps({"b": "é", "a": [1, 2]}) == '{"a": [1, 2], "b": "\\u00e9"}'


def test_settings_of_the_provider(provider: t.Any) -> None:
    provider.sort_keys = True
    provider.ensure_ascii = True
    assert provider.dumps({"b": "é", "a": 1}) == '{"a": 1, "b": "\\u00e9"}'
    provider.ensure_ascii = False
    provider.sort_keys = False
    assert json.loads(provider.dumps({"b": "é", "a": 1})) == {"b": "é", "a": 1}


def test_sort_keys_sorts_nested_keys(native: DefaultJSONProvider) -> None:
    native.sort_keys = True
    assert native.dumps({"b": 1, "a": {"d": date(2024, 5, 6), "c": 2}}).startswith('{"a":{"c":2,"d":"Mon')


def test_keywords_are_the_standard_librarys(native: DefaultJSONProvider) -> None:
    assert native.dumps({"b": date(2024, 5, 6), "a": 1}, indent=1, sort_keys=True) == (
        '{\n "a": 1,\n "b": "Mon, 06 May 2024 00:00:00 GMT"\n}'
    )


def test_dump_and_load_files(provider: t.Any) -> None:
    file = io.StringIO()
    provider.dump({"a": 1}, file)
    file.seek(0)
    assert provider.load(file) == {"a": 1}
    assert provider.load(io.BytesIO('{"a": "é"}'.encode())) == {"a": "é"}


class TestRefused:
    @pytest.mark.parametrize("value", [object(), Plain.A, 1j, [range(3)], {"x": Exception()}])
    def test_unknown_type(self, provider: t.Any, value: t.Any) -> None:
        with pytest.raises(TypeError, match="is not JSON serializable"):
            provider.dumps(value)

    def test_key_that_is_no_key(self, provider: t.Any) -> None:
        with pytest.raises(TypeError, match="not tuple"):
            provider.dumps({(1, 2): 3})

    @pytest.mark.parametrize("with_date", [False, True])
    def test_value_that_contains_itself(self, provider: t.Any, with_date: bool) -> None:
        value: list[t.Any] = [date(2024, 5, 6)] if with_date else []
        value.append(value)
        with pytest.raises(ValueError, match=r"itself|Circular"):
            provider.dumps(value)

    def test_value_nested_too_deeply(self, native: DefaultJSONProvider) -> None:
        value: t.Any = []
        for _ in range(10**5):
            value = [value]
        with pytest.raises(ValueError, match="too deeply"):
            native.dumps(value)


class TestBeyondJSON:
    """Where the native provider writes what the standard library refuses, or writes wrongly."""

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("beside", [1, date(2024, 5, 6)])
    def test_numbers_that_are_none(self, native: DefaultJSONProvider, number: float, beside: t.Any) -> None:
        assert json.loads(native.dumps([number, beside]))[0] is None

    @pytest.mark.parametrize("beside", [1, date(2024, 5, 6)])
    def test_bytes_and_sets(self, native: DefaultJSONProvider, beside: t.Any) -> None:
        assert json.loads(native.dumps([b"xyz", {7}, beside]))[:2] == ["eHl6", [7]]

    def test_own_default_is_asked_for_everything(self, native: DefaultJSONProvider) -> None:
        seen: list[t.Any] = []

        def default(value: t.Any) -> t.Any:
            seen.append(value)
            return "?"

        native.default = default
        value = [b"x", {1}, date(2024, 5, 6), uuid.UUID(int=1), User("Ann", date(2000, 1, 2)), Color]
        assert json.loads(native.dumps(value)) == ["?"] * 6
        assert seen == value

    def test_default_of_a_subclass(self) -> None:
        class Provider(DefaultJSONProvider):
            @staticmethod
            def default(value: t.Any) -> t.Any:
                return {"date": value.isoformat(), "raw": [b"x"]} if isinstance(value, date) else repr(value)

        assert Provider(APP).dumps({"d": date(2024, 5, 6)}) == '{"d":{"date":"2024-05-06","raw":["b\'x\'"]}}'


class TestLoads:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"a": [1, 2.5, null, true, "\\u00e9"]}', {"a": [1, 2.5, None, True, "é"]}),
            ('{"a": 1, "a": 2}', {"a": 2}),
            (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
            (bytearray(b"[1]"), [1]),
            (str(2**70), 2**70),
        ],
    )
    def test_accepted(self, provider: t.Any, text: t.Any, value: t.Any) -> None:
        assert provider.loads(text) == value

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "Expecting value: line 1 column 1"),
            ('{"a" 1}', "Expecting ':' delimiter: line 1 column 6"),
            ("[1] x", "Extra data: line 1 column 5"),
            ('"\x00"', "Invalid control character"),
            (b'"\xff"', "can't decode byte 0xff"),
            ('["', "Unterminated string"),
            ("[" * 10**5, "Nested too deeply"),
            ('{"a":' * 10**5, "Nested too deeply"),
            ("[" * 10**5 + "]" * 10**5, "Nested too deeply"),
        ],
    )
    def test_refused_with_the_reason(self, provider: t.Any, text: str | bytes, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            provider.loads(text)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ('{"a": NaN}', "NaN is not JSON: line 1 column 7"),
            ("[-Infinity]", "-Infinity is not JSON"),
            ("1e999", "Number out of range"),
            ('"\\ud800"', "Half of a surrogate pair"),
            ('"\ud800"', "Half of a surrogate pair"),
            ("\ufeff\ufeff1", "BOM"),
            ("\ufeff" * 10**5, "BOM"),
            ('"a"'.encode("utf-16"), "can't decode"),
        ],
    )
    def test_strict_where_the_standard_library_is_not(
        self, native: DefaultJSONProvider, text: str | bytes, reason: str
    ) -> None:
        with pytest.raises(ValueError, match=reason):
            native.loads(text)

    def test_keywords_are_the_standard_librarys(self, native: DefaultJSONProvider) -> None:
        assert native.loads("[1.5, NaN]", parse_float=decimal.Decimal)[0] == decimal.Decimal("1.5")


class TestResponse:
    def test_compact_except_in_debug_mode(self) -> None:
        for provider_class in (DefaultJSONProvider, StdlibJSONProvider):
            response: t.Any = provider_class(APP).response({"a": [1, 2]})
            assert (response.body, response.mimetype) == (b'{"a":[1,2]}\n', "application/json")
            response = provider_class(DEBUG_APP).response({"a": [1, {}]})
            assert response.body == b'{\n  "a": [\n    1,\n    {}\n  ]\n}\n'

    @pytest.mark.parametrize(("compact", "body"), [(True, b'{"a":1}\n'), (False, b'{\n  "a": 1\n}\n')])
    def test_compact_can_be_chosen(self, provider: t.Any, compact: bool, body: bytes) -> None:
        provider.compact = compact
        assert provider.response(a=1).body == body

    def test_mimetype_can_be_chosen(self, provider: t.Any) -> None:
        provider.mimetype = "application/vnd.api+json"
        assert provider.response(1).mimetype == "application/vnd.api+json"

    def test_values_keywords_and_nothing(self, provider: t.Any) -> None:
        assert provider.response().body == b"null\n"
        assert provider.response(0).body == b"0\n"
        assert provider.response(1, 2).body == b"[1,2]\n"
        assert provider.response(a=1).body == b'{"a":1}\n'
        with pytest.raises(TypeError, match="either args or kwargs"):
            provider.response(1, a=1)

    def test_ascii_response(self, native: DefaultJSONProvider) -> None:
        native.ensure_ascii = True
        assert native.response("é").body == b'"\\u00e9"\n'  # type: ignore[attr-defined]  # it is the stub


def test_base_class_leaves_the_library_to_its_subclass() -> None:
    class Provider(JSONProvider):
        def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
            return f"<{obj}>"

    response: t.Any = Provider(APP).response(1)
    assert response.body == b"<1>"
    with pytest.raises(NotImplementedError):
        Provider(APP).loads("1")
