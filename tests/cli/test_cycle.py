"""A circular import is told as the cycle it is."""

from __future__ import annotations

import importlib
import sys
import typing as t

import pytest

from kolben.cli.cycle import describe_cycle, find_cycle

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Project


def fail_to_import(name: str, root: Path) -> ImportError | AttributeError:
    sys.path.insert(0, str(root))
    with pytest.raises((ImportError, AttributeError)) as caught:
        importlib.import_module(name)
    assert isinstance(caught.value, (ImportError, AttributeError))
    return caught.value


def test_two_modules(project: Project) -> None:
    root = project(
        {"loop_a.py": "\nfrom loop_b import two\none = 1\n", "loop_b.py": "from loop_a import one\ntwo = 2\n"}
    )

    exc = fail_to_import("loop_a", root)

    assert [(step.module, step.line, step.source) for step in find_cycle(exc)] == [
        ("loop_a", 2, "from loop_b import two"),
        ("loop_b", 1, "from loop_a import one"),
    ]
    text = describe_cycle(exc)
    assert text is not None
    assert "'loop_a' imports 'loop_b' (loop_a.py, line 2):\n      from loop_b import two" in text
    assert "'loop_b' imports 'loop_a' (loop_b.py, line 1)" in text
    assert "asked 'loop_a' for 'one'" in text


def test_modules_that_only_lead_to_the_cycle_are_left_out(project: Project) -> None:
    root = project(
        {
            "shop/__init__.py": "",
            "shop/main.py": "from . import app\n",
            "shop/app.py": "from .views import bp\ndb = 1\n",
            "shop/views.py": "from .models import User\nbp = 1\n",
            "shop/models.py": "from shop.app import db\nUser = 1\n",
        }
    )

    modules = [step.module for step in find_cycle(fail_to_import("shop.main", root))]

    assert modules == ["shop.app", "shop.views", "shop.models"]


def test_an_attribute_of_a_half_loaded_module(project: Project) -> None:
    root = project({"half_a.py": "import half_b\none = 1\n", "half_b.py": "import half_a\ntwo = half_a.one\n"})

    exc = fail_to_import("half_a", root)

    assert isinstance(exc, AttributeError)
    assert [step.module for step in find_cycle(exc)] == ["half_a", "half_b"]


def test_an_import_inside_a_function_that_runs_at_import(project: Project) -> None:
    root = project(
        {
            "late_app.py": "def create_app():\n    import late_views\n\napp = create_app()\n",
            "late_views.py": "from late_app import app\n",
        }
    )

    assert [(step.module, step.line) for step in find_cycle(fail_to_import("late_app", root))] == [
        ("late_app", 2),
        ("late_views", 1),
    ]


def test_a_module_that_hides_a_library_imports_itself(project: Project) -> None:
    root = project({"stripe_client.py": "from stripe_client import Client\n"})

    text = describe_cycle(fail_to_import("stripe_client", root))

    assert text is not None
    assert "The module 'stripe_client' imports itself" in text
    assert "'stripe_client.py' has its name and hides it" in text


def test_any_other_error_is_no_cycle(project: Project) -> None:
    root = project({"plain_error.py": "from os import no_such_name\n"})

    exc = fail_to_import("plain_error", root)

    assert find_cycle(exc) == []
    assert describe_cycle(exc) is None
