"""``app.run()`` and ``kolben run`` as servers: what they serve, what they print, which options they take."""

from __future__ import annotations

import http.client
import os
import pathlib
import re
import signal
import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from kolben import Kolben
from kolben.server.development.serve import serve
from tests.server.development.developing import DEBUG, PATIENCE, RUN, developing, processes_of
from tests.servers.process import free_port, wait_until

SCRIPT = """
import os, sys
from kolben import Kolben
app = Kolben(__name__)

@app.route("/")
def hello():
    return f"one {sys.argv[1:]} {os.environ.get('WORD')}"

@app.route("/fail")
def fail():
    return 1 / 0

if __name__ == "__main__":
    try:
        app.run(port=0, debug=True)
    finally:
        print("cleaned up", file=sys.stderr)
"""

PLAIN = SCRIPT.replace("debug=True", "debug=False")


def test_a_script_serves_itself_and_goes_on_when_it_is_stopped(tmp_path: pathlib.Path) -> None:
    script = PLAIN.replace("    finally:", "        print('after', file=sys.stderr)\n    finally:")
    with developing(tmp_path, {"shop.py": script}, ["shop.py"]) as site:
        site.get_until("one")
        assert processes_of(site.process) == {site.process.pid}

        site.process.send_signal(signal.SIGINT)

        assert site.process.wait(PATIENCE) == 0
        site.wait_for("after\ncleaned up\n")
        assert "Traceback" not in site.terminal
        assert "panicked" not in site.terminal


def test_a_script_is_run_again_as_it_was(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"my site.py": SCRIPT}, ["-X", "utf8", "my site.py", "--a b", "c"]) as site:
        site.get_until("one ['--a b', 'c'] None")
        site.write("my site.py", SCRIPT.replace("one", "two"))
        site.get_until("two ['--a b', 'c'] None")
        site.wait_for("cleaned up")

        site.write(".env", "WORD=read")

        site.get_until("read")


def test_a_package_is_run_again_as_it_was(tmp_path: pathlib.Path) -> None:
    files = {"shop/__init__.py": "", "shop/words.py": "word = 'one'\n"}
    main = SCRIPT.replace("import os, sys", "import os, sys\nfrom .words import word").replace('f"one', 'f"{word}')
    with developing(tmp_path, {**files, "shop/__main__.py": main}, ["-m", "shop", "x"]) as site:
        site.get_until("one ['x']")

        site.write("shop/words.py", "word = 'two'\n")

        site.get_until("two ['x']")


@pytest.mark.parametrize("arguments", [["shop.py"], ["-m", "shop"], ["-m", "kolben.as_flask", "shop.py"]])
def test_a_script_that_fails_shows_why_until_it_is_mended(tmp_path: pathlib.Path, arguments: list[str]) -> None:
    code = SCRIPT.replace("from kolben import Kolben", "from flask import Flask as Kolben")
    code = code if "kolben.as_flask" in arguments else SCRIPT
    with developing(tmp_path, {"shop.py": code}, arguments) as site:
        site.get_until("one")
        site.write("shop.py", code.replace("app.route", "app.rout"))
        site.get_until("AttributeError")
        site.wait_for("AttributeError")

        site.write("shop.py", code.replace("def hello", "def hello("))
        site.get_until("SyntaxError")
        site.wait_for("SyntaxError")

        site.write("shop.py", code.replace("one", "mended"))
        site.get_until("mended")


def test_the_command_of_an_application_written_for_flask_reloads(tmp_path: pathlib.Path) -> None:
    code = "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\ndef hello(): return 'one'\n"
    command = ["-m", "kolben", "--as-flask", "--debug", "run", "--port", "0"]
    with developing(tmp_path, {"app.py": code}, command) as site:
        site.get_until("one")

        site.write("app.py", code.replace("one", "two"))

        site.get_until("two")


def test_an_exception_is_shown_in_the_browser_and_in_the_terminal(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": SCRIPT}) as site:
        site.get_until("one")
        page = site.get("/fail", Accept="text/html")

        assert "ZeroDivisionError" in page
        assert "return 1 / 0" in page
        site.wait_for("ZeroDivisionError")
        assert site.wait_for(r"\* Debugger: (\S+)")[1].startswith(f"http://127.0.0.1:{site.port}/__debugger__/")


BREAKING = """
from kolben import Kolben
app = Kolben(__name__)

@app.route("/")
def index():
    return "one"

@app.route("/stream")
async def stream():
    async def parts():
        yield "a part"
        raise ValueError("mid")
    return parts()

@app.websocket("/ws")
async def socket(ws):
    await ws.accept()
    raise ValueError("mid")
"""


@pytest.mark.parametrize("kind", ["stream", "websocket"])
def test_an_exception_after_the_response_began_is_written_once_with_a_link(tmp_path: pathlib.Path, kind: str) -> None:
    with developing(tmp_path, {"app.py": BREAKING}, [*DEBUG, "--no-reload"]) as site:
        site.get_until("one")
        if kind == "stream":
            with pytest.raises(http.client.IncompleteRead):
                site.get("/stream")
        else:
            with connect(f"ws://127.0.0.1:{site.port}/ws") as ws, pytest.raises(ConnectionClosed):
                ws.recv(timeout=PATIENCE)
        site.wait_for("ValueError: mid.* See http://")
        site.wait_for("Traceback")
        site.get("/last")
        site.wait_for("GET /last")
        assert site.terminal.count("Traceback (most recent call last)") == 1, site.terminal
        assert len(re.findall("ValueError: mid.* See http://", site.terminal)) == 1
        assert "request_lines.py" not in site.terminal


def test_the_link_to_the_debugger_outlives_reloads(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": SCRIPT}) as site:
        path = site.wait_for(r"\* Debugger: http://[^/]+(\S+)")[1]
        site.get_until("one")
        site.write("app.py", SCRIPT.replace("one", "two"))
        site.get_until("two")

        with site.connect(f"GET {path}") as connection:
            assert connection.recv(64).startswith(b"HTTP/1.1 303")
        site.write("app.py", SCRIPT.replace("one", "three"))
        site.get_until("three")
        with site.connect(f"GET {path}") as connection:
            assert connection.recv(64).startswith(b"HTTP/1.1 403")


def test_without_the_debugger_an_exception_is_in_the_terminal_only(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": SCRIPT}, [*DEBUG, "--no-debugger", "--no-reload"]) as site:
        site.get_until("one")
        page = site.get("/fail")

        assert "Internal Server Error" in page
        assert "ZeroDivisionError" not in page
        site.wait_for("ZeroDivisionError")
        site.wait_for(r'"GET /fail HTTP/1.1" 500 -')


def test_the_command_prints_what_flask_prints(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": SCRIPT}, RUN) as site:
        site.get_until("one")
        assert "\nPress CTRL+C to quit\n" in site.terminal
        assert site.terminal.startswith("WARNING: This is a development server.")
        line = r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d\] "GET /\?a=%20&b="? HTTP/1\.1" 200 -'
        site.get("/?a=%20&b=")
        site.wait_for(line)


def test_lines_of_requests_are_silenced_as_those_of_werkzeug_are(tmp_path: pathlib.Path) -> None:
    code = "import logging\nlogging.getLogger('werkzeug').setLevel(logging.ERROR)\n" + SCRIPT
    port = free_port()
    with developing(tmp_path, {"app.py": code}, ["-m", "kolben", "run", "--port", str(port)]) as site:
        assert _get(port).startswith(b"one")
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(PATIENCE) == 0

        assert site.terminal == ""


def test_a_port_that_is_taken_is_said_so(tmp_path: pathlib.Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with developing(tmp_path, {"app.py": SCRIPT}, [*DEBUG, "--port", str(port)]) as site:
            assert site.process.wait(PATIENCE) == 1
            site.wait_for("Address already in use\n")
            site.wait_for(f"Port {port} is in use by another program")
            assert "Traceback" not in site.terminal


def test_an_application_that_is_not_there_ends_the_command_without_a_reloader(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {}, RUN) as site:
        assert site.process.wait(PATIENCE) == 2
        site.wait_for("Could not locate a Kolben application")


def test_an_application_that_does_not_start_up_ends_the_command(tmp_path: pathlib.Path) -> None:
    code = SCRIPT + "\n@app.before_serving\ndef start():\n    raise RuntimeError('no database')\n"
    with developing(tmp_path, {"app.py": code}, RUN) as site:
        assert site.process.wait(PATIENCE) == 3
        site.wait_for("The application failed to start up: RuntimeError: no database")


def test_without_threads_sync_views_run_one_after_the_other(tmp_path: pathlib.Path) -> None:
    code = """
import threading, time
from kolben import Kolben
app = Kolben(__name__)
inside = []

@app.route("/")
def count():
    inside.append(1)
    time.sleep(0.05)
    most = len(inside)
    inside.pop()
    return str(most)
"""
    with developing(tmp_path, {"app.py": code}, [*RUN, "--without-threads"]) as site:
        connections = [site.connect("GET /") for _ in range(4)]
        answers = []
        for connection in connections:
            with connection:
                while data := connection.recv(4096):
                    answers.append(data)
        assert b"".join(answers).count(b"\r\n\r\n1") == 4


def test_a_call_of_run_that_is_not_guarded_is_ignored_by_the_command(tmp_path: pathlib.Path) -> None:
    code = SCRIPT.replace('if __name__ == "__main__":', "if True:")
    with developing(tmp_path, {"app.py": code}) as site:
        site.get_until("one")
        assert "Ignoring a call to 'app.run()'" in site.printed


BOTH = """
import asyncio
from kolben import EventStream, Kolben
app = Kolben(__name__)

@app.websocket("/echo")
async def echo(ws):
    async for message in ws:
        await ws.send(message.upper())

@app.route("/events")
def events():
    return EventStream(iter(["one", "two"]))

@app.route("/async")
async def view():
    await asyncio.sleep(0)
    return "async"

@app.route("/sync")
def sync():
    return "sync"
"""


def test_sync_async_websockets_and_events_are_served(tmp_path: pathlib.Path) -> None:

    with developing(tmp_path, {"app.py": BOTH}) as site:
        assert (site.get("/sync"), site.get("/async")) == ("sync", "async")
        assert site.get("/events").endswith("data: one\n\ndata: two\n\n")
        with connect(f"ws://127.0.0.1:{site.port}/echo") as ws:
            ws.send("hello")
            assert ws.recv(PATIENCE) == "HELLO"
        site.wait_for(r'"GET /echo HTTP/1.1" 101 -')


def test_a_wrapped_wsgi_application_is_served(tmp_path: pathlib.Path) -> None:
    code = (
        SCRIPT
        + """
def wrapped(environ, start_response, inner=app.wsgi_app):
    environ["PATH_INFO"] = "/"
    return inner(environ, start_response)
app.wsgi_app = wrapped
"""
    )
    with developing(tmp_path, {"app.py": code}) as site:
        assert site.get("/anywhere").startswith("one")


def test_an_interactive_interpreter_can_serve_and_change_and_serve_again(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {}, ["-i", "-q"]) as site:
        site.type("from kolben import Kolben; app = Kolben('shop')")
        for path in ("/one", "/two"):
            site.type(f"app.get('{path}', endpoint='{path}')(lambda: 'here')")
            site.type("app.run(port=0, debug=True)")
            site.get_until("here", path)
            site.wait_for("The reloader does not work for an interactive interpreter")
            site.process.send_signal(signal.SIGINT)
            site.wait_for(">>> ")
            site.forget()
        site.type("exit()")
        assert site.process.wait(PATIENCE) == 0


def test_a_thread_can_serve() -> None:
    app = Kolben(__name__)
    app.get("/")(lambda: "from a thread")
    port = free_port()
    threading.Thread(target=app.run, kwargs={"port": port, "load_dotenv": False}, daemon=True).start()

    assert _get(port) == b"from a thread"


def test_a_forked_process_can_serve() -> None:
    import multiprocessing

    app = Kolben(__name__)
    app.get("/")(lambda: "from a fork")
    port = free_port()
    options = {"port": port, "load_dotenv": False, "use_reloader": False, "threaded": True}
    process = multiprocessing.get_context("fork").Process(target=app.run, kwargs=options)
    process.start()
    try:
        assert _get(port) == b"from a fork"
    finally:
        process.terminate()
        process.join(PATIENCE)
    assert process.exitcode == 0


def test_a_socket_file_is_listened_on(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": SCRIPT}, [*DEBUG, "--host", "unix://site.sock"]) as site:
        site.wait_for(r"Running on unix://site\.sock")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            wait_until((tmp_path / "site.sock").exists, PATIENCE)
            connection.connect(str(tmp_path / "site.sock"))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("option", ["request_handler", "static_files", "processes", "ssl_context", "portt"])
def test_what_the_server_cannot_do_is_named(option: str) -> None:
    with pytest.raises(TypeError, match=f"'{option}'"):
        serve(lambda: Kolben(__name__), "127.0.0.1", 0, {option: 2})


@pytest.mark.skipif(not os.path.exists("/usr/bin/openssl"), reason="makes a certificate by openssl")
def test_a_certificate_makes_it_https(tmp_path: pathlib.Path) -> None:
    import ssl
    import subprocess
    import urllib.request

    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    new += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(new, cwd=tmp_path, check=True, capture_output=True)
    with developing(tmp_path, {"app.py": SCRIPT}, [*DEBUG, "--cert", "cert.pem", "--key", "key.pem"]) as site:
        url = site.wait_for(r"Running on (https://127\.0\.0\.1:\d+)")[1]
        context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        with urllib.request.urlopen(url, timeout=PATIENCE, context=context) as response:
            assert response.read().startswith(b"one")


def _get(port: int) -> bytes:
    """The answer of a server that is about to start."""
    import urllib.error
    import urllib.request

    body: list[bytes] = []

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as response:
                body.append(response.read())
        except urllib.error.URLError:
            return False
        return True

    wait_until(answers, PATIENCE)
    return body[0]
