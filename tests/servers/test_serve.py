"""``kolben serve`` as a process: its signals, its failures, what it prints, TLS."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.servers.live import PROGRAMS
from tests.servers.process import free_port, wait_until
from tests.servers.serving import Served, environment, serving

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FAILS_WITHIN = 30


def run(*options: str, app: str, folder: Path = PROGRAMS, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a server that ends by itself."""
    command = [sys.executable, "-m", "kolben", "--app", app, "serve", "--bind", f"127.0.0.1:{free_port()}", *options]
    return subprocess.run(
        command, cwd=folder, env=environment(env), capture_output=True, text=True, timeout=FAILS_WITHIN, check=False
    )


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# -- it starts, or does not ------------------------------------------------------------------------------------------


def test_import_error_is_shown_once_and_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_like_this\n")
    result = run("--workers", "3", app="broken", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("nothing_like_this") == 2, result.stderr  # NOTE: the line of code, and the error.
    assert "Worker" not in result.stderr


def test_start_up_that_fails_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(
        "from kolben import Kolben\napp = Kolben(__name__)\n\n"
        "@app.before_serving\ndef fail():\n    raise OSError('away')\n"
    )
    result = run("--workers", "3", app="failing", folder=tmp_path)
    assert result.returncode == 3
    assert result.stderr.count("The application failed to start up: OSError: away") == 1


@pytest.mark.parametrize("how", ["environment", "option", "code", "setting"])
def test_debug_mode_is_refused(tmp_path: Path, how: str) -> None:
    code = {"code": "app.debug = True\n", "setting": "app.config['DEBUG'] = True\n"}.get(how, "")
    (tmp_path / "debugging.py").write_text(f"from kolben import Kolben\napp = Kolben(__name__)\n{code}")
    env = {"KOLBEN_DEBUG": "1"} if how == "environment" else {}
    options = ["--debug"] if how == "option" else []
    result = run(*options, app="debugging", folder=tmp_path, **env)
    assert result.returncode == 2
    assert result.stderr.count("Debug mode is on") == 1


def test_address_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        result = run("--bind", f"127.0.0.1:{taken_port}", app="waiting")
    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{taken_port}: Address already in use. Another program" in result.stderr


def test_file_that_cannot_be_written_is_no_matter_of_listening() -> None:
    result = run("--pid-file", "/nonexistent/p", app="waiting")
    assert result.returncode == 1
    assert "Cannot write the process's number to the file '/nonexistent/p': No such file" in result.stderr
    assert "Cannot listen" not in result.stderr


def test_certificate_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    assert "belong together" in run("--cert", str(tmp_path / "cert.pem"), app="waiting").stderr


def test_explains_every_setting_and_exits() -> None:
    result = run("--explain", "--grace", "5", app="waiting", WEB_CONCURRENCY="3", KOLBEN_SERVE_THREADS="7")
    assert result.returncode == 0, result.stderr
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines()}
    assert lines["workers"] == "3 given by WEB_CONCURRENCY"
    assert lines["threads"] == "7 given by KOLBEN_SERVE_THREADS"
    assert lines["grace"] == "5 given by --grace"
    assert lines["protocol"].startswith("asgi auto: ")
    assert lines["loop"] in {"uvloop auto: uvloop is installed, and faster", "asyncio auto: uvloop is not installed"}
    assert lines["body-timeout"].startswith("3600 ")
    assert all(len(rest.split()) > 1 for rest in lines.values())


def test_uvloop_that_is_asked_for_and_missing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['uvloop'] = None\n")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    result = run("--workers", "2", app="waiting", KOLBEN_SERVE_LOOP="uvloop", PYTHONPATH=path)
    assert result.returncode == 2
    assert result.stderr.count("uvloop is not installed. Install it by 'pip install \"kolben[uvloop]\"'") == 1


def test_certificate_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    result = run("--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"), app="waiting")
    assert result.returncode == 2
    assert "cannot be used with the key" in result.stderr


# -- it listens ------------------------------------------------------------------------------------------------------


def test_several_addresses_and_a_socket_file(tmp_path: Path) -> None:
    file, pid_file = tmp_path / "app.sock", tmp_path / "app.pid"
    with serving("--bind", f"unix:{file}", "--pid-file", str(pid_file)) as served:
        own = served.get("/pid")["pid"]
        assert int(pid_file.read_text()) == served.process.pid
        assert stat.S_ISSOCK(file.stat().st_mode)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(file))
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert f'"pid":{own}'.encode() in _read_all(client).replace(b" ", b"")
        assert served.end() == 0
    assert not file.exists()
    assert not pid_file.exists()


@pytest.mark.parametrize("more", [[], ["--bind", "127.0.0.1:0"]])
def test_workers_that_share_a_socket_file_end_well(tmp_path: Path, more: list[str]) -> None:
    file = tmp_path / "app.sock"
    with serving(*more, bind=f"unix:{file}", workers=2, folder=PROGRAMS) as served:
        assert served.end() == 0, served.log
        assert "Error" not in served.log
    assert not file.exists()


def _read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"]
    try:
        subprocess.run([*command, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("There is no openssl to make a certificate with.")
    return cert, key


@pytest.mark.parametrize("http", ["auto", "1"])
def test_tls_and_the_version_of_http(certificate: tuple[Path, Path], http: str) -> None:
    cert, key = certificate
    context = ssl.create_default_context(cafile=str(cert))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with serving("--cert", str(cert), "--key", str(key), "--http", http) as served:
        with context.wrap_socket(served.connect(), server_hostname="localhost") as client:
            assert client.selected_alpn_protocol() == ("h2" if http == "auto" else "http/1.1")
            if http == "1":
                client.sendall(b"GET /pid HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                assert b" 200 OK" in client.recv(65536)
        assert "https://" in served.log
        assert served.end() == 0


def test_access_log_goes_to_the_standard_output() -> None:
    with serving("--access-log", "json", "--proxies", "1") as served:
        with served.send("/pid?a=1", head="X-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n") as client:
            _read_all(client)
        wait_until(lambda: '"client"' in served.log, 5)
        (line,) = [line for line in served.log.splitlines() if line.startswith("{")]
        entry = json.loads(line)
    assert (entry["client"], entry["path"], entry["status"]) == ("198.51.100.7", "/pid?a=1", 200)


def test_lines_of_the_application_name_the_worker(tmp_path: Path) -> None:
    (tmp_path / "telling.py").write_text(
        "from kolben import Kolben\napp = Kolben(__name__)\n\n"
        "@app.route('/')\ndef view():\n    app.logger.error('told')\n    return {}\n"
    )
    with serving(app="telling:app", folder=tmp_path) as served:
        served.get("/")
        wait_until(lambda: "told" in served.log, 5)
        assert f"[{served.ready[0]}] ERROR in telling: told" in served.log


# -- it stops --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_at_once_if_there_is_nothing_to_do(number: signal.Signals) -> None:
    with serving(workers=2, env={"NOTES": ""}) as served:
        workers = served.ready
        served.signal(number)
        assert served.process.wait(10) == 0, served.log
        assert not any(map(is_alive, workers))


def test_views_know_that_the_server_stops(tmp_path: Path) -> None:
    with serving() as served:
        assert served.get("/pid")["draining"] is False
        with served.send("/async/1.0") as client:
            time.sleep(0.3)
            served.signal(signal.SIGTERM)
            answer = _read_all(client)
        assert b'"draining":true' in answer.replace(b" ", b"")
        assert b"\r\nconnection: close\r\n" in answer.lower()


def test_health_check_is_answered_for_a_moment_while_draining() -> None:
    with serving("--linger", "3") as served, served.send("/sync/2.0"):
        time.sleep(0.3)
        served.signal(signal.SIGTERM)
        time.sleep(0.3)
        assert served.get("/pid")["draining"] is True


def test_background_tasks_and_after_serving_come_before_the_end(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with serving(env={"NOTES": str(notes)}) as served:
        served.get("/later")
        assert served.end() == 0
    assert notes.read_text().splitlines() == ["background task", "after_serving"]


@pytest.mark.parametrize(
    ("target", "loop"),
    [("/socket", "auto"), ("/socket/sync", "auto"), ("/socket/deaf", "asyncio")],
)
def test_websockets_are_closed_with_1012(target: str, loop: str) -> None:
    with serving("--loop", loop) as served, connect(f"ws://127.0.0.1:{served.port}{target}") as ws:
        ws.send("hello")
        ws.recv()
        served.signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as caught:
            ws.recv(timeout=10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1012
        assert served.process.wait(10) == 0, served.log


@pytest.mark.parametrize(("protocol", "loop"), [("asgi", "auto"), ("asgi", "asyncio"), ("wsgi", "auto")])
def test_streams_of_events_get_their_last_one(protocol: str, loop: str) -> None:
    with serving("--protocol", protocol, "--loop", loop) as served, served.send("/events") as client:
        received = client.recv(65536)
        served.signal(signal.SIGTERM)
        received += _read_all(client)
        assert received.endswith(b"data: bye\n\n\r\n0\r\n\r\n")
        assert served.process.wait(10) == 0, served.log


def test_grace_has_an_end() -> None:
    with serving("--grace", "1", "--loop", "asyncio") as served, served.send("/async/300.0"):
        time.sleep(0.3)
        served.signal(signal.SIGTERM)
        assert served.process.wait(15) == 1
        assert "1 request did not end in time and is cut off." in served.log


def test_request_that_is_cut_off_is_logged_as_it_was_answered() -> None:
    with serving("--grace", "1", "--access-log", "json") as served, served.send("/async/300.0") as client:
        time.sleep(0.3)
        served.signal(signal.SIGTERM)
        head, _, body = _read_all(client).partition(b"\r\n\r\n")
        served.process.wait(15)
        entry = json.loads(next(line for line in served.log.splitlines() if line.startswith("{")))
    assert (entry["status"], entry["bytes"]) == (int(head.split()[1]), len(body)) == (500, 21)


def test_linger_as_long_as_the_grace_cuts_nothing_off() -> None:
    with serving("--grace", "1", "--linger", "1") as served, served.send("/pid", head="") as client:
        client.recv(65536)
        served.signal(signal.SIGTERM)
        _read_all(client)
        assert served.process.wait(15) == 0, served.log
        assert "cut off" not in served.log


def test_second_signal_ends_it_at_once() -> None:
    with serving() as served, served.send("/async/300.0"):
        time.sleep(0.3)
        served.signal(signal.SIGTERM)
        time.sleep(1)
        served.signal(signal.SIGTERM)
        assert served.process.wait(15) == 1


def test_worker_that_computes_for_ever_does_not_keep_the_server() -> None:
    with serving("--grace", "1") as served, served.send("/busy"):
        time.sleep(0.3)
        (worker,) = served.ready
        served.signal(signal.SIGTERM)
        assert served.process.wait(20) == 1
        assert not is_alive(worker)


def test_workers_end_with_their_parent() -> None:
    with serving(workers=2) as served, served.send("/sync/1.0") as client:
        workers = served.ready
        time.sleep(0.3)
        served.signal(signal.SIGKILL)
        assert b" 200 OK" in _read_all(client)
        wait_until(lambda: not any(map(is_alive, workers)), 15)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0)])
def test_signal_to_all_of_its_processes_counts_once(number: signal.Signals, code: int) -> None:
    with serving(workers=2) as served, served.send("/sync/1.5") as client:
        time.sleep(0.3)
        os.killpg(served.process.pid, number)
        assert b" 200 OK" in _read_all(client)
        assert served.process.wait(10) == code, served.log


def test_reload_that_all_of_its_processes_are_told_of_loses_no_worker() -> None:
    with serving(workers=2) as served:
        os.killpg(served.process.pid, signal.SIGHUP)
        wait_until(lambda: len(served.ready) == 4, 20)
        assert "was killed" not in served.log
        assert served.end() == 0


# -- it is reloaded, and its workers replaced ------------------------------------------------------------------------


@contextlib.contextmanager
def changing(tmp_path: Path, **env: str) -> Iterator[Served]:
    write(tmp_path, "1")
    with serving(app="changing:app", folder=tmp_path, workers=2, env=env) as served:
        yield served


def write(folder: Path, version: str) -> None:
    folder.joinpath("changing.py").write_text(
        "import os\nfrom kolben import Kolben\napp = Kolben(__name__)\n"
        f"app.add_url_rule('/', view_func=lambda: {{'version': {version}, 'env': os.environ.get('FROM_FILE')}})\n"
    )


def test_reload_brings_new_code_and_a_new_environment_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_FILE=before\n")
    with changing(tmp_path) as served:
        assert served.get("/") == {"version": 1, "env": "before"}
        (tmp_path / ".env").write_text("FROM_FILE=after\n")
        write(tmp_path, "2")
        served.signal(signal.SIGHUP)
        old = served.ready
        wait_until(lambda: not any(map(is_alive, old)), 20)
        assert [served.get("/") for _ in range(5)] == [{"version": 2, "env": "after"}] * 5


def test_reload_of_code_that_does_not_start_leaves_the_old(tmp_path: Path) -> None:
    with changing(tmp_path) as served:
        old = served.ready
        write(tmp_path, "1 / 0, undefined")
        tmp_path.joinpath("changing.py").write_text("1 / 0\n")
        served.signal(signal.SIGHUP)
        wait_until(lambda: "The old workers go on" in served.log, 20)
        assert served.log.count("ZeroDivisionError") == 1
        assert served.get("/")["version"] == 1
        assert all(map(is_alive, old))

        write(tmp_path, "3")
        served.signal(signal.SIGHUP)
        wait_until(lambda: not any(map(is_alive, old)), 20)
        assert served.get("/")["version"] == 3


def test_worker_that_grows_too_large_is_replaced() -> None:
    with serving("--max-rss", "150") as served:
        (old,) = served.ready
        assert served.get("/hoard/200")["pid"] == old
        wait_until(lambda: len(served.ready) == 2, 20)
        wait_until(lambda: not is_alive(old), 20)
        assert "MiB of memory resident" in served.log


def test_connections_are_spread_over_the_workers() -> None:
    with serving(workers=2) as served, contextlib.ExitStack() as stack:
        # All at once: one worker could take them all before the other is awake.
        clients = [stack.enter_context(served.send("/pid")) for _ in range(100)]
        seen = Counter(_read_pid(client) for client in clients)
        assert set(seen) == set(served.ready)
        assert min(seen.values()) > 20


def _read_pid(client: socket.socket) -> int:
    received = b""
    while not received.endswith(b"}\n") and not received.endswith(b"}"):
        received += client.recv(65536)
    return t.cast(int, json.loads(received.partition(b"\r\n\r\n")[2])["pid"])


def test_connections_beyond_the_most_wait_until_one_is_closed() -> None:
    most = 8
    with serving("--backpressure", str(most)) as served, contextlib.ExitStack() as stack:
        for _ in range(2 * most):  # NOTE: these leave without a closing frame, and give their places back.
            with connect(f"ws://127.0.0.1:{served.port}/socket") as ws:
                ws.socket.shutdown(socket.SHUT_RDWR)
        streams = [stack.enter_context(served.send("/events")) for _ in range(most)]
        for stream in streams:
            assert stream.recv(65536)
        late = stack.enter_context(served.send("/pid"))
        late.settimeout(0.5)
        with pytest.raises(TimeoutError):
            late.recv(1)
        streams[0].close()
        late.settimeout(30)
        assert late.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_address_of_another_server_is_taken() -> None:
    with serving(workers=2) as served:
        result = run("--workers", "2", "--bind", f"127.0.0.1:{served.port}", app="waiting")
        assert result.returncode == 1
        assert "Cannot listen on" in result.stderr


def test_worker_that_keeps_dying_ends_the_server_in_the_end(tmp_path: Path) -> None:
    # The first start succeeds, none after it.
    (tmp_path / "dying.py").write_text(
        "import os, pathlib\nfrom kolben import Kolben\n"
        "mark = pathlib.Path('started')\nassert not mark.exists()\nmark.touch()\n"
        "app = Kolben(__name__)\napp.add_url_rule('/', view_func=lambda: os._exit(9))\n"
    )
    with serving(app="dying:app", folder=tmp_path) as served:
        with served.send("/"):
            assert served.process.wait(40) == 1
        assert "The server ends" in served.log
        assert served.log.count("before it was ready") == 4
        assert "The next worker is started in 1 second." in served.log
        assert "The next worker is started in 2 seconds." in served.log


def test_process_that_a_view_forks_ends_by_sigterm(tmp_path: Path) -> None:
    (tmp_path / "forking.py").write_text(
        "import multiprocessing, time\nfrom kolben import Kolben\napp = Kolben(__name__)\n\n"
        "def wait(end):\n    end.send('begun')\n    time.sleep(60)\n\n"
        "@app.route('/')\ndef view():\n"
        "    context = multiprocessing.get_context('fork')\n    ours, its = context.Pipe()\n"
        "    process = context.Process(target=wait, args=(its,))\n    process.start()\n    ours.recv()\n"
        "    process.terminate()\n    process.join(10)\n    return {'code': process.exitcode}\n"
    )
    with serving(app="forking:app", folder=tmp_path) as served:
        assert served.get("/") == {"code": -signal.SIGTERM}


def test_sockets_are_not_handed_on_to_what_a_worker_starts(tmp_path: Path) -> None:
    (tmp_path / "started.py").write_text(
        "import os\n"
        "fds = [n for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')]\n"
        "links = [os.readlink(f'/proc/self/fd/{n}') for n in fds]\n"
        "print([link for link in links if 'socket' in link], [key for key in os.environ if '_FD' in key])\n"
    )
    (tmp_path / "starting.py").write_text(
        "import subprocess, sys\nfrom kolben import Kolben\napp = Kolben(__name__)\n\n@app.route('/')\ndef view():\n"
        "    out = subprocess.run([sys.executable, 'started.py'], capture_output=True, text=True, close_fds=False)\n"
        "    return {'out': out.stdout.strip()}\n"
    )
    if sys.platform != "linux":
        pytest.skip("Only Linux tells.")
    with serving(app="starting:app", folder=tmp_path) as served:
        assert served.get("/") == {"out": "[] []"}
