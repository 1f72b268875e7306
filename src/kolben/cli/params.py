"""Types of options that Click has not: a certificate, and a list of paths."""

from __future__ import annotations

import typing as t

import click

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    Certificate: t.TypeAlias = ssl.SSLContext | tuple[str, str | None] | str


class CertParamType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only in newer Clicks
    """A certificate: an existing file, the word ``adhoc``, or the import name of an :class:`ssl.SSLContext`."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> t.Any:
        try:
            import ssl
        except ImportError:
            raise click.BadParameter(
                'Using "--cert" requires Python to be compiled with SSL support.', ctx, param
            ) from None
        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            from werkzeug.utils import import_string

            name = click.STRING(value, param, ctx).lower()
            if name == "adhoc":
                return _check_adhoc(name, param, ctx)
            found = import_string(name, silent=True)
            if isinstance(found, ssl.SSLContext):
                return found
            raise


def _check_adhoc(name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
    try:
        import cryptography  # type: ignore[import-not-found,unused-ignore]  # optional # noqa: F401
    except ImportError:
        raise click.BadParameter("Using ad-hoc certificates requires the cryptography library.", ctx, param) from None
    return name


def validate_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check ``--key`` against ``--cert``, and make that the pair ``(cert, key)`` where both are files."""
    cert = ctx.params.get("cert")
    is_adhoc = cert == "adhoc"
    is_context = bool(cert) and not isinstance(cert, str)
    if value is None:
        if cert and not is_adhoc and not is_context:
            raise click.BadParameter('Required when using "--cert".', ctx, param)
        return None
    if is_adhoc:
        raise click.BadParameter('When "--cert" is "adhoc", "--key" is not used.', ctx, param)
    if is_context:
        raise click.BadParameter('When "--cert" is an SSLContext object, "--key" is not used.', ctx, param)
    if not cert:
        raise click.BadParameter('"--cert" must also be specified.', ctx, param)
    ctx.params["cert"] = cert, value
    return value


class SeparatedPathType(click.Path):
    """Paths in one value, separated as the system separates those of ``PATH``; each is checked as a path."""

    def convert(self, value: t.Any, param: click.Parameter | None, ctx: click.Context | None) -> t.Any:
        items: Sequence[str] = self.split_envvar_value(value)
        convert = super().convert
        return [convert(item, param, ctx) for item in items]
