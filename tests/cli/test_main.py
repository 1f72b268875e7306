"""The command in processes of its own, as users start it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.cli.conftest import Command, Project


SITE = """
import click
from kolben import Blueprint, Kolben, current_app

def create_app(name="site"):
    app = Kolben(name)
    app.add_url_rule("/", endpoint="index")
    admin = Blueprint("admin", __name__)

    @admin.cli.command("who")
    @click.argument("user")
    def who(user):
        click.echo(f"{user} of {current_app.name}")

    app.register_blueprint(admin)
    return app
"""


def test_routes_of_a_factory(project: Project, kolben: Command) -> None:
    project({"app.py": SITE})

    done = kolben("routes")

    assert (done.returncode, done.stderr) == (0, "")
    assert "index     GET      /" in done.stdout


def test_a_command_of_a_blueprint(project: Project, kolben: Command) -> None:
    project({"shop.py": SITE})

    assert kolben("--app", "shop:create_app('shop')", "admin", "who", "ada").stdout == "ada of shop\n"
    assert kolben("admin", "who", "ada", FLASK_APP="shop").stdout == "ada of site\n"


def test_a_circular_import_is_readable(project: Project, kolben: Command) -> None:
    project(
        {
            "shop/__init__.py": "from kolben import Kolben\nfrom .views import bp\napp = Kolben(__name__)\n",
            "shop/views.py": "from shop import app\nbp = app\n",
        }
    )

    done = kolben("--app", "shop", "routes")

    assert done.returncode == 2
    assert "'shop' imports 'shop.views' (shop/__init__.py, line 2):\n      from .views import bp" in done.stderr
    assert "'shop.views' imports 'shop' (shop/views.py, line 1):\n      from shop import app" in done.stderr
    assert "kolben/cli" not in done.stderr


def test_a_syntax_error_is_shown(project: Project, kolben: Command) -> None:
    project({"app.py": "from kolben import Kolben\napp = Kolben(\n"})

    done = kolben("routes")

    assert done.returncode == 1
    assert "SyntaxError: '(' was never closed" in done.stderr


def test_shell_completion(project: Project, kolben: Command) -> None:
    project({"app.py": SITE})

    def complete(typed: str) -> list[str]:
        words = {"_PYTHON _M KOLBEN_COMPLETE": "zsh_complete", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
        return kolben(**words).stdout.splitlines()[1::3]

    assert complete("kolben ro") == ["routes"]
    assert complete("kolben ad") == ["admin"]
    assert complete("kolben admin ") == ["who"]
    assert "--sort" in complete("kolben routes --")
