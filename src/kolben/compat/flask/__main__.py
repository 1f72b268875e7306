"""``python -m flask`` in a process that has the alias: the ``flask`` command."""

from __future__ import annotations

from .cli import main

main()
