"""``kolben serve``: the production server."""

from __future__ import annotations

import os
import sys
import typing as t

import click
from click.core import ParameterSource

from kolben.dispatch.fit import check_views

from .environment import PREFIXES, EnvOption
from .options import debug_option
from .script import ScriptInfo, pass_script_info

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from kolben.app import Kolben
    from kolben.server.production.choices import Choices

F = t.TypeVar("F", bound="Callable[..., t.Any]")

_SECONDS = click.FloatRange(min=0)
_COUNT = click.IntRange(min=1)
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


def _check_proxies(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        from kolben.server.proxies import Proxies

        try:
            Proxies(value)
        except ValueError as exc:
            raise click.BadParameter(str(exc), ctx, param) from None
    return value


def _check_loop(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value == "uvloop":
        from kolben.server.loop import why_no_uvloop

        if reason := why_no_uvloop():
            raise click.BadParameter(
                f"{reason}. Install it by 'pip install \"kolben[uvloop]\"', or use '--loop asyncio'.", ctx, param
            )
    return value


def _option(*names: str, **settings: t.Any) -> Callable[[F], F]:
    return click.option(*names, cls=EnvOption, **settings)


@click.command("serve", short_help="Run the production server.")
@_option("--bind", "-b", multiple=True, help="Listen on 'host:port', '[IPv6 address]:port' or 'unix:path'. Repeatable.")
@_option("--workers", "-w", type=_COUNT, help="Processes. By default as many as processors and memory allow.")
@_option("--protocol", type=click.Choice(["auto", "wsgi", "asgi"]), help="What of the application is served.")
@_option(
    "--loop",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    callback=_check_loop,
    help="The event loop of each worker. By default uvloop's where uvloop is installed.",
)
@_option("--threads", type=_COUNT, help="Threads for sync views in each worker.")
@_option("--cert", type=_FILE, help="A certificate file to use HTTPS, with all but the root's certificate.")
@_option("--key", type=_FILE, help="The key file of the certificate.")
@_option("--http", type=click.Choice(["auto", "1", "2"]), help="Versions of HTTP.")
@_option("--access-log", type=click.Choice(["human", "json"]), help="Print a line for each request.")
@_option(
    "--proxies",
    metavar="N|NETWORK,...",
    callback=_check_proxies,
    help="How many proxies are in front, or their addresses and networks: their X-Forwarded and Forwarded headers are"
    " believed. Unset, nobody's are.",
)
@_option("--body-timeout", type=_SECONDS, help="Seconds to wait for the body of a request; 0 for no limit.")
@_option("--body-min-rate", type=_SECONDS, help="Bytes a second that a body must bring; 0 for no limit.")
@_option("--header-timeout", type=click.FloatRange(min=0.1), help="Seconds to wait for the head of a request.")
@_option("--keep-alive/--no-keep-alive", default=None, help="Whether connections are used again.")
@_option("--max-requests", type=_COUNT, help="Replace a worker after so many requests.")
@_option("--max-requests-jitter", type=click.IntRange(min=0), help="And up to so many more, at random.")
@_option("--max-rss", type=_COUNT, metavar="MIB", help="Replace a worker that has more memory resident.")
@_option("--grace", type=_SECONDS, help="Seconds that requests under way have when a worker stops.")
@_option("--linger", type=_SECONDS, help="Seconds that a stopping server still answers on open connections.")
@_option("--backlog", type=_COUNT, help="Connections that may wait to be accepted.")
@_option("--backpressure", type=_COUNT, help="Connections that a worker has open at once.")
@_option("--pid-file", type=click.Path(dir_okay=False), help="Write the number of the server's process there.")
@click.option("--explain", is_flag=True, help="Print every setting with its reason, and exit.")
@pass_script_info
def serve_command(info: ScriptInfo, /, explain: bool, **given: t.Any) -> None:
    """Run the production server.

    SIGTERM and SIGINT end it: requests under way are finished. SIGHUP replaces the workers by ones with the code as it
    is then, without losing a request.
    """
    from kolben.server.production import serve as production
    from kolben.server.production.choices import Choices
    from kolben.server.production.machine import Machine

    if os.name != "posix":
        raise click.ClickException("'kolben serve' needs a POSIX system. 'kolben run' runs everywhere.")
    if bool(given["cert"]) != bool(given["key"]):
        raise click.UsageError("'--cert' and '--key' belong together: give both or neither.")
    if given["cert"]:
        _check_certificate(given["cert"], given["key"])
    is_worker = production.is_worker()
    if is_worker:
        production.prepare_worker()
    ctx = click.get_current_context()
    choices = Choices(_with_web_concurrency(given), _sources(ctx, given), Machine())
    if explain:
        _explain(choices, _load_app(info))
    elif is_worker:
        production.work(lambda: _load_app(info), choices)
    else:
        _refuse_debug(os.environ.get("KOLBEN_DEBUG") or os.environ.get("FLASK_DEBUG"))
        try:
            sys.exit(production.supervise(choices))
        except production.CannotStartError as exc:
            raise click.ClickException(str(exc)) from None


serve_command.params.insert(0, debug_option)


def _sources(ctx: click.Context, given: dict[str, t.Any]) -> dict[str, str]:
    """Where each of the values that were given comes from, by the option's name."""
    sources = {}
    for param in ctx.command.params:
        name = param.name or ""
        if name not in given or given[name] is None or given[name] == ():
            continue
        source = ctx.get_parameter_source(name)
        if source is ParameterSource.ENVIRONMENT:
            variables = [f"{prefix}_SERVE_{name.upper()}" for prefix in PREFIXES]
            sources[name] = next((variable for variable in variables if os.environ.get(variable)), variables[0])
        elif source is ParameterSource.COMMANDLINE:
            sources[name] = param.opts[0]
    if "workers" not in sources and given["workers"] is not None:
        sources["workers"] = "WEB_CONCURRENCY"
    return sources


def _with_web_concurrency(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """The values, with what platforms tell all servers about the number of their processes."""
    told = os.environ.get("WEB_CONCURRENCY", "")
    if given["workers"] is None and told.isdecimal() and int(told):
        given["workers"] = int(told)
    return given


def _check_certificate(cert: str, key: str) -> None:
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as exc:
        raise click.UsageError(f"The certificate {cert!r} cannot be used with the key {key!r}: {exc}") from None


def _load_app(info: ScriptInfo) -> Kolben:
    app = info.load_app()
    # NOTE: the command has set the application's flag as the environment says; what the code asks for counts too.
    _refuse_debug(app.debug or info.own_debug)
    try:
        # NOTE: here a new worker does not start, and old ones go on; later every request would fail.
        check_views(app, app.plans(on_loop=False))
    except TypeError as exc:
        raise click.ClickException(str(exc)) from None
    return app


def _refuse_debug(debug: t.Any) -> None:
    if debug and str(debug).lower() not in {"0", "false", "no"}:
        raise click.UsageError(
            "Debug mode is on, and this server is for production: errors would show source code and variables to"
            " visitors. Unset KOLBEN_DEBUG and FLASK_DEBUG, do not set app.debug or DEBUG in the code, and leave out"
            " '--debug'; or use 'kolben run'."
        )


def _explain(choices: Choices, app: Kolben) -> None:
    from kolben.server.loop import choose_loop
    from kolben.server.protocol import choose

    if choices.value("protocol") == "auto":
        protocol, reason = choose(app)
        choices["protocol"] = choices["protocol"]._replace(value=protocol, reason=f"auto: {reason}")
    if choices.value("loop") == "auto":
        loop, reason = choose_loop()
        choices["loop"] = choices["loop"]._replace(value=loop, reason=f"auto: {reason}")
    for name in ("body_timeout", "body_min_rate"):
        if choices.value(name) is None:
            choices[name] = choices[name]._replace(value=app.config.get(name.upper()))
    shown = {name.replace("_", "-"): _shown(choice.value) for name, choice in choices.items()}
    wide, wider = max(map(len, shown)), max(map(len, shown.values()))
    for (name, value), choice in zip(shown.items(), choices.values(), strict=True):
        click.echo(f"{name:<{wide}}  {value:<{wider}}  {choice.reason}")


def _shown(value: t.Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
