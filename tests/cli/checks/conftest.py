"""An application without faults, to make one in."""

from __future__ import annotations

import pytest

from kolben import Kolben


@pytest.fixture
def sound(tmp_path: object) -> Kolben:
    """An application that every check passes; its root is an empty folder."""
    app = Kolben("site", root_path=str(tmp_path))
    app.config.update(SECRET_KEY="5f1d0c9a7be24836", TRUSTED_HOSTS=["example.org"])
    return app
