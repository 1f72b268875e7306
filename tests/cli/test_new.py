"""``kolben new`` makes projects that run, whose tests pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import typing as t

import pytest

from kolben.cli import cli

if t.TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.cli.conftest import Command, Project


def test_a_project_has_all_its_parts(project: Project, runner: CliRunner) -> None:
    root = project({})

    result = runner.invoke(cli, ["new", "my-shop"])

    assert result.exit_code == 0
    made = {str(path.relative_to(root / "my-shop")) for path in (root / "my-shop").rglob("*") if path.is_file()}
    assert {
        ".gitignore",
        "README.md",
        "app.py",
        "instance/config.py",
        "my_shop/__init__.py",
        "my_shop/config.py",
        "my_shop/pages.py",
        "my_shop/static/style.css",
        "my_shop/templates/base.html",
        "pyproject.toml",
        "tests/test_pages.py",
    } < made
    assert not any(name.endswith(".tpl") for name in made)
    assert "cd my-shop\n" in result.output


def test_no_placeholder_is_left(project: Project, runner: CliRunner) -> None:
    root = project({})
    runner.invoke(cli, ["new", "shop"])

    for path in (root / "shop").rglob("*"):
        assert path.is_dir() or "%%" not in path.read_text(encoding="utf-8")
    metadata = tomllib.loads((root / "shop" / "pyproject.toml").read_text())
    assert metadata["project"]["name"] == "shop"


def test_every_project_has_a_key_of_its_own(project: Project, runner: CliRunner) -> None:
    root = project({})
    for name in ("one", "two"):
        runner.invoke(cli, ["new", name])
    keys = [(root / name / "instance" / "config.py").read_text() for name in ("one", "two")]

    assert re.search(r'SECRET_KEY = "[0-9a-f]{64}"', keys[0])
    assert keys[0] != keys[1]


def test_the_readme_makes_a_key_once(project: Project, runner: CliRunner) -> None:
    root = project({})
    runner.invoke(cli, ["new", "shop"])
    shop = root / "shop"
    (code,) = re.findall(r"^    (python -c .*)$", (shop / "README.md").read_text(), re.MULTILINE)

    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    subprocess.run(code, shell=True, cwd=shop, check=True, env={**os.environ, "PATH": path})

    made = re.fullmatch(r"KOLBEN_SECRET_KEY=[0-9a-f]{64}\n", (shop / ".env").read_text())
    assert made
    assert ".env\n" in (shop / ".gitignore").read_text()


def test_a_minimal_project_is_one_file(project: Project, runner: CliRunner) -> None:
    root = project({})

    assert runner.invoke(cli, ["new", "shop", "--minimal"]).exit_code == 0

    assert [path.name for path in (root / "shop").iterdir()] == ["app.py"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("3d", "'3d' cannot be the name of a Python package"),
        ("class", "'class' cannot be the name"),
        ("naïve", "'naïve' cannot be the name"),
        ("json", "'json' is the name of a Python module"),
        ("kolben", "'kolben' is the name of a Python module"),
        ("app", "'app' is the name of a Python module"),
    ],
)
def test_names_that_would_not_work(name: str, problem: str, project: Project, runner: CliRunner) -> None:
    root = project({})

    result = runner.invoke(cli, ["new", name])

    assert result.exit_code == 2
    assert problem in result.stderr
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["9-bad/name", "nowhere/deep/shop"])
def test_folders_around_a_project_are_not_made(name: str, project: Project, runner: CliRunner) -> None:
    root = project({})

    result = runner.invoke(cli, ["new", name])

    assert result.exit_code == 2
    assert f"There is no folder '{name.rpartition('/')[0]}' to make the project" in result.stderr
    assert list(root.iterdir()) == []


def test_nothing_is_overwritten(project: Project, runner: CliRunner) -> None:
    root = project({"shop/app.py": "mine"})

    result = runner.invoke(cli, ["new", "shop"])

    assert result.exit_code == 1
    assert "'shop' exists already and is not empty" in result.stderr
    assert [path.name for path in (root / "shop").iterdir()] == ["app.py"]


def test_an_empty_folder_is_filled(project: Project, runner: CliRunner) -> None:
    root = project({})
    (root / "work" / "shop").mkdir(parents=True)

    assert runner.invoke(cli, ["new", "work/shop"]).exit_code == 0
    assert (root / "work" / "shop" / "shop" / "pages.py").is_file()


def test_the_tests_of_a_project_pass(project: Project, kolben: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({})
    kolben("new", "shop")
    monkeypatch.chdir(root / "shop")

    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
    )

    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


@pytest.mark.parametrize("option", [[], ["--minimal"]])
def test_a_project_is_found_at_once(
    option: list[str], project: Project, kolben: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({})
    kolben("new", "shop", *option)
    monkeypatch.chdir(root / "shop")

    done = kolben("routes")

    assert (done.returncode, done.stderr) == (0, "")
    assert "index" in done.stdout


def test_a_new_project_passes_the_check(project: Project, kolben: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({})
    kolben("new", "shop")
    monkeypatch.chdir(root / "shop")

    done = kolben("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Found 0 errors, 1 warning." in done.stdout
