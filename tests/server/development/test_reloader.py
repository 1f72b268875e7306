"""What is served follows the files: processes, sockets and signals as they are."""

from __future__ import annotations

import itertools
import os
import pathlib
import re
import signal
import socket
import sys
import typing as t

import pytest

from tests.server.development.developing import DEBUG, PATIENCE, RUN, Server, developing, processes_of
from tests.servers.process import wait_until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")

HELLO = """
import os
from kolben import Kolben
app = Kolben(__name__)

@app.route("/")
def hello():
    return "one"

@app.route("/pid")
def pid():
    return str(os.getpid())
"""


marks = map("mark {}".format, itertools.count())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Server]:
    with developing(tmp_path_factory.mktemp("site"), {"app.py": HELLO}) as server:
        yield server


@pytest.fixture
def site(shared: Server) -> Server:
    """A server that tests share, with nothing but `HELLO` to serve, and which has seen that."""
    for path in shared.folder.iterdir():
        if path.is_file() and path.name != "app.py":
            path.unlink()
    mark = next(marks)
    shared.write("app.py", f"{HELLO}\n@app.route('/mark')\ndef mark(): return '{mark}'\n")
    shared.get_until(mark, "/mark")
    shared.forget()
    return shared


def test_a_changed_file_is_served_by_a_new_process(site: Server) -> None:
    before = site.child()

    site.write("app.py", HELLO.replace("one", "two"))

    site.get_until("two")
    assert site.child() != before
    assert "Detected change in" in site.terminal


def test_a_file_that_is_replaced_by_another_is_a_change(site: Server) -> None:
    site.write("app.py.new", HELLO.replace("one", "two"))
    before = (site.folder / "app.py").stat()
    os.utime(site.folder / "app.py.new", ns=(before.st_atime_ns, before.st_mtime_ns))

    os.replace(site.folder / "app.py.new", site.folder / "app.py")

    site.get_until("two")


def test_packages_are_watched_that_come_later(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": HELLO}) as site:
        site.get_until("one")
        site.write("shop/__init__.py", "")
        site.write("shop/deep/__init__.py", "")
        site.write("shop/deep/prices.py", "price = 'four'\n")
        site.write(
            "app.py",
            HELLO.replace('"one"', "price").replace("import os", "import os\nfrom shop.deep.prices import price"),
        )
        site.get_until("four")

        site.write("shop/deep/prices.py", "price = 'five'\n")

        site.get_until("five")


def test_modules_from_elsewhere_are_watched_once_they_are_loaded(tmp_path: pathlib.Path) -> None:
    library, site_folder = tmp_path / "library", tmp_path / "site"
    library.mkdir()
    (library / "faraway.py").write_text("word = 'far'\n")
    code = HELLO.replace('return "one"', "import faraway; return faraway.word")
    with developing(site_folder, {"app.py": code}, PYTHONPATH=str(library)) as site:
        site.get_until("far")
        (library / "faraway.py").write_text("word = 'out'\n")

        site.get_until("out")


def test_the_folder_of_an_application_that_is_elsewhere_is_watched(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "shop.py").write_text("import not_there_yet\n" + HELLO)
    with developing(
        tmp_path / "here", {"x": ""}, ["-m", "kolben", "--app", "../elsewhere/shop.py", *DEBUG[2:]]
    ) as site:
        site.get_until("ModuleNotFoundError")

        (folder / "not_there_yet.py").write_text("")

        site.get_until("one")


def test_a_changed_template_is_shown_by_the_same_process(tmp_path: pathlib.Path) -> None:
    code = HELLO.replace('return "one"', 'from kolben import render_template; return render_template("a.html")')
    with developing(tmp_path, {"app.py": code, "templates/a.html": "before"}, [*DEBUG, "--no-debugger"]) as site:
        site.get_until("before")
        pid = site.get("/pid")

        site.write("templates/a.html", "after")

        site.get_until("after")
        assert site.get("/pid") == pid


def test_variables_of_the_env_file_are_read_again(tmp_path: pathlib.Path) -> None:
    code = HELLO.replace('return "one"', 'return repr([os.environ.get(name) for name in ("A", "B", "C")])')
    with developing(tmp_path, {"app.py": code, ".env": "A=1\nB=1\nC=1\n"}, C="own") as site:
        site.get_until("['1', '1', 'own']")

        site.write(".env", "A=2\nC=2\n")

        site.get_until("['2', None, 'own']")


def test_an_env_file_may_come_later(site: Server) -> None:
    site.write("app.py", HELLO.replace('return "one"', 'return repr(os.environ.get("WORD"))'))
    site.get_until("None")

    site.write(".flaskenv", "WORD=later\n")

    site.get_until("later")


def test_extra_files_are_watched_and_excluded_ones_are_not(tmp_path: pathlib.Path) -> None:
    code = HELLO.replace('return "one"', 'return open("data/words.txt").read()')
    options = ["--extra-files", "data", "--exclude-patterns", "*_draft.py"]
    files = {
        "app.py": code.replace("app = ", "words = open('data/words.txt').read()\napp = "),
        "data/words.txt": "first",
    }
    files["app.py"] = files["app.py"].replace('return open("data/words.txt").read()', "return words")
    with developing(tmp_path, files, [*DEBUG, *options]) as site:
        site.get_until("first")
        site.write("new_draft.py", "")
        site.write("new_draft.py", "changed = True")
        site.write("data/words.txt", "second")

        site.get_until("second")
        assert "_draft.py" not in site.terminal


def test_a_request_under_way_is_finished(tmp_path: pathlib.Path) -> None:
    code = (
        HELLO
        + """
import asyncio
@app.route("/slow")
async def slow():
    open("started", "w").close()
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    return "finished by the old one"
"""
    )
    with developing(tmp_path, {"app.py": code}) as site:
        site.get_until("one")
        with site.connect("GET /slow") as connection:
            wait_until((tmp_path / "started").exists, PATIENCE)
            site.write("app.py", code.replace("one", "two"))
            site.get_until("two")
            site.write("go", "")

            assert b"finished by the old one" in _read(connection)


def test_who_connects_during_a_reload_is_answered_by_the_new_process(site: Server) -> None:
    slow = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
    before = site.child()
    site.write("app.py", slow + HELLO.replace("one", "two"))
    site.wait_for("Detected change")
    wait_until(lambda: before not in processes_of(site.process), PATIENCE)

    with site.connect("GET /") as connection:
        site.write("go", "")

        assert b"two" in _read(connection)


def test_no_connection_is_refused_or_reset_over_several_reloads(site: Server) -> None:
    answers = 0
    for number in range(3):
        site.write("app.py", HELLO.replace("one", f"answer {number}"))
        while site.get() != f"answer {number}":
            answers += 1

    assert answers


BROKEN = {
    "a syntax error": ("def hello(:", "SyntaxError", "SyntaxError"),
    "an import error": ("import not_there_at_all", "not_there_at_all", "not_there_at_all"),
    "no application": ("", "Failed to find", "Failed to find"),
    "a factory that raises": ("def create_app(): raise RuntimeError('oh no')", "oh no", "oh no"),
    "an exit": ("import sys; sys.exit(3)", "SystemExit", "SystemExit"),
    "a start-up that fails": (
        HELLO + "\n@app.before_serving\ndef start():\n    raise RuntimeError('no database')\n",
        "no database",
        "no database",
    ),
    "a death": ("import os; os._exit(3)", "exit code 3", "exit code 3"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_broken_is_shown_until_it_is_mended(site: Server, how: str) -> None:
    code, shown, written = BROKEN[how]
    site.write("app.py", code)

    site.get_until(shown)
    site.wait_for(written)
    site.write("app.py", HELLO.replace("one", "mended"))
    site.get_until("mended")


@pytest.mark.parametrize("arguments", [DEBUG, [*RUN, "--reload"]])
def test_what_is_broken_is_written_once_without_the_servers_frames(
    tmp_path: pathlib.Path, arguments: list[str]
) -> None:
    with developing(tmp_path, {"app.py": HELLO}, arguments) as site:
        site.get_until("one")
        site.forget()
        site.write("app.py", "import views\n")
        site.write("views.py", "def x(:\n")
        site.wait_for("SyntaxError")
        site.get_until("Error")
        site.get("/another")
        site.wait_for('"GET /another HTTP/1.1" 500')
        assert site.terminal.count("SyntaxError") == 1, site.terminal
        files = re.findall(r'File "(.*?)"', site.terminal)
        assert files == [str(tmp_path / "app.py"), str(tmp_path / "views.py")]


def test_a_module_that_was_missing_may_come(site: Server) -> None:
    site.write("app.py", "import not_there_yet\n" + HELLO)
    site.get_until("ModuleNotFoundError")

    site.write("not_there_yet.py", "")

    site.get_until("one")


STREAM = (
    HELLO
    + """
import asyncio
from kolben import EventStream
@app.route("/events")
async def events():
    async def generate():
        while True:
            yield "tick"
            await asyncio.sleep(0.01)
    return EventStream(generate())
"""
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_after_the_end(tmp_path: pathlib.Path, number: signal.Signals) -> None:
    with developing(tmp_path, {"app.py": STREAM}) as site, _events(site):
        assert len(processes_of(site.process)) == 2

        site.process.send_signal(number)

        wait_until(lambda: not processes_of(site.process), PATIENCE)
        assert site.process.wait(PATIENCE) == (-9 if number == signal.SIGKILL else 0)
        assert "Traceback" not in site.terminal
        # NOTE: a process has ended a moment before its last thread has, with which its sockets are closed.
        wait_until(lambda: _is_refused(site.port), PATIENCE)


def test_ctrl_c_reaches_all_processes_and_ends_them(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": STREAM}) as site, _events(site):
        os.killpg(site.process.pid, signal.SIGINT)

        wait_until(lambda: not processes_of(site.process), PATIENCE)
        assert site.process.wait(PATIENCE) == 0
        assert "Traceback" not in site.terminal


def test_ctrl_c_while_the_application_is_loaded_shows_no_traceback(tmp_path: pathlib.Path) -> None:
    code = "import time\nopen('started', 'w').close()\ntime.sleep(60)\n"
    with developing(tmp_path, {"app.py": code}) as site:
        wait_until((tmp_path / "started").exists, PATIENCE)
        os.killpg(site.process.pid, signal.SIGINT)

        wait_until(lambda: not processes_of(site.process), PATIENCE)
        assert "Traceback" not in site.terminal


def test_streams_are_ended_by_a_reload(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": STREAM}) as site, _events(site) as connection:
        site.write("app.py", STREAM.replace("one", "two"))

        site.get_until("two")
        assert b"tick" in _read(connection)


def test_websockets_are_closed_by_a_reload(tmp_path: pathlib.Path) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    code = (
        HELLO
        + """
@app.websocket("/echo")
async def echo(ws):
    async for message in ws:
        await ws.send(message)
"""
    )
    with developing(tmp_path, {"app.py": code}) as site:
        with connect(f"ws://127.0.0.1:{site.port}/echo") as ws:
            ws.send("hello")
            assert ws.recv(PATIENCE) == "hello"
            site.write("app.py", code.replace("one", "two"))
            with pytest.raises(ConnectionClosed) as caught:
                ws.recv(PATIENCE)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        site.get_until("two")


def test_a_process_that_dies_is_started_again_by_a_change(site: Server) -> None:
    os.kill(site.child(), signal.SIGKILL)
    site.get_until("The application has ended")
    assert "by signal 9" in site.get()

    site.write("app.py", HELLO.replace("one", "alive"))

    site.get_until("alive")


def test_an_application_that_stops_itself_stops_the_server(tmp_path: pathlib.Path) -> None:
    with developing(tmp_path, {"app.py": HELLO}) as site:
        site.get_until("one")
        os.kill(site.child(), signal.SIGINT)

        assert site.process.wait(PATIENCE) == 0
        assert not processes_of(site.process)


def test_nothing_is_replaced_while_somebody_is_at_a_breakpoint(tmp_path: pathlib.Path) -> None:
    code = (
        HELLO
        + """
@app.route("/stop")
def stop():
    breakpoint()
    return f"held in {os.getpid()}"
"""
    )
    with developing(tmp_path, {"app.py": code}) as site:
        site.get_until("one")
        pid = site.get("/pid")
        with site.connect("GET /stop") as connection:
            site.wait_for_prompt()
            site.write("app.py", code.replace("one", "two"))
            site.wait_for("reloading when the breakpoint is left")
            assert site.get() == "one"

            site.type("c")

            assert f"held in {pid}".encode() in _read(connection)
        site.get_until("two")


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def _events(site: Server) -> socket.socket:
    """A stream of events that has begun."""
    site.get_until("one")
    connection = site.connect("GET /events")
    while b"tick" not in connection.recv(1024):
        pass
    return connection


def _read(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    data = b""
    while more := connection.recv(4096):
        data += more
    return data
