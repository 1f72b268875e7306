from __future__ import annotations

from tests.security.raw import raw

__all__ = ["raw"]
