"""Quart, see ``flasklike``."""

from __future__ import annotations

import typing as t

import quart

from apps import flasklike


def asgi(kind: str) -> t.Any:
    return flasklike.make_async(quart, quart.Quart, kind)
