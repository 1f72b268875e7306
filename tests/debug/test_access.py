"""S29: who may see the debugger's pages, and who may use its consoles."""

from __future__ import annotations

import asyncio
import hmac
import subprocess
import sys
import typing as t

import pytest

from kolben import Kolben
from kolben.debug.access import MAX_FAILURES
from tests.debug.visitor import HTML, LOOPBACK, URL, Visitor


@pytest.fixture(autouse=True)
def error(app: Kolben, visitor: Visitor) -> None:
    """There is an error whose variables and source nobody else may see."""

    @app.get("/broken")
    def view() -> t.NoReturn:
        precious = ["diamond"]
        raise ValueError(len(precious))

    visitor.get("/broken")


SECOND_HOST = "127.0.0.1:5000\r\n"


def tells(visitor: Visitor, headers: dict[str, str], **parts: t.Any) -> bool:
    """Whether the page of an error tells what was in it."""
    answer = visitor.get("/broken", {**HTML, **headers}, **parts)
    assert answer.status == 500
    return b"diamond" in answer.body


@pytest.mark.parametrize("client", [("192.168.1.7", 1), ("8.8.8.8", 1), ("2001:db8::1", 1), ("unix:", None), None])
def test_s29_other_computers_see_no_page(visitor: Visitor, client: tuple[str, int] | None) -> None:
    visitor.enter()

    assert not tells(visitor, {}, client=client)
    for path in ("", "access", f"errors/{visitor.debugger.errors.newest_first()[0].id}", "static/debugger.js"):
        assert visitor.get(f"/__debugger__/{path}", client=client).status == 403
    assert visitor.run("1", "view", client=client).status == 403


@pytest.mark.parametrize("client", [("127.0.0.1", 1), ("127.8.0.1", 1), ("::1", 1), ("::ffff:127.0.0.1", 1)])
def test_s29_this_computer_sees_it(visitor: Visitor, client: tuple[str, int]) -> None:
    assert tells(visitor, {}, client=client)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:5000", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost", ""),
        *("0.0.0.0:5000", "[::]:5000", "127.0.0.1@evil.example", "127.0.0.1,evil.example", "192.168.1.7:5000"),
    ],
)
def test_s29_a_name_that_was_rebound_to_this_computer_sees_no_page(visitor: Visitor, host: str) -> None:
    visitor.enter()

    assert b"diamond" not in visitor.get("/broken", {**HTML, "host": host}).body
    assert visitor.get("/__debugger__/", {"host": host}).status == 403
    assert visitor.get("/__debugger__/static/debugger.js", {"host": host}).status == 403
    assert visitor.run("1", "view", {"host": host, "origin": f"http://{host}"}).status == 403


def test_s29_a_stranger_gets_plain_text(visitor: Visitor) -> None:
    answer = visitor.get("/broken", HTML, client=("192.0.2.1", 50000))

    assert (answer.status, answer.body) == (500, b"Internal Server Error\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("host", ["localhost:5000", "shop.localhost", "[::1]:5000", "127.0.0.1", "127.0.0.2:80"])
def test_s29_names_of_this_computer_are_answered(visitor: Visitor, host: str) -> None:
    assert tells(visitor, {"host": host})


def test_s29_two_hosts_are_none(visitor: Visitor) -> None:
    host = (b"host", b"127.0.0.1:5000")

    assert visitor.debugger.access.trusts({"client": LOOPBACK, "headers": [host]})
    assert not visitor.debugger.access.trusts({"client": LOOPBACK, "headers": [host, (b"host", b"evil.example")]})


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host"])
def test_s29_what_a_tunnel_passed_on_is_not_from_this_computer(visitor: Visitor, header: str) -> None:
    visitor.enter()

    assert not tells(visitor, {header: "127.0.0.1"})
    assert visitor.run("1", "view", {header: "127.0.0.1"}).status == 403


def test_s29_the_address_that_is_bound_and_names_that_were_given_are_answered(app: Kolben) -> None:
    with asyncio.Runner() as runner:
        visitor = Visitor(app, runner, url="http://192.168.1.7:5000", hosts=["shop.test"])

        assert tells(visitor, {"host": "shop.test:5000"})
        assert tells(visitor, {"host": "192.168.1.7:5000"})


def test_s29_without_the_link_there_is_no_console(visitor: Visitor) -> None:
    answer = visitor.run("1 + 1", "view")

    assert answer.status == 403
    assert "link printed in the terminal" in answer.json["error"]
    assert visitor.get("/__debugger__/access").json == {"console": False}


def test_s29_the_link_lets_a_browser_in(visitor: Visitor) -> None:
    answer = visitor.enter()

    assert (answer.status, answer.headers["location"]) == (303, "/__debugger__/")
    cookie = answer.headers["set-cookie"].split("; ")
    assert cookie[1:] == ["Path=/__debugger__/", "HttpOnly", "SameSite=Strict"]
    assert visitor.run("1 + 1", "view").json["value"] == "2"
    assert visitor.get("/__debugger__/access").json == {"console": True}


def test_s29_over_tls_the_cookie_is_secure(app: Kolben) -> None:
    with asyncio.Runner() as runner:
        visitor = Visitor(app, runner, url="https://127.0.0.1:5000")

        assert visitor.enter().headers["set-cookie"].endswith("; Secure")


def test_s29_a_link_works_once_and_then_makes_a_new_one_appear(visitor: Visitor) -> None:
    link = visitor.debugger.link
    visitor.enter()
    visitor.cookie = ""
    again = visitor.get(link.removeprefix(URL))

    assert again.status == 403
    assert "set-cookie" not in again.headers
    assert visitor.log[-1] == f"A link to the debugger was opened again. One that works: {visitor.debugger.link}"
    assert visitor.debugger.link != link
    assert visitor.enter().status == 303


def test_s29_whoever_is_in_uses_up_no_link(visitor: Visitor) -> None:
    visitor.enter()
    link = visitor.debugger.link

    assert visitor.get(link.removeprefix(URL)).status == 303
    assert visitor.debugger.link == link


def test_s29_looking_at_the_head_uses_up_no_link(visitor: Visitor) -> None:
    assert visitor.get(visitor.debugger.link.removeprefix(URL), method="HEAD").status == 403
    assert visitor.enter().status == 303


def test_s29_a_reload_keeps_browsers_in_and_used_links_out(app: Kolben) -> None:
    used: list[int] = []
    with asyncio.Runner() as runner:
        before = Visitor(app, runner, secret="of the parent process", on_link_used=used.append)
        link = before.debugger.link
        before.enter()
        after = Visitor(app, runner, secret="of the parent process", links_used=used[-1])

        assert after.get(link.removeprefix(URL)).status == 403
        after.cookie = before.cookie
        assert after.get("/__debugger__/access").json == {"console": True}


def test_s29_another_server_has_other_links_and_cookies(app: Kolben, visitor: Visitor) -> None:
    visitor.enter()
    with asyncio.Runner() as runner:
        other = Visitor(app, runner)
        other.cookie = visitor.cookie

        assert other.debugger.access.cookie_name != visitor.debugger.access.cookie_name
        assert other.get("/__debugger__/access").json == {"console": False}
        assert other.debugger.access.failures == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "https://127.0.0.1:5000"},
        {"origin": "http://localhost:5000"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_s29_commands_come_from_the_debuggers_own_pages(visitor: Visitor, headers: dict[str, str | None]) -> None:
    visitor.enter()
    answer = visitor.run("1 + 1", "view", headers)

    assert answer.status in (403, 415)
    assert "value" not in answer.json


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_s29_commands_are_posted(visitor: Visitor, method: str) -> None:
    visitor.enter()

    assert visitor.run("1 + 1", "view", method=method).status == 405


def test_s29_wrong_links_are_counted(visitor: Visitor) -> None:
    for _ in range(MAX_FAILURES):
        assert visitor.get("/__debugger__/enter?token=wrong").status == 403
    link = visitor.debugger.link

    assert visitor.get(link.removeprefix(URL)).status == 403
    assert visitor.debugger.link == link


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_s29_another_site_can_neither_use_up_links_nor_tries(visitor: Visitor, site: str) -> None:
    link = visitor.debugger.link.removeprefix(URL)
    for target in ["/__debugger__/enter?token=wrong"] * MAX_FAILURES + [link]:
        assert visitor.get(target, {"sec-fetch-site": site}).status == 403

    assert visitor.get(link, {"sec-fetch-site": "none"}).status == 303


def test_s29_the_last_try_still_counts(visitor: Visitor) -> None:
    for _ in range(MAX_FAILURES - 1):
        visitor.get("/__debugger__/enter?token=wrong")

    assert visitor.enter().status == 303


def test_s29_wrong_cookies_are_counted(visitor: Visitor) -> None:
    visitor.enter()
    right = visitor.cookie
    visitor.cookie = f"{visitor.debugger.access.cookie_name}=wrong"
    for _ in range(MAX_FAILURES):
        assert visitor.run("1 + 1", "view").status == 403
    visitor.cookie = right

    assert "Restart the server" in visitor.run("1 + 1", "view").json["error"]


def test_s40_links_and_cookies_are_compared_in_constant_time(visitor: Visitor, monkeypatch: t.Any) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noting(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    visitor.enter()
    visitor.run("1 + 1", "view")

    assert len(compared) == 2


def test_s29_the_secret_is_in_no_page(app: Kolben) -> None:
    with asyncio.Runner() as runner:
        visitor = Visitor(app, runner, secret="of the parent process")
        token = visitor.debugger.access.token()
        visitor.enter()
        pages = [visitor.get(path).text for path in ("/broken", "/__debugger__/")]

    assert not any(secret in page for page in pages for secret in (token, "of the parent process", visitor.cookie))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'"x"', b'{"source": 1, "frame": 1}', b'{"source": "1", "frame": "1"}', b"\xff"]
)
def test_s29_what_is_no_command_is_refused(visitor: Visitor, body: bytes) -> None:
    visitor.enter()
    headers = {"origin": URL, "content-type": "application/json"}
    error = visitor.debugger.errors.newest_first()[0]

    assert visitor.send(f"/__debugger__/errors/{error.id}/console", headers, body, method="POST").status == 400
    assert (
        visitor.send(
            "/__debugger__/errors/other/console", headers, b'{"source": "1", "frame": 1}', method="POST"
        ).status
        == 404
    )


def test_s29_nothing_but_the_development_server_loads_it() -> None:
    program = """
import sys
from kolben import Kolben
app = Kolben("shop")
app.debug = True
app.post("/")(lambda: 1 / 0)
client = app.test_client()
assert client.get("/__debugger__/").status_code == 404
try:
    client.post("/")
except ZeroDivisionError:
    loaded = {name for name in sys.modules if name.startswith("kolben.debug.")}
    assert loaded <= {"kolben.debug.forms"}, loaded
    print("fine")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.stdout == "fine\n", ended.stderr
