"""Queries and urlencoded forms, by the URL Standard."""

from __future__ import annotations

import pickle
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequestKeyError, RequestEntityTooLarge

from kolben.http.urlencoded import Parameters, parse_query, read_query, unquote

# What the URL Standard says (https://url.spec.whatwg.org/#urlencoded-parsing), by the cases of web-platform-tests.
GOLDEN = [
    ("", []),
    ("test", [("test", "")]),
    ("test=", [("test", "")]),
    ("=", [("", "")]),
    ("=x", [("", "x")]),
    ("&", []),
    ("&&a=b&&c=d&&", [("a", "b"), ("c", "d")]),
    ("a=b&a=c", [("a", "b"), ("a", "c")]),
    ("a==b=c", [("a", "=b=c")]),
    ("a&b&c", [("a", ""), ("b", ""), ("c", "")]),
    ("a;b=c;d=e", [("a;b", "c;d=e")]),
    ("a=b;c=d&e=f", [("a", "b;c=d"), ("e", "f")]),
    ("a=b+c+d", [("a", "b c d")]),
    ("a+b=%2B", [("a b", "+")]),
    ("a%20b=c%20d", [("a b", "c d")]),
    ("a%3Db=c%26d", [("a=b", "c&d")]),
    ("a=%e4%BD%a0", [("a", "你")]),
    ("ü=€", [("ü", "€")]),
    ("a=100%", [("a", "100%")]),
    ("a=%zz&b=%", [("a", "%zz"), ("b", "%")]),
    ("%%41=%4%31", [("%A", "%41")]),
    ("a=%2525", [("a", "%25")]),
    ("a=%00b", [("a", "\0b")]),
    ("a=%EF%BB%BFb", [("a", "\ufeffb")]),
    ("a=b#c?d/e:f@g", [("a", "b#c?d/e:f@g")]),
    ("a=b\r\nc", [("a", "b\r\nc")]),
    ("a[]=1&a[]=2", [("a[]", "1"), ("a[]", "2")]),
]


@pytest.mark.parametrize(("query", "pairs"), GOLDEN)
def test_s15_query_by_the_url_standard(query: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_query(query) == pairs
    assert parse_query(query.encode()) == pairs


@given(st.lists(st.tuples(st.text(), st.text())))
def test_what_urlencode_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    assert parse_query(urlencode(pairs)) == pairs


@given(st.text(alphabet="ab=&+%04fF;ü"))
def test_the_standard_library_reads_the_same_where_it_is_utf_8(query: str) -> None:
    try:
        pairs = parse_query(query)
    except ValueError:
        assert "\ufffd" in str(parse_qsl(query, keep_blank_values=True))
    else:
        assert pairs == parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize(
    "query", [b"\xff=1", b"a=\xc3", b"a=%ff", b"%c3=1", b"a=%c0%80", b"a=%ed%a0%80", b"a=%f4%90%80%80", b"a=\xc3%a9"]
)
def test_bytes_that_are_not_utf_8_are_an_error(query: bytes) -> None:
    with pytest.raises(ValueError, match="not valid UTF-8"):
        parse_query(query)


def test_the_error_quotes_what_is_wrong() -> None:
    with pytest.raises(ValueError, match='"caf%e9"'):
        parse_query("a=1&b=caf%e9&c=2")


def test_as_many_fields_as_allowed() -> None:
    assert len(parse_query("a=1&b=2&c=3", max_fields=3)) == 3
    assert parse_query("", max_fields=0) == []


def test_more_fields_than_allowed_name_the_setting() -> None:
    with pytest.raises(RequestEntityTooLarge, match=r"more than 2 .*'MAX_FORM_PARTS'"):
        parse_query("a=1&b=2&c=3", max_fields=2)


def test_unquote_leaves_a_plus_alone() -> None:
    assert unquote("a+b%20c") == "a+b c"


PIECES = [
    "a",
    "b",
    "=",
    "&",
    "+",
    "%",
    "%41",
    "%26",
    "%3D",
    "%3",
    "%c3%a9",
    "%zz",
    "é",
    "\n",
    "\\",
    "x41",
    "N{DIGIT ONE}",
]
QUERIES = st.lists(st.sampled_from(PIECES)).map("".join)


@given(QUERIES)
def test_a_multi_dict_has_the_pairs_of_the_query(query: str) -> None:
    try:
        pairs = parse_query(query)
    except ValueError:
        with pytest.raises(ValueError, match="UTF-8"):
            read_query(Parameters, query)
        return
    for cls in (Parameters, ImmutableMultiDict, MultiDict):
        assert read_query(cls, query) == cls(pairs)
        assert list(read_query(cls, query).items(multi=True)) == list(cls(pairs).items(multi=True))


@given(QUERIES)
def test_escapes_are_decoded_as_the_standard_library_does(query: str) -> None:
    raw = unquote_to_bytes(query)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="UTF-8"):
            unquote(query)
    else:
        assert unquote(query) == text


def test_parameters_are_an_immutable_multi_dict_of_werkzeug() -> None:
    mine, theirs = (
        Parameters([("a", "1"), ("a", "2"), ("b", "x")]),
        ImmutableMultiDict([("a", "1"), ("a", "2"), ("b", "x")]),
    )
    assert mine == theirs
    assert repr(mine) == repr(theirs)
    assert hash(mine) == hash(theirs)
    assert (mine["a"], mine.getlist("a"), mine.get("a", type=int)) == ("1", ["1", "2"], 1)
    assert (mine.get("b", 7, type=int), mine.get("c"), mine.get("c", "-")) == (7, None, "-")
    assert type(mine.copy()) is MultiDict
    assert pickle.loads(pickle.dumps(mine)) == mine
    with pytest.raises(BadRequestKeyError):
        mine["c"]
    with pytest.raises(TypeError, match="immutable"):
        mine["a"] = "3"
