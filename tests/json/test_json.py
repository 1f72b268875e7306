from __future__ import annotations

import io
import typing as t
from datetime import date

import pytest

from kolben import json
from kolben.globals import current


class StubProvider:
    def dumps(self, obj: t.Any, **kwargs: t.Any) -> str:
        return f"dumps {obj} {kwargs}"

    def dump(self, obj: t.Any, fp: t.IO[str], **kwargs: t.Any) -> None:
        fp.write(self.dumps(obj, **kwargs))

    def loads(self, s: str, **kwargs: t.Any) -> str:
        return f"loads {s} {kwargs}"

    def load(self, fp: t.IO[str], **kwargs: t.Any) -> str:
        return self.loads(fp.read(), **kwargs)

    def response(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        return args, kwargs


class StubContext:
    def __init__(self) -> None:
        self.app = type("StubApp", (), {"json": StubProvider()})()


@pytest.fixture
def app_context() -> t.Iterator[None]:
    token = current.set(t.cast("t.Any", StubContext()))
    yield
    current.reset(token)


def test_without_an_application_the_standard_library_is_used() -> None:
    assert json.dumps({"b": date(2024, 5, 6), "a": "é"}) == '{"b": "Mon, 06 May 2024 00:00:00 GMT", "a": "\\u00e9"}'
    assert json.loads(b"[1, 2]") == [1, 2]
    file = io.StringIO()
    json.dump({"d": date(2024, 5, 6)}, file, indent=None)
    file.seek(0)
    assert json.load(file) == {"d": "Mon, 06 May 2024 00:00:00 GMT"}


def test_deep_nesting_is_a_value_error_without_an_application() -> None:
    with pytest.raises(ValueError, match="Nested too deeply"):
        json.loads(b"[" * 10**5)


@pytest.mark.usefixtures("app_context")
def test_the_provider_of_the_application_is_used() -> None:
    assert json.dumps(1, indent=2) == "dumps 1 {'indent': 2}"
    assert json.loads("1") == "loads 1 {}"
    assert json.load(io.StringIO("2"), strict=False) == "loads 2 {'strict': False}"
    file = io.StringIO()
    json.dump(3, file)
    assert file.getvalue() == "dumps 3 {}"
    jsonify: t.Any = json.jsonify
    assert jsonify(1, 2) == ((1, 2), {})
    assert jsonify(a=1) == ((), {"a": 1})


def test_jsonify_needs_an_application() -> None:
    with pytest.raises(RuntimeError, match="outside of application context"):
        json.jsonify(1)
