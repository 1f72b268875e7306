"""The application of a module is found by name, by type, or by calling a factory."""

from __future__ import annotations

import sys
import typing as t
from types import ModuleType

import pytest

from kolben import Kolben
from kolben.cli import NoAppException, find_app_by_string, find_best_app, locate_app, prepare_import
from kolben.cli.discovery import load_app

if t.TYPE_CHECKING:
    from tests.cli.conftest import Project


def module(**names: t.Any) -> ModuleType:
    made = ModuleType("site")
    made.__dict__.update(names)
    return made


@pytest.mark.parametrize("name", ["app", "application", "anything"])
def test_an_instance_is_found(name: str) -> None:
    app = Kolben("site")

    assert find_best_app(module(**{name: app})) is app


def test_app_wins_over_other_instances_and_factories() -> None:
    app, other = Kolben("site"), Kolben("other")

    assert find_best_app(module(other=other, app=app, create_app=lambda: other)) is app


@pytest.mark.parametrize("name", ["create_app", "make_app"])
def test_a_factory_is_called(name: str) -> None:
    def create(**options: t.Any) -> Kolben:
        return Kolben("made")

    assert find_best_app(module(**{name: create})).name == "made"


def test_several_instances_are_ambiguous() -> None:
    with pytest.raises(NoAppException, match=r"multiple Kolben applications.*'site:name'"):
        find_best_app(module(first=Kolben("first"), second=Kolben("second")))


def test_a_module_without_an_application_is_an_error() -> None:
    with pytest.raises(NoAppException, match="Failed to find"):
        find_best_app(module(app="a string"))


def test_a_factory_that_returns_none_says_what_it_lacks() -> None:
    def create_app() -> None:
        Kolben("site")

    expected = r"The factory 'create_app' \('.*test_discovery.py', line \d+\) returned None .* it lacks 'return app'"
    with pytest.raises(NoAppException, match=expected):
        find_best_app(module(create_app=create_app))
    with pytest.raises(NoAppException, match=expected):
        find_app_by_string(module(create_app=create_app), "create_app()")


def test_a_file_that_is_missing_is_said_to_be(project: Project) -> None:
    project({})
    with pytest.raises(NoAppException, match=r"There is no file 'nowhere.py'. The current directory is '/"):
        load_app("nowhere.py")


def test_a_factory_that_wants_arguments_says_how_to_give_them() -> None:
    def create_app(config: str) -> Kolben:
        return Kolben(config)

    with pytest.raises(NoAppException, match=r"'site:create_app\(args\)'"):
        find_best_app(module(create_app=create_app))


def test_a_type_error_inside_a_factory_stays_one() -> None:
    def create_app() -> Kolben:
        raise TypeError("the factory's own")

    with pytest.raises(TypeError, match="the factory's own"):
        find_best_app(module(create_app=create_app))
    with pytest.raises(TypeError, match="the factory's own"):
        find_app_by_string(module(create_app=create_app), "create_app()")


@pytest.mark.parametrize(
    ("app_name", "expected"),
    [
        ("app", "site"),
        ("create", "default-None"),
        ("create()", "default-None"),
        (" create ('a', ) ", "a-None"),
        ("create('a', size=[1, 2])", "a-[1, 2]"),
    ],
)
def test_an_application_is_found_by_string(app_name: str, expected: str) -> None:
    def create(name: str = "default", size: t.Any = None) -> Kolben:
        return Kolben(f"{name}-{size}")

    assert find_app_by_string(module(app=Kolben("site"), create=create), app_name).import_name == expected


@pytest.mark.parametrize(
    ("app_name", "message"),
    [
        ("missing", "Failed to find attribute 'missing' in 'site'"),
        ("create(", "Failed to parse"),
        ("app.name", "Failed to parse"),
        ("package.create()", "must be a simple name"),
        ("create(__import__('os'))", "as literal values"),
        ("create(1, 2, 3)", "could not be called with the specified arguments"),
        ("text", "was not obtained from 'site:text', but an object of type 'str'"),
    ],
)
def test_a_string_that_gives_no_application_is_an_error(app_name: str, message: str) -> None:
    def create(one: int, two: int = 2) -> Kolben:
        return Kolben("site")

    with pytest.raises(NoAppException, match=message):
        find_app_by_string(module(app=Kolben("site"), create=create, text="an application, almost"), app_name)


@pytest.mark.parametrize(
    ("path", "name", "folder"),
    [
        ("hello", "hello", "."),
        ("hello.py", "hello", "."),
        ("hello.views", "hello.views", "."),
        ("sub/hello.py", "hello", "sub"),
        ("package/__init__.py", "package", "."),
        ("package/inner/__init__", "package.inner", "."),
        ("package/inner/views.py", "package.inner.views", "."),
        ("package/notes.txt", "package.notes.txt", "."),
    ],
)
def test_a_path_becomes_an_import_name(path: str, name: str, folder: str, project: Project) -> None:
    root = project({"package/__init__.py": "", "package/inner/__init__.py": ""})

    assert prepare_import(path) == name
    assert sys.path[0] == str((root / folder).resolve())


def test_a_missing_module_is_an_error_or_nothing(project: Project) -> None:
    project({})

    with pytest.raises(NoAppException, match="Could not import 'nowhere_to_be_found'"):
        locate_app("nowhere_to_be_found", None)
    assert locate_app("nowhere_to_be_found", None, raise_if_not_found=False) is None


def test_an_import_error_of_the_user_is_shown_with_its_traceback(project: Project) -> None:
    project({"site_broken.py": "import os\nimport no_such_library\n"})
    prepare_import("site_broken.py")

    with pytest.raises(NoAppException) as caught:
        locate_app("site_broken", None, raise_if_not_found=False)

    message = caught.value.format_message()
    assert message.startswith("While importing 'site_broken', an ImportError was raised:\n\nTraceback")
    assert 'site_broken.py", line 2' in message
    assert message.endswith("ModuleNotFoundError: No module named 'no_such_library'")
    assert "discovery.py" not in message


def test_without_flask_the_alias_is_suggested(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project({"flask_site.py": "from flask import Flask\n"})
    monkeypatch.setitem(sys.modules, "flask", None)
    prepare_import("flask_site.py")

    with pytest.raises(NoAppException, match="written for Flask, run it with 'kolben --as-flask'"):
        locate_app("flask_site", None)


def test_for_an_application_of_flask_the_alias_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoAppException, match=r"specify one\.$"):
        find_best_app(module())

    monkeypatch.setitem(sys.modules, "flask", ModuleType("flask"))
    with pytest.raises(NoAppException, match="run it with 'kolben --as-flask'"):
        find_best_app(module())
    with pytest.raises(NoAppException, match="run it with 'kolben --as-flask'"):
        find_app_by_string(module(app="of Flask"), "app")


def test_any_other_error_of_the_user_passes(project: Project) -> None:
    project({"site_raises.py": "''.no_such_method()\n"})
    prepare_import("site_raises.py")

    with pytest.raises(AttributeError, match="no_such_method"):
        locate_app("site_raises", None)


def test_a_circular_import_is_shown_as_the_cycle(project: Project) -> None:
    project({"ring_app.py": "import ring_views\ndb = 1\n", "ring_views.py": "import ring_app\nring_app.db\n"})
    prepare_import("ring_app.py")

    with pytest.raises(NoAppException) as caught:
        locate_app("ring_app", None)

    message = caught.value.format_message()
    assert "an AttributeError was raised" in message
    assert "'ring_app' imports 'ring_views' (ring_app.py, line 1)" in message


@pytest.mark.parametrize("name", ["wsgi.py", "app.py"])
def test_the_default_files_are_tried(name: str, project: Project) -> None:
    project({name: "from kolben import Kolben\nsite = Kolben('found')\n"})

    app = load_app(None)

    assert app is not None
    assert app.import_name == "found"


def test_no_default_file_is_no_application(project: Project) -> None:
    project({})

    assert load_app(None) is None


@pytest.mark.parametrize("suffix", ["", ":", ":site", ":make('found')"])
def test_an_import_path_names_file_and_application(suffix: str, project: Project) -> None:
    root = project(
        {"hello_site.py": "from kolben import Kolben\nsite = Kolben('found')\ndef make(name): return Kolben(name)\n"}
    )

    for path in ("hello_site", "hello_site.py", str(root / "hello_site.py")):
        app = load_app(path + suffix)
        assert app is not None
        assert app.import_name == "found"
