"""nginx before the application, with the configuration that stands in docs/deploying.md."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import typing as t

import pytest
from websockets.sync.client import connect

from tests.examples.snippets import ROOT, snippets
from tests.servers.live import PROGRAMS, WSGI, run
from tests.servers.process import free_port, has_ended, started, wait_until

if t.TYPE_CHECKING:
    from collections.abc import Iterator

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
HOST = "example.org"
SERVERS = {
    "kolben-asgi": ["--proxies"],
    "kolben-wsgi": ["--proxies"],
    "uvicorn": ["ProxyHeaders", "--no-proxy-headers"],
    "gunicorn": ["ProxyFix"],
}
"""The servers behind nginx: what believes it, and further options."""

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X_Forwarded_For": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;host=evil.example;proto=http",
}


@dataclasses.dataclass
class Site:
    """The port of the application, a folder for nginx's files, and the ports of nginx.

    :ivar app: 0 if it listens on the socket file ``http.sock`` in the folder.
    """

    app: int
    folder: pathlib.Path
    plain: int = dataclasses.field(default_factory=free_port)
    tls: int = dataclasses.field(default_factory=free_port)

    @property
    def host(self) -> str:
        return f"{HOST}:{self.tls}"

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def connect(self) -> http.client.HTTPSConnection:
        """A connection over TLS, which checks the name in the certificate."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=30, context=self.context)
        connection.sock = self.context.wrap_socket(self.open(), server_hostname=HOST)
        return connection

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.tls), 30)

    @contextlib.contextmanager
    def request(self, method: str, path: str, body: t.Any = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body, {"Host": self.host} | headers)
            yield connection.getresponse()

    def get(self, path: str, **headers: str) -> t.Any:
        """What a view answers, from its JSON."""
        with self.request("GET", path, **headers) as response:
            assert response.status == 200
            return json.loads(response.read())


def configuration() -> str:
    """The block of the page that is nginx's."""
    (block,) = (snippet.text for snippet in snippets(ROOT / "docs" / "deploying.md") if snippet.info == ("nginx",))
    return block


def write_configuration(site: Site) -> pathlib.Path:
    """The page's configuration with this machine's ports and paths, in a file that is complete."""
    text = configuration()
    for old, new in (
        ("127.0.0.1:8000", f"127.0.0.1:{site.app}" if site.app else f"unix:{site.folder}/http.sock"),
        ("listen 80", f"listen 127.0.0.1:{site.plain}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{site.tls} ssl"),
        ("/etc/ssl/example.org", str(site.folder)),
        ("/srv/shop/static", str(site.folder / "static")),
    ):
        assert old in text
        text = text.replace(old, new)
    temporary = "\n".join(
        f"{kind}_temp_path {site.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # NOTE: a worker of root's nginx is another user, who cannot read a test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    path = site.folder / "nginx.conf"
    path.write_text(
        f"{user}\ndaemon off;\nworker_processes 1;\npid {site.folder}/nginx.pid;\nerror_log stderr warn;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{text}\n}}\n"
    )
    return path


def make_certificate(folder: pathlib.Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST}"]
    command += ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


@pytest.fixture(scope="module")
def site(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = prepare(tmp_path_factory.mktemp("nginx"))
    middleware, *options = SERVERS[server]
    env = {"REPORT": str(folder / "report.txt"), "BEHIND": middleware}
    if middleware == "--proxies":
        env["KOLBEN_SERVE_PROXIES"] = "127.0.0.1"
    with run(server, "behind:app", *options, env=env) as live, nginx_before(Site(live.port, folder)) as site:
        yield site


def prepare(folder: pathlib.Path) -> pathlib.Path:
    """Put what nginx needs into a folder; skip the test where there is no nginx."""
    if NGINX is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl (on Debian: apt-get install nginx openssl)")
    (folder / "static").mkdir()
    (folder / "static" / "style.css").write_text("p { color: red }")
    (folder / "report.txt").write_text("a report of some length")
    make_certificate(folder)
    return folder


@contextlib.contextmanager
def nginx_before(site: Site) -> Iterator[Site]:
    assert NGINX is not None
    with started([NGINX, "-c", str(write_configuration(site)), "-e", "stderr"]) as process:
        wait_until(lambda: has_ended(process) or listens(site.tls), 20)
        assert not has_ended(process)
        yield site


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def test_the_application_is_told_of_the_client(site: Site) -> None:
    told = site.get("/")

    assert told["address"] == "127.0.0.1"
    assert told["scheme"] == "https"
    assert told["secure"] is True
    assert told["host"] == site.host
    assert told["url"] == f"https://{site.host}/"
    assert told["prefix"] == ""


def test_s4_what_a_client_says_of_itself_does_not_arrive(site: Site) -> None:
    told = site.get("/", **SPOOFED)

    assert told.pop("headers") == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": site.host,
    }
    assert "evil" not in str(told)
    assert "6.6.6.6" not in str(told)


def test_s4_the_application_believes_nobody_but_nginx(site: Site, server: str) -> None:
    if SERVERS[server][0] == "ProxyFix":
        pytest.skip(
            "ProxyFix believes whoever reaches the server, which should listen on the loopback or a socket file"
        )
    connection = http.client.HTTPConnection("127.0.0.1", site.app, timeout=30, source_address=("127.0.0.2", 0))
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={**SPOOFED, "Host": "localhost"})
        told = json.loads(connection.getresponse().read())

    assert (told["address"], told["scheme"], told["prefix"]) == ("127.0.0.2", "http", "")


def test_s4_another_host_does_not_reach_the_application(site: Site) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.plain, timeout=30)) as connection:
        connection.request("GET", "/", headers={"Host": "evil.example"})
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
    with site.open() as plain, pytest.raises(ssl.SSLError):
        site.context.wrap_socket(plain, server_hostname="evil.example")


def test_plain_requests_are_sent_to_tls(site: Site) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.plain, timeout=30)) as connection:
        connection.request("GET", "/page/one?two=3", headers={"Host": HOST})
        response = connection.getresponse()

    assert (response.status, response.getheader("Location")) == (301, f"https://{HOST}/page/one?two=3")


def test_a_prefix_is_part_of_urls(site: Site) -> None:
    assert site.get("/blog/")["prefix"] == "/blog"
    with site.request("GET", "/blog/page/one", **SPOOFED) as response:
        assert response.read().decode() == f"https://{site.host}/blog/page/one"


def test_a_websocket_passes(site: Site, server: str) -> None:
    url = f"wss://{site.host}/chat/echo"
    if server in (*WSGI, "kolben-wsgi"):
        with site.request("GET", "/chat/echo", **HANDSHAKE) as response:
            assert response.status == 426
        return
    with connect(url, sock=site.open(), ssl=site.context, server_hostname=HOST, additional_headers=SPOOFED) as socket:
        told = json.loads(socket.recv(timeout=20))
        socket.send("Hello!")
        assert socket.recv(timeout=20) == "Hello!"

    assert told["address"] == "127.0.0.1"
    assert told["url"] == url


def test_events_arrive_one_by_one(site: Site) -> None:
    with site.request("GET", "/events") as response:
        lines = (line.decode().strip() for line in response)
        assert next(line for line in lines if line.startswith("data:")) == "data: first"
        # The second is only made now.
        with site.request("POST", "/go-on") as going:
            assert going.status == 200
        assert next(line for line in lines if line.startswith("data:")) == "data: second"


def test_a_large_upload_is_streamed(site: Site) -> None:
    half = b"x" * (10 * 1024 * 1024)

    def body() -> Iterator[bytes]:
        yield half
        wait_until(lambda: site.get("/received")[-1:] == [len(half)], 20)
        yield half

    with site.request("POST", "/files/upload", body(), **{"Content-Length": str(2 * len(half))}) as response:
        assert json.loads(response.read()) == {"size": 2 * len(half)}


def test_an_upload_that_is_too_large_is_nginxs_to_refuse(site: Site) -> None:
    with site.request("POST", "/", **{"Content-Length": str(17 * 1024 * 1024)}) as response:
        assert response.status == 413
        assert response.getheader("Server", "").startswith("nginx")


def test_connections_are_kept_on_both_sides(site: Site) -> None:
    before = connections_to(site.app)
    with contextlib.closing(site.connect()) as connection:
        for number in range(6):
            connection.request("GET", f"/page/{number}", headers={"Host": site.host})
            assert connection.getresponse().read().decode().endswith(f"/page/{number}")

    assert len(connections_to(site.app) - before) <= 1


def connections_to(port: int) -> set[str]:
    """The ports of all connections to this one, also of those that were closed a moment ago."""
    pattern = rf"\d+: \w+:(\w+) \w+:{port:04X} "
    return set(re.findall(pattern, pathlib.Path("/proc/net/tcp").read_text()))


def test_files_are_sent_by_nginx(site: Site) -> None:
    with site.request("GET", "/report") as response:
        assert response.read() == b"a report of some length"
        assert response.getheader("X-Accel-Redirect") is None
    with site.request("GET", "/report", Range="bytes=2-7") as response:
        assert (response.status, response.read()) == (206, b"report")
    with site.request("GET", "/static/style.css") as response:
        assert response.read() == b"p { color: red }"
    with site.request("GET", f"/sent-by-nginx{site.folder}/report.txt") as response:
        assert response.status == 404


def test_s4_through_a_socket_file() -> None:
    # NOTE: the path of a socket has at most some hundred bytes.
    with tempfile.TemporaryDirectory() as name:
        site = Site(0, prepare(pathlib.Path(name)))
        command = [sys.executable, "-m", "kolben", "--app", "behind:app", "serve", "--workers", "1"]
        command += ["--bind", f"unix:{name}/http.sock", "--proxies", "unix"]
        with started(command, cwd=PROGRAMS, stderr=subprocess.DEVNULL) as process, nginx_before(site):
            wait_until(lambda: has_ended(process) or (site.folder / "http.sock").exists(), 20)
            told = site.get("/", **SPOOFED)
            with site.request("GET", "/blog/page/one") as response:
                url = response.read().decode()

    assert (told["address"], told["scheme"], told["host"]) == ("127.0.0.1", "https", site.host)
    assert "evil" not in str(told)
    assert url == f"https://{site.host}/blog/page/one"


def test_the_page_has_one_configuration() -> None:
    assert "proxy_pass http://shop;" in configuration()
