"""Environment variables come from ``--env-file``, ``.env`` and ``.flaskenv``, in this order, and only where unset."""

from __future__ import annotations

import os
import sys
import typing as t

import pytest

from kolben.cli import load_dotenv

if t.TYPE_CHECKING:
    from tests.cli.conftest import Project


FILES = {
    ".flaskenv": "SITE_A=flaskenv\nSITE_B=flaskenv\nSITE_C=flaskenv\n",
    ".env": "SITE_B=env\nSITE_C=env\nSITE_D='火腿'\n",
    "own.env": "SITE_C=own\n",
}


def test_files_are_combined(project: Project) -> None:
    project(FILES)
    os.environ["SITE_A"] = "set before"

    assert load_dotenv("own.env")

    assert [os.environ[f"SITE_{name}"] for name in "ABCD"] == ["set before", "env", "own", "火腿"]


def test_files_are_found_in_a_folder_above(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project({**FILES, "inner/deep/note.txt": ""})
    monkeypatch.chdir(root / "inner" / "deep")

    assert load_dotenv()

    assert os.environ["SITE_A"] == "flaskenv"
    assert os.getcwd() == str(root / "inner" / "deep")


def test_the_default_files_can_be_left_out(project: Project) -> None:
    project(FILES)

    assert load_dotenv("own.env", load_defaults=False)

    assert "SITE_A" not in os.environ


def test_a_file_that_is_not_there_is_skipped(project: Project) -> None:
    project({})

    assert not load_dotenv("missing.env")


def test_a_name_without_a_value_sets_nothing(project: Project) -> None:
    project({".env": "SITE_EMPTY\n"})

    load_dotenv()

    assert "SITE_EMPTY" not in os.environ


def test_without_python_dotenv_there_is_a_tip(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(FILES)
    monkeypatch.setitem(sys.modules, "dotenv", None)

    assert not load_dotenv()

    assert "Install python-dotenv" in capsys.readouterr().err
    assert "SITE_A" not in os.environ
