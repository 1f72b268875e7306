"""Flask, see ``flasklike``."""

from __future__ import annotations

import typing as t

import flask

from apps import flasklike


def wsgi(kind: str) -> t.Any:
    return flasklike.make(flask, flask.Flask, kind)
