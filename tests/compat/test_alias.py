"""The alias: what `import flask` gives, when it is refused, and the ways in."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

HERE = pathlib.Path(__file__).parent

NAMES = dict(
    line.split(": ", 1) for line in (HERE / "flask_names.txt").read_text(encoding="utf-8").splitlines() if ": " in line
)
NAMES = {module: names for module, names in NAMES.items() if not module.startswith("#")}


def python(*arguments: str, cwd: pathlib.Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments, in a process of its own: the alias is for good."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, **env}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False, timeout=50)


def run(code: str, cwd: pathlib.Path | None = None, **env: str) -> str:
    """What a program prints. It has to succeed."""
    ran = python("-c", textwrap.dedent(code), cwd=cwd, **env)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


# -- modules and names -----------------------------------------------------------------------------------------------


def test_every_module_and_name_of_flask_is_there() -> None:
    missing = run(
        f"""
        import importlib
        import kolben.as_flask

        names = {NAMES!r}
        modules = {{name: importlib.import_module(name) for name in names}}
        print([f"{{m}}.{{n}}" for m, listed in names.items() for n in listed.split() if n not in dir(modules[m])])
        """
    )

    assert len(NAMES) == 24
    assert missing == "[]"


def test_a_module_is_named_as_flasks() -> None:
    printed = run(
        """
        import importlib, pickle, sys
        import kolben.as_flask
        import flask.app, flask.json.tag

        module = sys.modules["flask.json.tag"]
        print(module.__name__, module.__spec__.name, module.__package__, module is flask.json.tag)
        print(flask.app.__file__.replace("\\\\", "/").endswith("kolben/compat/flask/app.py"))
        print(flask.Flask.__module__, flask.Flask.__qualname__, flask.Flask("site"))
        print(pickle.loads(pickle.dumps(flask.Flask)) is flask.Flask)
        print(importlib.reload(module) is module)
        """
    ).splitlines()

    assert printed == [
        "flask.json.tag flask.json.tag flask.json True",
        "True",
        "flask.app Flask <Flask 'site'>",
        "True",
        "True",
    ]


def test_a_module_that_flask_has_not_is_not_found() -> None:
    assert "No module named 'flask.nothing'" in python("-c", "import kolben.as_flask, flask.nothing").stderr


def test_the_modules_are_loaded_by_flasks_name_only() -> None:
    ran = python("-c", "import kolben.compat.flask")

    assert "import 'kolben.as_flask', and then 'flask'" in ran.stderr


def test_the_version_is_flasks_without_an_installed_one() -> None:
    printed = run(
        """
        import warnings
        from importlib import metadata
        import kolben.as_flask
        import flask

        warnings.simplefilter("ignore")
        print(flask.__version__, metadata.version("flask"), metadata.version("Flask"))
        print(metadata.distribution("flask").metadata["Name"], len(list(metadata.distributions(name="flask"))) >= 1)
        print("flask" in {dist.metadata["Name"].lower() for dist in metadata.distributions()})
        """
    ).splitlines()

    assert printed == ["3.1.3 3.1.3 3.1.3", "Flask True", "True"]


def test_other_distributions_are_found_as_before() -> None:
    code = "import kolben.as_flask; from importlib import metadata; print(metadata.version('werkzeug'))"

    assert run(code) == run(code.replace("kolben.as_flask", "kolben"))


# -- too late --------------------------------------------------------------------------------------------------------


@pytest.fixture
def other_flask(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a package named flask, which is not Kolben's."""
    (tmp_path / "flask").mkdir()
    (tmp_path / "flask" / "__init__.py").write_text("name = 'another'\n", encoding="utf-8")
    return tmp_path


def test_the_alias_comes_before_an_installed_flask(other_flask: pathlib.Path) -> None:
    assert run("import kolben.as_flask, flask; print(hasattr(flask, 'Flask'))", cwd=other_flask) == "True"


def test_importing_flask_first_is_an_error_that_says_where(other_flask: pathlib.Path) -> None:
    (other_flask / "models.py").write_text("import os\n\nfrom flask import name\n", encoding="utf-8")
    (other_flask / "site.py").write_text("import models\nimport kolben.as_flask\n", encoding="utf-8")

    ran = python("site.py", cwd=other_flask)

    assert "ImportError: 'flask' was imported by" in ran.stderr
    assert f"{other_flask / 'models.py'}', line 3" in ran.stderr
    assert "Import 'kolben.as_flask' first" in ran.stderr


def test_importing_the_alias_twice_does_nothing() -> None:
    code = "import sys, kolben.as_flask, flask; from kolben.compat.alias import install; n = len(sys.meta_path);"

    assert run(f"{code} install(); print(len(sys.meta_path) - n)") == "0"


# -- what differs from Kolben ----------------------------------------------------------------------------------------


def test_flasks_defaults_are_flasks() -> None:
    printed = run(
        """
        import kolben, kolben.as_flask, flask

        app = flask.Flask("site")
        app.get("/")(lambda: {"b": "ö", "a": 1})
        print([app.config[name] for name in ("MAX_CONTENT_LENGTH", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_SECURE")])
        client = app.test_client()
        print(client.get("/").data)
        print(client.get("/nothing", headers={"Accept": "application/json"}).content_type)
        print(isinstance(app, kolben.Kolben), client, app.config["MAX_FORM_PARTS"])
        with app.app_context():
            print(flask.g)
        """
    ).splitlines()

    assert printed == [
        "[None, None, False]",
        r"""b'{"a":1,"b":"\\u00f6"}\n'""",
        "text/html; charset=utf-8",
        "True <FlaskClient <Flask 'site'>> 1000",
        "<flask.g of 'site'>",
    ]


def test_prefixed_variables_are_flasks_alone() -> None:
    code = "import kolben.as_flask, flask; config = flask.Flask('x').config; config.from_prefixed_env();"

    assert run(f"{code} print(config.get('A'), config.get('B'))", FLASK_A="1", KOLBEN_B="2") == "1 None"


def test_flasks_two_context_variables_show_the_one() -> None:
    printed = run(
        """
        import kolben.as_flask, flask
        from flask.globals import _cv_app, _cv_request, app_ctx, request_ctx
        from werkzeug.local import LocalProxy

        app = flask.Flask("site")
        path = LocalProxy(_cv_request, "request")
        print(_cv_app.get(None), _cv_request.get("none"))
        with app.app_context() as ctx:
            print(_cv_app.get() is ctx, _cv_request.get(None), app_ctx._get_current_object() is ctx)
        with app.test_request_context("/here") as ctx:
            print(_cv_request.get() is ctx, path.path, isinstance(ctx, flask.ctx.RequestContext))
            token = _cv_app.set(other := flask.Flask("other").app_context())
            print(flask.current_app.name)
            _cv_app.reset(token)
            print(flask.current_app.name)
        try:
            _cv_app.get()
        except LookupError:
            print("none")
        try:
            path.path
        except RuntimeError as exc:
            print(str(exc).splitlines()[0])
        """
    ).splitlines()

    assert printed == [
        "None none",
        "True None True",
        "True /here True",
        "other",
        "site",
        "none",
        "Working outside of request context.",
    ]


def test_a_request_context_is_made_as_flasks() -> None:
    printed = run(
        """
        import kolben.as_flask, flask
        from flask.ctx import RequestContext
        from flask.testing import EnvironBuilder

        app = flask.Flask("site")
        app.get("/<name>")(lambda name: name)
        with RequestContext(app, EnvironBuilder(app, "/here").get_environ()) as ctx:
            print(flask.request.view_args, ctx.copy().request is ctx.request, app.dispatch_request())
        """
    )

    assert printed == "{'name': 'here'} True here"


# -- one application, both worlds ------------------------------------------------------------------------------------


def test_a_flask_application_is_an_asgi_application_too() -> None:
    printed = run(
        """
        import kolben.as_flask
        from flask import Flask, request

        app = Flask("site")

        @app.get("/sync")
        def sync():
            return request.path

        @app.get("/async")
        async def async_():
            return request.path

        @app.websocket("/ws")
        async def echo(ws):
            async for message in ws:
                await ws.send(message)

        from kolben.testing import KolbenClient

        with KolbenClient(app, app.response_class, protocol="asgi") as client:
            print(client.get("/sync").text, client.get("/async").text)
            with client.websocket("/ws") as ws:
                ws.send("hello")
                print(ws.receive())
        """
    ).splitlines()

    assert printed == ["/sync /async", "hello"]


# -- ways in ---------------------------------------------------------------------------------------------------------

PROGRAM = """\
import sys

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello, World!"


if __name__ == "__main__":
    print(__name__, sys.argv[1:], type(app).__mro__[1].__name__, app.test_client().get("/").text)
"""


@pytest.fixture
def program(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with site.py, which has an application for Flask."""
    (tmp_path / "site_.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("arguments", [["site_.py"], ["-m", "site_"]])
def test_a_program_runs_as_main(program: pathlib.Path, arguments: list[str]) -> None:
    ran = python("-m", "kolben.as_flask", *arguments, "--port", "1", cwd=program)

    assert ran.stdout.strip() == "__main__ ['--port', '1'] Kolben Hello, World!", ran.stderr


def test_a_script_imports_from_its_own_folder(program: pathlib.Path) -> None:
    (program / "scripts").mkdir()
    (program / "scripts" / "neighbour.py").write_text("name = 'neighbour'\n", encoding="utf-8")
    (program / "scripts" / "main.py").write_text("import neighbour; print(neighbour.name)\n", encoding="utf-8")

    assert python("-m", "kolben.as_flask", "scripts/main.py", cwd=program).stdout == "neighbour\n"


def test_without_a_program_it_says_how_it_is_used() -> None:
    ran = python("-m", "kolben.as_flask")

    assert ran.returncode != 0
    assert "usage: python -m kolben.as_flask script.py" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nosuch.py"], 2, "can't open file"),
        (["-m", "nosuch"], 1, "No module named nosuch"),
        (["-m", "nosuch.inner"], 1, "No module named nosuch.inner"),
    ],
)
def test_a_program_that_is_not_there_is_one_line(arguments: list[str], code: int, said: str) -> None:
    ran = python("-m", "kolben.as_flask", *arguments)

    assert ran.returncode == code
    assert len(ran.stderr.splitlines()) == 1
    assert said in ran.stderr


def test_a_server_finds_the_application_by_the_variable(program: pathlib.Path) -> None:
    code = "from kolben.as_flask import app; print(app, app.test_client().get('/').text)"

    assert run(code, cwd=program, KOLBEN_APP="site_:app") == "<Flask 'site_'> Hello, World!"
    assert run(code, cwd=program, FLASK_APP="site_.py") == "<Flask 'site_'> Hello, World!"


def test_pytest_takes_it_as_a_plugin(program: pathlib.Path) -> None:
    (program / "test_site.py").write_text(
        "from site_ import app\n\n\ndef test_it():\n    assert type(app).__mro__[1].__name__ == 'Kolben'\n",
        encoding="utf-8",
    )

    ran = python("-m", "pytest", "-q", "-p", "kolben.as_flask", "-p", "no:cacheprovider", "test_site.py", cwd=program)

    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize(("option", "variable"), [(["--as-flask"], {}), ([], {"KOLBEN_AS_FLASK": "1"})])
def test_the_kolben_command_takes_it(program: pathlib.Path, option: list[str], variable: dict[str, str]) -> None:
    ran = python("-m", "kolben", *option, "--app", "site_", "routes", cwd=program, **variable)

    assert "index" in ran.stdout, ran.stderr


def test_the_flask_command_is_there(program: pathlib.Path) -> None:
    ran = python("-m", "kolben.as_flask", "-m", "flask", "--app", "site_", "routes", cwd=program)

    assert "index" in ran.stdout, ran.stderr
    assert "Flask 3.1.3" in python("-m", "kolben.as_flask", "-m", "flask", "--version").stdout
