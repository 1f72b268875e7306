"""Kolben, see ``flasklike``."""

from __future__ import annotations

import typing as t

import kolben
from apps import flasklike


def wsgi(kind: str) -> t.Any:
    return flasklike.make(kolben, kolben.Kolben, kind)


def asgi(kind: str) -> t.Any:
    return flasklike.make_async(kolben, kolben.Kolben, kind)
