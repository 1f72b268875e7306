"""Checks of the templates."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from jinja2 import FunctionLoader

from kolben import Blueprint, Kolben
from kolben.cli.checks.templates import check_templates


def problems(app: Kolben, **templates: str) -> list[str]:
    folder = Path(app.root_path, "templates")
    folder.mkdir(exist_ok=True)
    for name, text in templates.items():
        (folder / f"{name}.html").write_text(text)
    with app.app_context():
        return [finding.problem for finding in check_templates(app)]


def test_templates_without_fault(sound: Kolben) -> None:
    sound.add_url_rule("/", endpoint="index")

    found = problems(
        sound,
        base="{% block body %}{% endblock %}",
        page="{% extends 'base.html' %}{% block body %}{{ url_for('index') }}{{ url_for('.own') }}{% endblock %}",
        partial="{% include 'maybe.html' ignore missing %}{% include name %}{{ url_for(name) }}{{ other('index') }}",
    )

    assert found == []


def test_an_application_without_templates_is_fine(sound: Kolben) -> None:
    assert list(check_templates(sound)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\n{% if %}", "In line 2 of the template 'page.html': TemplateSyntaxError"),
        ("{{ name|nonsense }}", "No filter named 'nonsense'"),
        ("{{ name is nonsense }}", "No test named 'nonsense'"),
        ("\n{% extends 'nowhere.html' %}", "Line 2 of the template 'page.html' needs the template 'nowhere.html'"),
        ("{% include 'nowhere.html' %}", "needs the template 'nowhere.html', which is missing"),
        ("{% from 'nowhere.html' import field %}", "needs the template 'nowhere.html', which is missing"),
        ("{{ url_for('nowhere', id=1) }}", "Line 1 of the template 'page.html' links to 'nowhere'"),
    ],
)
def test_faults_are_found(text: str, problem: str, sound: Kolben) -> None:
    (found,) = problems(sound, page=text)

    assert problem in found


def test_filters_of_the_application_are_known(sound: Kolben) -> None:
    sound.template_filter("shout")(str.upper)

    assert problems(sound, page="{{ name|shout }}") == []


def test_templates_of_blueprints_are_checked(sound: Kolben, tmp_path: Path) -> None:
    folder = tmp_path / "blueprint"
    folder.mkdir()
    (folder / "broken.html").write_text("{{")
    sound.register_blueprint(Blueprint("admin", "site", root_path=str(tmp_path), template_folder="blueprint"))

    (found,) = problems(sound)

    assert "the template 'broken.html'" in found


def test_files_that_are_no_text_are_left_alone(sound: Kolben) -> None:
    assert problems(sound) == []
    Path(sound.root_path, "templates", "logo.png").write_bytes(b"\x89PNG\xff{{")

    assert problems(sound) == []


def test_endpoints_that_only_a_handler_knows(sound: Kolben) -> None:
    sound.url_build_error_handlers.append(lambda error, endpoint, values: "/elsewhere")

    assert problems(sound, page="{{ url_for('elsewhere') }}") == []


def test_a_loader_that_cannot_list_is_left_alone(sound: Kolben) -> None:
    def create_loader() -> t.Any:
        return FunctionLoader(lambda name: "{{")

    sound.create_global_jinja_loader = create_loader  # type: ignore[method-assign]

    assert list(check_templates(sound)) == []
