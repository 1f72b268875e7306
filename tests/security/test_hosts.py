"""Where a request was sent: the Host header and the target decide it, each for itself (S1 to S4, S7)."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kolben import Kolben, redirect, request, url_for
from kolben.http.host import host_is_trusted, parse_host
from kolben.http.websocket import origin_is_allowed
from tests.security.raw import HOST, Raw

ANY_NUMBER = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def seen(app: Kolben) -> list[dict[str, t.Any]]:
    """What views saw of their request: one that answers every path, with every view of where it was sent."""
    seen: list[dict[str, t.Any]] = []

    @app.route("/", defaults={"routed": ""})
    @app.route("/<path:routed>")
    def everything(routed: str) -> str:
        seen.append(
            {
                "routed": "/" + routed,
                "path": request.path,
                "host": request.host,
                "url": request.url,
                "base_url": request.base_url,
                "host_url": request.host_url,
                "root_url": request.root_url,
                "built": url_for("everything", routed="x", _external=True),
            }
        )
        return "answered"

    app.url_map.merge_slashes = False
    return seen


def assert_agreement(seen: dict[str, t.Any], host: str) -> None:
    """Everything that names a host names this one, everything that names a path names the one that was routed."""
    assert seen["path"] == seen["routed"]
    assert seen["host"] == host
    for name in ("url", "base_url", "host_url", "root_url", "built"):
        assert urlsplit(seen[name]).netloc == host, name
    for name in ("url", "base_url"):
        assert unquote(urlsplit(seen[name]).path) == seen["path"], name


MALFORMED_HOSTS = [
    *(b"a/b?c#d", b"a@b", b"a b", b"a,b", b"[::1", b"::1", b"[::1]x", b"[1.2.3.4]", b"a:", b"a:x", b"a:99999", b"a:-1"),
    *(b"a:80:80", b"a\\b", b"a%2fb", b"a;b", b"a\tb", b"a\0", b".a", b"a..b", b"h" * 300, b"http://a", b"a/", b"a?"),
    *(b"\xc3\xa9.test", "\u212aelvin".encode(), b"a#b", b"<a>", b"a'b", b'a"b', b"a\r\nb: c", b"a=1", b"*"),
]


@pytest.mark.parametrize("host", MALFORMED_HOSTS)
def test_s1_a_malformed_host_is_a_bad_request(raw: Raw, seen: list[t.Any], host: bytes) -> None:
    for _ in range(2):
        assert raw(headers=[(b"host", host)])[0] == 400
    assert seen == []


def test_s1_a_host_is_missing_only_in_old_requests(raw: Raw, seen: list[t.Any]) -> None:
    assert raw(headers=[])[0] == 400
    assert raw(headers=[(b"host", b"")])[0] == 400
    assert seen == []


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        (b"example.test", "example.test"),
        (b"EXAMPLE.test:80", "example.test"),
        (b"example.test:8080", "example.test:8080"),
        (b"[::1]:80", "[::1]"),
        (b"127.0.0.1:81", "127.0.0.1:81"),
    ],
)
def test_s1_a_host_has_one_form_everywhere(raw: Raw, seen: list[t.Any], host: bytes, canonical: str) -> None:
    assert raw(b"/a", [(b"host", host)])[0] == 200
    assert_agreement(seen.pop(), canonical)


@ANY_NUMBER
@given(
    host=st.one_of(
        st.binary(max_size=12),
        st.text("ab.:/@?#[]%\\ ;,-_1", max_size=12).map(str.encode),
        st.sampled_from([b"example.test", b"[::1]:8000"]),
    ),
    path=st.text("ab/.;:@%?#\\&=+ ~é\u2028", max_size=8),
)
def test_s1_no_host_and_no_path_make_the_url_name_another_path(
    raw: Raw, seen: list[t.Any], host: bytes, path: str
) -> None:
    seen.clear()
    target = "/" + "".join(f"%{byte:02x}" for byte in path.encode())
    status, _, _ = raw(target.encode(), [(b"host", host)])

    assert status in {200, 308, 400}
    if status == 200:
        (one,) = seen
        assert_agreement(one, one["host"])
        assert one["host"] == parse_host(host.decode("latin-1")).removesuffix(":80")
    elif status == 400:
        assert seen == []


TARGETS = [b"@evil.test", b"evil.test", b"\\evil.test", b";evil.test", b":80", b".evil.test", b"", b"*", b"?", b"%2fx"]


@pytest.mark.parametrize("target", TARGETS)
def test_s2_a_target_that_is_no_path_is_a_bad_request(raw: Raw, seen: list[t.Any], target: bytes) -> None:
    if target == b"%2fx":
        # NOTE: decoded by the server it begins with a slash, and is a path like any other.
        assert raw(target)[0] == 200
        assert_agreement(seen.pop(), "example.test")
    else:
        assert raw(target)[0] == 400
        assert seen == []


@pytest.mark.parametrize(
    "target",
    [
        b"//evil.test",
        b"///evil.test/x",
        b"/\\evil.test",
        b"/;x",
        b"/@evil.test",
        b"/http://evil.test/y",
        b"/%2f%2fevil",
    ],
)
def test_s2_no_path_changes_the_host(raw: Raw, seen: list[t.Any], target: bytes) -> None:
    status, headers, _ = raw(target)

    if status == 200:
        assert_agreement(seen.pop(), "example.test")
    else:
        assert status == 308
        assert urlsplit(headers["Location"]).netloc in {"", "example.test"}


def test_s2_a_redirect_to_the_same_path_stays_on_the_host(app: Kolben, raw: Raw) -> None:
    @app.get("/<path:name>/")
    def folder(name: str) -> str:
        return name

    @app.get("/same")
    def same() -> t.Any:
        return redirect(request.full_path)

    for target in (b"//evil.test/x", b"/%2fevil.test", b"//evil.test", b"/\\evil.test"):
        status, headers, _ = raw(target)
        assert status == 308
        assert urlsplit(headers["Location"]).netloc == "example.test" or not headers["Location"].startswith("//")
        assert not headers["Location"].startswith(("//", "/\\"))
    assert raw(b"//same")[1].get("Location", "/same")[:2] != "//"


@pytest.mark.parametrize("path", ["*", "/x"])
def test_s2_the_asterisk_is_for_options_alone(app: Kolben, raw: Raw, path: str) -> None:
    @app.get("/x")
    def index() -> str:
        return ""

    assert raw(b"*", method="GET")[0] == 400
    assert raw(path.encode(), method="OPTIONS")[0] in {200, 404}


@pytest.mark.parametrize("prefix", ["", "/mount"])
def test_s2_below_a_prefix_a_path_is_no_host_either(raw: Raw, seen: list[t.Any], prefix: str) -> None:
    for target in (b"@evil.test", b"//evil.test/x"):
        status, headers, _ = raw(target, root_path=prefix)
        assert status in {200, 308, 400}
        assert all(urlsplit(one["url"]).netloc == "example.test" for one in seen)
        assert urlsplit(headers.get("Location", "/")).netloc in {"", "example.test"}


STRANGERS = [
    *("exampleXtest", "example.test.evil.test", "evilexample.test", "example.tes", "xample.test", "example-test"),
    *("xn--exmple-cua.test", "example.test.", "example.testevil", "a.example.test.evil"),
]


@pytest.mark.parametrize("host", STRANGERS)
@pytest.mark.parametrize("trusted", [["example.test"], [".example.test"], ["other.test", "example.test"]])
def test_s3_an_allowed_host_is_no_pattern(
    app: Kolben, raw: Raw, seen: list[t.Any], trusted: list[str], host: str
) -> None:
    app.config["TRUSTED_HOSTS"] = trusted

    assert raw(b"/a", [(b"host", host.encode())])[0] == 400
    assert raw(b"/none/such", [(b"host", host.encode())])[0] == 400
    assert raw(b"/a", [(b"host", b"Example.TEST:8000")])[0] == 200
    assert len(seen) == 1
    assert not host_is_trusted(host, trusted)


def test_s3_names_below_an_allowed_host_are_allowed_by_a_leading_dot(app: Kolben, raw: Raw, seen: list[t.Any]) -> None:
    app.config["TRUSTED_HOSTS"] = [".example.test"]

    assert raw(headers=[(b"host", b"a.example.test")])[0] == 200
    assert raw(headers=[(b"host", b"a.b.example.test")])[0] == 200


@pytest.mark.parametrize("trusted", [["*.example.test"], ["http://example.test"], "a/b", ["ok.test", ""]])
def test_s3_a_pattern_in_the_list_is_an_error_before_anything_is_answered(
    app: Kolben, protocol: str, trusted: t.Any
) -> None:
    app.config["TRUSTED_HOSTS"] = trusted

    with pytest.raises(ValueError, match="can match no request"):
        app.freeze(protocol == "asgi")


@pytest.mark.parametrize("host", STRANGERS)
def test_s3_an_allowed_origin_is_no_pattern(host: str) -> None:
    """S3 and S38: what holds for hosts holds for the origins of WebSockets."""
    assert not origin_is_allowed(f"https://{host}", "own.test", "wss", ["https://example.test"])
    assert not origin_is_allowed("http://example.test", "own.test", "wss", ["https://example.test"])
    assert not origin_is_allowed("https://example.test:444", "own.test", "wss", ["https://example.test"])
    assert origin_is_allowed("https://example.test:443", "own.test", "wss", ["https://example.test"])


FORWARDED = [
    (b"x-forwarded-host", b"example.test"),
    (b"x-forwarded-server", b"example.test"),
    (b"x-host", b"example.test"),
    (b"forwarded", b"host=example.test"),
    (b"x-original-host", b"example.test"),
]


def test_s4_no_other_header_stands_for_the_host(app: Kolben, raw: Raw, seen: list[t.Any]) -> None:
    app.config["TRUSTED_HOSTS"] = ["example.test"]

    for headers in ([], [(b"host", b"evil.test")], [(b"host", b"")]):
        assert raw(headers=[*headers, *FORWARDED])[0] == 400
    assert seen == []


def test_s4_forwarded_headers_change_nothing_by_default(app: Kolben, raw: Raw) -> None:
    @app.get("/who")
    def who() -> dict[str, t.Any]:
        return {"addr": request.remote_addr, "scheme": request.scheme, "host": request.host, "root": request.root_path}

    plain = raw(b"/who")[2]
    claims = [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"evil.test"),
        (b"x-forwarded-prefix", b"/evil"),
        (b"x-real-ip", b"203.0.113.9"),
        (b"x-script-name", b"/evil"),
        (b"x-original-url", b"/admin"),
        (b"x-http-method-override", b"DELETE"),
        (b"forwarded", b"for=203.0.113.9;proto=https;host=evil.test"),
    ]
    assert raw(b"/who", [HOST, *claims])[2] == plain


@pytest.mark.parametrize("trusted", [["example.test"], None])
def test_s4_without_a_host_none_is_taken_from_the_server(app: Kolben, raw: Raw, trusted: list[str] | None) -> None:
    """S4: the name that the server listens on is no host that a client asked for, nor a trusted one."""
    app.config["TRUSTED_HOSTS"] = trusted

    @app.get("/")
    def index() -> str:
        return request.url

    assert raw(headers=[])[0] == 400


@pytest.mark.parametrize(
    "repeated",
    [
        [(b"host", b"example.test"), (b"host", b"evil.test")],
        [(b"host", b"example.test"), (b"host", b"example.test")],
        [HOST, (b"content-type", b"application/json"), (b"content-type", b"text/plain")],
        [HOST, (b"content-length", b"1"), (b"content-length", b"2")],
        [HOST, (b"content-length", b"1"), (b"content-length", b"1")],
        [HOST, (b"origin", b"http://a.test"), (b"origin", b"http://b.test")],
    ],
)
def test_s7_a_header_that_may_stand_once_is_not_repeated(app: Kolben, raw: Raw, repeated: t.Any) -> None:
    ran = []

    @app.post("/")
    def index() -> str:
        request.get_data()
        ran.append(request.mimetype)
        return ""

    status, _, _ = raw(headers=repeated, method="POST", chunks=[b"x"])
    if raw.protocol == "wsgi" and repeated[1][0] in {b"content-type", b"origin"}:
        # NOTE: WSGI servers join the two, or take one, before the application sees them; a joined one is no JSON.
        assert status in {200, 400}
        assert "application/json" not in ran
    else:
        assert status == 400
        assert ran == []
