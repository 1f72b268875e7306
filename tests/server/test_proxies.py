from __future__ import annotations

import asyncio
import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolben import Kolben, redirect, request, session, url_for
from kolben.http.websocket import WebSocket
from kolben.server.proxies import Proxies, ProxyHeaders, wrap
from kolben.testing import WebSocketRejected
from tests.security.raw import answer, scope_of

Pairs: t.TypeAlias = "list[tuple[bytes, bytes]]"
PEER = "10.0.0.1"
OTHER = "198.51.100.9"


def seen(spec: str | int, *lines: str, peer: str = PEER, scope_type: str = "http", **changes: t.Any) -> t.Any:
    """What the application sees of a request with these header lines: its scope; the status, if it is refused."""
    headers = [tuple(part.encode("latin-1") for part in line.split(": ", 1)) for line in ("host: a.test", *lines)]
    scope = {**scope_of(b"/x"), "headers": headers, "client": (peer, 5), "type": scope_type, **changes}
    found: list[t.Any] = []

    async def app(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        found.append(scope)

    async def send(message: t.Any) -> None:
        found.append(message.get("status", message["type"]))

    async def run() -> None:
        await wrap(app, spec)(scope, None, send)

    asyncio.run(run())
    return found[0]


def client(spec: str | int, *lines: str, **options: t.Any) -> t.Any:
    scope = seen(spec, *lines, **options)
    return scope["client"][0] if isinstance(scope, dict) else scope


def test_unset_is_never_believed() -> None:
    async def app(scope: t.Any, receive: t.Any, send: t.Any) -> None: ...

    assert wrap(app, None) is app
    assert wrap(app, "") is app
    assert wrap(app, 0) is app
    assert wrap(app, "forwarded") is app


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (1, "192.0.2.3"),
        ("1", "192.0.2.3"),
        (2, "192.0.2.2"),
        (3, "192.0.2.1"),
        (4, "192.0.2.1"),
        ("10.0.0.0/8", "192.0.2.3"),
        ("10.0.0.1", "192.0.2.3"),
        ("10.0.0.1, 192.0.2.3", "192.0.2.2"),
        ("10.0.0.1,192.0.2.2/31", "192.0.2.1"),
        ("0.0.0.0/0", "192.0.2.1"),
        ("10.0.0.2", PEER),
        ("10.0.0.2,192.0.2.3", PEER),
        ("fd00::/8", PEER),
        ("unix", PEER),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(spec: str | int, expected: str) -> None:
    assert client(spec, "x-forwarded-for: 192.0.2.1, 192.0.2.2", "x-forwarded-for: 192.0.2.3") == expected
    assert client(spec, "forwarded: for=192.0.2.1,for=192.0.2.2", "forwarded: for=192.0.2.3") == expected


def test_headers_stay_for_views_to_read() -> None:
    for spec in ("10.0.0.1", OTHER):
        assert (b"x-forwarded-for", b"192.0.2.1") in seen(spec, "x-forwarded-for: 192.0.2.1")["headers"]


def test_the_scope_of_the_server_is_not_changed() -> None:
    headers = [(b"host", b"a.test"), (b"x-forwarded-host", b"b.test"), (b"x-forwarded-prefix", b"/p")]
    scope = {**scope_of(b"/x"), "headers": headers}
    before = {**scope, "headers": list(headers)}

    async def app(scope: t.Any, receive: t.Any, send: t.Any) -> None:
        assert scope["headers"][0] == (b"host", b"b.test")

    asyncio.run(t.cast(t.Any, ProxyHeaders(app, 1)(scope, None, None)))
    assert scope == before


@pytest.mark.parametrize("peer", ["", None])
def test_a_peer_of_a_socket_file(peer: str | None) -> None:
    origin = None if peer is None else (peer, "0")
    line = "x-forwarded-for: 192.0.2.1"
    assert client("unix", line, client=origin) == "192.0.2.1"
    assert seen("10.0.0.0/8", line, client=origin)["client"] == origin
    assert client("unix", "x-forwarded-for: 192.0.2.1, unix:", client=origin) == "192.0.2.1"
    assert client(1, "x-forwarded-for: 192.0.2.1, unix:", client=origin) == "unix:"


def test_an_ipv4_peer_of_an_ipv6_socket() -> None:
    assert client("10.0.0.0/8", "x-forwarded-for: 192.0.2.1", peer="::ffff:10.0.0.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ('"[2001:db8::1]:4711"', ("2001:db8::1", 4711)),
        ('"192.0.2.1:47"', ("192.0.2.1", 47)),
        ("unknown", ("unknown", 0)),
        ("_hidden", ("_hidden", 0)),
    ],
)
def test_clients_of_forwarded(element: str, expected: tuple[str, int]) -> None:
    assert seen(1, f"forwarded: for={element}")["client"] == expected


def test_a_proxy_that_says_no_address_is_never_taken_for_the_client() -> None:
    assert client("10.0.0.0/8", "forwarded: for=192.0.2.1, proto=https") == "unknown"


@pytest.mark.parametrize(
    ("scope_type", "before", "told", "after"),
    [
        ("http", "http", "https", "https"),
        ("http", "https", "http", "http"),
        ("http", "http", "wss", "https"),
        ("websocket", "ws", "https", "wss"),
        ("websocket", "ws", "wss", "wss"),
        ("websocket", "wss", "http", "ws"),
    ],
)
def test_schemes(scope_type: str, before: str, told: str, after: str) -> None:
    for line in (f"x-forwarded-proto: {told}", f"forwarded: proto={told}"):
        assert seen(1, line, scope_type=scope_type, scheme=before)["scheme"] == after


@pytest.mark.parametrize(
    ("lines", "host", "server"),
    [
        (["x-forwarded-host: B.test"], b"b.test", ("b.test", 80)),
        (["x-forwarded-host: b.test:8443"], b"b.test:8443", ("b.test", 8443)),
        (["x-forwarded-host: b.test", "x-forwarded-proto: https"], b"b.test", ("b.test", 443)),
        (["x-forwarded-port: 8443"], b"a.test:8443", ("a.test", 8443)),
        (["x-forwarded-port: 443", "x-forwarded-proto: https"], b"a.test", ("a.test", 443)),
        (["x-forwarded-host: b.test:1", "x-forwarded-port: 8443"], b"b.test:8443", ("b.test", 8443)),
        (["x-forwarded-host: [::1]:81"], b"[::1]:81", ("::1", 81)),
        (['forwarded: host="b.test:8443"'], b"b.test:8443", ("b.test", 8443)),
        (["x-forwarded-for: 192.0.2.1"], b"a.test", ("127.0.0.1", 8000)),
    ],
)
def test_hosts(lines: list[str], host: bytes, server: tuple[str, int]) -> None:
    scope = seen(1, *lines)
    assert [value for name, value in scope["headers"] if name == b"host"] == [host]
    assert scope["server"] == server


def test_a_prefix_that_the_proxy_took_away_is_put_before_the_path() -> None:
    scope = seen(1, "x-forwarded-prefix: /app/", path="/app/x", raw_path=b"/app/x", root_path="/inner")
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/app/inner", "/app/app/x", b"/app/app/x")
    assert seen(1, "x-forwarded-prefix: /")["root_path"] == ""


def test_what_a_proxy_overwrites_counts_over_several_hops() -> None:
    scope = seen(2, "x-forwarded-for: 192.0.2.1, 192.0.2.2", "x-forwarded-proto: https", "x-forwarded-host: b.test")
    assert (scope["client"][0], scope["scheme"], scope["headers"][0]) == ("192.0.2.1", "https", (b"host", b"b.test"))


def test_of_several_the_outermost_proxy_says_the_host_and_scheme() -> None:
    forwarded = (
        "for=192.0.2.7;host=evil.test;proto=http, for=192.0.2.1;host=b.test;proto=https, for=10.0.0.2;host=in.test"
    )
    scope = seen("10.0.0.0/8", f"forwarded: {forwarded}")
    assert (scope["client"][0], scope["scheme"], scope["headers"][0]) == ("192.0.2.1", "https", (b"host", b"b.test"))


def test_fewer_proxies_than_told_are_not_counted_as_more() -> None:
    """Who goes round the outer of two proxies writes headers that the inner one adds to."""
    scope = seen(
        2, "x-forwarded-for: 192.0.2.66", "x-forwarded-host: evil.test, a.test", "x-forwarded-proto: https, http"
    )
    assert (scope["client"][0], scope["headers"][0], scope["scheme"]) == ("192.0.2.66", (b"host", b"a.test"), "http")


# -- spoofing --------------------------------------------------------------------------------------------------------

SPOOFED = (
    "x-forwarded-for: 127.0.0.1",
    "x-forwarded-proto: https",
    "x-forwarded-host: evil.test",
    "x-forwarded-port: 1",
    "x-forwarded-prefix: /evil",
    "forwarded: for=127.0.0.1;host=evil.test;proto=https",
)


@pytest.mark.parametrize("line", SPOOFED)
def test_s4_a_peer_that_is_no_proxy_is_not_believed(line: str) -> None:
    scope = seen("10.0.0.0/8,unix", line, peer=OTHER)
    before = seen("10.0.0.0/8,unix", peer=OTHER)
    assert {**scope, "headers": None} == {**before, "headers": None}
    assert (b"host", b"a.test") in scope["headers"]


@pytest.mark.parametrize("left", ["127.0.0.1", "10.0.0.7", "nonsense", "'\"", "", "10.0.0.1, 10.0.0.2", "\xff"])
def test_s4_what_a_client_wrote_before_the_proxy_is_not_read(left: str) -> None:
    for spec in (1, "10.0.0.0/8"):
        assert client(spec, f"x-forwarded-for: {left}, {OTHER}") == OTHER
        assert client(spec, f"x-forwarded-for: {left}", f"x-forwarded-for: {OTHER}") == OTHER


def test_s5_names_with_an_underscore_never_count() -> None:
    scope = seen(1, "x_forwarded_for: 127.0.0.1", "x-forwarded_proto: https", "x_forwarded_host: evil.test")
    assert (scope["client"][0], scope["scheme"]) == (PEER, "http")
    assert client(1, "x-forwarded-for: 192.0.2.1", "x_forwarded_for: 127.0.0.1") == "192.0.2.1"


@pytest.mark.parametrize(
    "line",
    [
        *("x-forwarded-for: evil", "x-forwarded-for: ", "x-forwarded-for: 192.0.2.1,", "x-forwarded-for: 192.0.2.1 x"),
        *("x-forwarded-proto: ftp", "x-forwarded-host: a/b", "x-forwarded-host: a@b", "x-forwarded-host: "),
        *("x-forwarded-port: 0", "x-forwarded-port: x", "x-forwarded-prefix: //evil.test", "x-forwarded-prefix: x"),
        *(
            "forwarded: for=\xff",
            "forwarded: for=evil",
            "forwarded: proto=ftp",
            'forwarded: host="a/b"',
            'forwarded: a="',
        ),
    ],
)
def test_s1_a_malformed_word_of_a_proxy_is_refused(line: str) -> None:
    assert seen(1, line) == 400
    assert seen(1, line, method="HEAD") == 400
    assert seen(1, line, scope_type="websocket") == "websocket.close"


def test_s4_both_kinds_of_headers_are_refused_unless_it_is_told_which_counts() -> None:
    lines = "x-forwarded-for: 192.0.2.1", "forwarded: for=192.0.2.2"
    assert seen(1, *lines) == 400
    assert client("1,x-forwarded", *lines) == "192.0.2.1"
    assert client("10.0.0.0/8,Forwarded", *lines) == "192.0.2.2"
    assert client("1,forwarded", lines[0]) == PEER


def test_s7_two_hosts_of_a_client_stay_two() -> None:
    scope = seen(1, "host: evil.test", "x-forwarded-host: b.test")
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"a.test", b"evil.test"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["forwarded", *(f"x-forwarded-{name}" for name in ("for", "proto", "host", "port", "prefix"))]
            ),
            st.text([chr(code) for code in range(0x20, 0x100)])
            | st.sampled_from(["a.test", "https", "80", "/p", OTHER]),
        )
    ),
    st.sampled_from(["1", "3", "10.0.0.0/8", "10.0.0.1,forwarded", "0.0.0.0/0,::/0,x-forwarded"]),
)
def test_whatever_proxies_say_is_an_answer(lines: list[tuple[str, str]], spec: str) -> None:
    scope = seen(spec, *(f"{name}: {value}" for name, value in lines))
    if scope != 400:
        assert scope["scheme"] in {"http", "https"}
        assert scope["path"].endswith("/x")
        assert scope["path"][:2] != "//"
        assert len([name for name, _ in scope["headers"] if name == b"host"]) == 1


# -- what is asked for -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("*", "'*'"),
        ("10.0.0.0/33", "'10.0.0.0/33'"),
        ("10.0.0.1/8", "host bits"),
        ("proxy.test", "'proxy.test'"),
        ("-1", "'-1'"),
        ("1,,2", "''"),
        ("1,10.0.0.1", "number and addresses"),
        ("1,unix", "number and addresses"),
    ],
)
def test_what_is_no_specification_says_why(spec: str, names: str) -> None:
    with pytest.raises(ValueError, match="prox") as caught:
        Proxies(spec)
    assert names in str(caught.value)


def test_the_opinion_of_peers_is_remembered_within_bounds() -> None:
    proxies = Proxies("10.0.0.0/8")
    for number in range(3000):
        assert not proxies.trust_peer({"client": (f"192.0.{number // 256}.{number % 256}", 1)})
    assert len(proxies._known) <= 1024


# -- with an application ---------------------------------------------------------------------------------------------


def ask(app: Kolben, *lines: bytes) -> tuple[int, dict[bytes, bytes], str]:
    headers = [(b"host", b"inner.test"), *(t.cast("tuple[bytes, bytes]", tuple(line.split(b": "))) for line in lines)]
    start, body = asyncio.run(answer(app, scope_of(b"/", headers=headers)))
    return start["status"], dict(start["headers"]), body["body"].decode()


def test_middleware_of_an_application(app: Kolben) -> None:
    app.asgi_app = ProxyHeaders(app.asgi_app, 1)  # type: ignore[method-assign]

    @app.get("/")
    def index() -> dict[str, t.Any]:
        return {"url": request.url, "from": request.remote_addr, "link": url_for("index", _external=True)}

    lines = (
        b"x-forwarded-for: 192.0.2.9",
        b"x-forwarded-proto: https",
        b"x-forwarded-host: b.test",
        b"x-forwarded-prefix: /p",
    )
    status, _, body = ask(app, *lines)
    assert status == 200
    assert '"https://b.test/p/"' in body.replace(" ", "")
    assert body.count("https://b.test/p/") == 2
    assert "192.0.2.9" in body


def test_s4_a_host_that_a_proxy_tells_has_to_be_trusted_as_any_other(app: Kolben) -> None:
    app.asgi_app = ProxyHeaders(app.asgi_app, 1)  # type: ignore[method-assign]
    app.config.update(TRUSTED_HOSTS=["a.test"], TESTING=False)
    app.add_url_rule("/", "view", lambda: request.host)

    assert ask(app, b"x-forwarded-host: a.test")[::2] == (200, "a.test")
    assert ask(app, b"x-forwarded-host: evil.test")[0] == 400
    assert ask(app)[0] == 400


def test_s36_a_prefix_is_no_other_site(app: Kolben) -> None:
    app.asgi_app = ProxyHeaders(app.asgi_app, 1)  # type: ignore[method-assign]
    app.add_url_rule("/", "view", lambda: redirect(url_for("view")))

    assert ask(app, b"x-forwarded-prefix: /p")[1][b"location"] == b"/p/"
    assert ask(app, b"x-forwarded-prefix: //evil.test")[0] == 400


def test_the_session_is_secure_where_the_proxy_speaks_tls(app: Kolben) -> None:
    app.asgi_app = ProxyHeaders(app.asgi_app, 1)  # type: ignore[method-assign]

    @app.get("/")
    def view() -> str:
        session["a"] = 1
        return "x"

    assert b"; Secure" in ask(app, b"x-forwarded-proto: https")[1][b"set-cookie"]
    assert b"; Secure" not in ask(app, b"x-forwarded-proto: http")[1][b"set-cookie"]


@pytest.mark.parametrize(
    ("lines", "origin", "is_open"),
    [
        ({"x-forwarded-host": "shop.test", "x-forwarded-proto": "https"}, "https://shop.test", True),
        ({"x-forwarded-host": "shop.test", "x-forwarded-proto": "wss"}, "https://shop.test", True),
        ({"x-forwarded-host": "shop.test", "x-forwarded-proto": "https"}, "https://evil.test", False),
        ({"x-forwarded-host": "shop.test", "x-forwarded-proto": "https"}, "http://inner.test", False),
        ({"x-forwarded-host": "a/b"}, "http://inner.test", False),
    ],
)
def test_s38_the_origin_of_a_websocket_is_that_of_the_site_behind_the_proxy(
    app: Kolben, lines: dict[str, str], origin: str, is_open: bool
) -> None:
    app.asgi_app = ProxyHeaders(app.asgi_app, 1)  # type: ignore[method-assign]

    @app.websocket("/ws")
    async def talk(ws: WebSocket) -> None:
        await ws.send(ws.url)

    headers = {"Host": "inner.test", "Origin": origin, **lines}
    outcome = contextlib.nullcontext() if is_open else pytest.raises(WebSocketRejected, match="403")
    with outcome, app.test_client().websocket("/ws", headers=headers) as socket:
        assert socket.receive() == "wss://shop.test/ws"
