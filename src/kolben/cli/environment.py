"""The environment variables that the command line reads and sets: ``KOLBEN_*``, and ``FLASK_*`` beside them."""

from __future__ import annotations

import os

import click

PREFIXES = ("KOLBEN", "FLASK")
"""The prefixes that are read, the one that wins first."""

written_prefix = "KOLBEN"
"""The prefix under which :func:`write_env` sets a variable; the alias puts Flask's here."""

_FALSE = frozenset({"0", "false", "no"})


def read_env(name: str) -> str | None:
    """Return the value of ``KOLBEN_<name>``, else of ``FLASK_<name>``, else ``None``; empty is unset."""
    for prefix in PREFIXES:
        if value := os.environ.get(f"{prefix}_{name}"):
            return value
    return None


def write_env(name: str, value: str) -> None:
    """Set ``KOLBEN_<name>``, and ``FLASK_<name>`` too where it is set already, so that both keep saying the same."""
    os.environ[f"{written_prefix}_{name}"] = value
    for prefix in PREFIXES:
        if f"{prefix}_{name}" in os.environ:
            os.environ[f"{prefix}_{name}"] = value


def read_flag(name: str, default: bool = False) -> bool:
    """Return whether ``KOLBEN_<name>`` or ``FLASK_<name>`` is set to anything but ``0``, ``false`` or ``no``."""
    value = read_env(name)
    return default if value is None else value.lower() not in _FALSE


class EnvOption(click.Option):
    """An option that may be given by environment variables of either prefix: ``KOLBEN_RUN_PORT`` or ``FLASK_RUN_PORT``.

    Only where the group's own prefix is one of :data:`PREFIXES`; a group with another one keeps to that.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        prefix, separator, rest = (ctx.auto_envvar_prefix or "").partition("_")
        if self.envvar or not self.allow_from_autoenv or not self.name or prefix not in PREFIXES:
            return super().resolve_envvar_value(ctx)
        return read_env(f"{rest}{separator}{self.name.upper()}")
