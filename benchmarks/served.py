"""The application of one framework for one kind of request, as servers import it: ``served:app``.

What it is comes from the environment: ``BENCH_FRAMEWORK``, ``BENCH_PROTOCOL`` (wsgi or asgi) and ``BENCH_KIND``.
"""

from __future__ import annotations

import importlib
import os

from kinds import KINDS

_kind = KINDS[os.environ["BENCH_KIND"]]
_module = importlib.import_module(f"apps.on_{os.environ['BENCH_FRAMEWORK']}")
app = getattr(_module, os.environ["BENCH_PROTOCOL"])(_kind.app or _kind.name)
