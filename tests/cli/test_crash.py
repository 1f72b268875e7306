"""Errors of the user's program are shown from its own file on."""

from __future__ import annotations

import os
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.cli.conftest import Command, Project


@pytest.mark.parametrize("command", ["routes", "check", "shell"])
def test_an_error_at_import(command: str, project: Project, kolben: Command) -> None:
    root = project({"app.py": "import settings\n", "settings.py": "SIZE = 1\nRATIO = SIZE / 0\n"})

    done = kolben(command)

    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "^" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{root}/app.py", line 1, in <module>',
        "    import settings",
        f'  File "{root}/settings.py", line 2, in <module>',
        "    RATIO = SIZE / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_a_file_that_does_not_compile(project: Project, kolben: Command) -> None:
    root = project({"app.py": "app = (\n"})

    done = kolben("routes")

    assert done.returncode == 1
    assert done.stderr.startswith(f'  File "{root}/app.py", line 1\n')
    assert "SyntaxError: '(' was never closed" in done.stderr


def test_a_module_that_does_not_compile(project: Project, kolben: Command) -> None:
    root = project({"app.py": "import views\n", "views.py": "def index(:\n"})

    shown = kolben("routes").stderr

    assert shown.startswith(f'Traceback (most recent call last):\n  File "{root}/app.py", line 1')
    assert f'File "{root}/views.py", line 1' in shown
    assert "kolben" not in shown


def test_an_import_error(project: Project, kolben: Command) -> None:
    root = project({"app.py": "import views\n", "views.py": "import no_such_module\n"})

    done = kolben("routes")

    assert done.returncode == 2
    before, _, shown = done.stderr.partition("While importing 'app', an ImportError was raised:\n\n")
    assert before == "Error: "
    assert shown.startswith(f'Traceback (most recent call last):\n  File "{root}/app.py", line 1')
    assert "ModuleNotFoundError: No module named 'no_such_module'" in shown


def test_an_error_in_a_factory(project: Project, kolben: Command) -> None:
    project({"app.py": "def create_app():\n    raise RuntimeError('no database')\n"})

    shown = kolben("routes").stderr

    assert shown.splitlines()[1].endswith('app.py", line 2, in create_app')
    assert shown.endswith("RuntimeError: no database\n")


def test_a_factory_that_needs_arguments(project: Project, kolben: Command) -> None:
    project({"app.py": "\ndef create_app(settings):\n    pass\n"})

    shown = kolben("routes").stderr

    assert "Detected factory 'create_app' in module 'app', but could not call it without arguments." in shown
    assert "'create_app' ('app.py', line 2): create_app() missing 1 required positional argument: 'settings'." in shown
    assert "'app:create_app(args)'" in shown


def test_an_error_in_a_command_of_the_application(project: Project, kolben: Command) -> None:
    project(
        {
            "app.py": "from kolben import Kolben\napp = Kolben(__name__)\n"
            "@app.cli.command()\ndef fill():\n    raise ValueError('no data')\n"
        }
    )

    shown = kolben("fill").stderr

    assert shown.splitlines()[1].endswith('app.py", line 5, in fill')
    assert "click" not in shown


@pytest.mark.skipif(os.name != "posix", reason="'kolben serve' needs a POSIX system")
def test_serve_does_not_start_with_a_view_that_does_not_fit(project: Project, kolben: Command) -> None:
    project(
        {
            "app.py": "from kolben import Kolben\napp = Kolben(__name__)\n"
            "@app.get('/user')\ndef user(id):\n    return ''\n"
        }
    )

    done = kolben("serve", "--workers", "1", "--bind", "127.0.0.1:0")

    assert done.returncode == 1
    assert "Error: The view function 'user' ('app.py', line 3) takes 'id', which its rule '/user' has" in done.stderr
    assert "Traceback" not in done.stderr
