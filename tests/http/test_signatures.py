"""What is signed here is what ItsDangerous signs, and the other way round."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from kolben.http.signatures import CookieSerializer
from kolben.sessions import session_json_serializer

OPTIONS: dict[str, t.Any] = {
    "salt": "cookie-session",
    "serializer": session_json_serializer,
    "signer_kwargs": {"key_derivation": "hmac"},
}
VALUES = st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.booleans() | st.none(), max_size=5)


def mine(*keys: str) -> CookieSerializer:
    return CookieSerializer(list(keys or ("key",)), **OPTIONS)


def theirs(*keys: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(keys or ("key",)), **OPTIONS)


@given(VALUES)
def test_each_reads_what_the_other_wrote(value: dict[str, t.Any]) -> None:
    assert theirs().loads(mine().dumps(value), max_age=60) == value
    assert mine().loads(theirs().dumps(value), max_age=60) == value


@pytest.mark.parametrize("size", [1, 30, 50, 300, 5000, 100_000])
def test_long_values_are_compressed_as_theirs_are(size: int) -> None:
    value = {"a": "0123456789" * (size // 10)}
    cookie = mine().dumps(value)
    assert theirs().loads(cookie) == mine().loads(cookie) == value
    assert len(cookie) <= len(theirs().dumps(value)) + 25


def test_s26_every_change_of_a_cookie_is_seen() -> None:
    cookie = mine().dumps({"user": 1})
    for index, character in enumerate(cookie):
        changed = cookie[:index] + ("A" if character != "A" else "B") + cookie[index + 1 :]
        try:
            # NOTE: the last two bits of a signature are padding.
            assert theirs().loads(changed) == mine().loads(changed)
        except BadSignature:
            with pytest.raises(BadSignature):
                mine().loads(changed)


@pytest.mark.parametrize("cookie", ["", ".", "..", "a", "a.b", "a.b.c", ".a.b.c", "\udc80", "ü.b.c"])
def test_s26_what_is_no_cookie_is_refused_as_there(cookie: str) -> None:
    with pytest.raises((BadSignature, UnicodeError)) as error:
        theirs().loads(cookie)
    with pytest.raises(type(error.value)):
        mine().loads(cookie)


def test_s26_a_cookie_is_too_old_or_from_the_future(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = mine().dumps({"user": 1})
    for seconds, is_valid in ((60, True), (61, False), (-1, False)):
        now = TimestampSigner("key").get_timestamp() + seconds
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda now=now: float(now))
            if is_valid:
                assert mine().loads(cookie, max_age=60) == {"user": 1}
                continue
            with pytest.raises(SignatureExpired):
                mine().loads(cookie, max_age=60)
            assert mine().loads(cookie) == {"user": 1}


def test_older_keys_verify_and_the_newest_signs() -> None:
    old, new = mine("old"), mine("old", "new")
    assert new.loads(old.dumps({"a": 1})) == {"a": 1}
    with pytest.raises(BadSignature):
        old.loads(new.dumps({"a": 1}))


def test_a_signature_for_another_purpose_is_none() -> None:
    with pytest.raises(BadSignature):
        mine().loads(CookieSerializer(["key"], **OPTIONS | {"salt": "other"}).dumps({"a": 1}))
