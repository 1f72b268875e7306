"""Cookies: the ``Cookie`` header read, the ``Set-Cookie`` header written (:rfc:`6265`, as Werkzeug understands it)."""

from __future__ import annotations

import re
import typing as t
from time import gmtime, time

from werkzeug.http import dump_cookie as werkzeug_dump_cookie
from werkzeug.http import http_date

from .urlencoded import M, Parameters, filled, group

if t.TYPE_CHECKING:
    from datetime import datetime, timedelta

# One crumb up to and with its semicolon, or else whatever stands there, which is skipped.
# NOTE: every quantifier is possessive: nothing that was passed is looked at twice, so that reading is linear in the
# header. Nothing is lost by it, since no two neighbouring parts can begin with the same character.
_CRUMB = re.compile(
    r"""
    [ \t]*+
    ([^ \t=";]++)                       # name
    (?:
        [ \t]*+ = [ \t]*+
        ( "(?:[^\\"]|\\.)*+" | [^ \t";]*+ )  # value, quoted or not
    )?+
    [ \t]*+
    (?: ; | \Z )
    |
    [^;]*+ ;?+
    """,
    re.ASCII | re.VERBOSE,
)
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2}|.)")

_is_plain_name = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_NAME = re.compile(r"[^\x00-\x20\x7f=;\"]+")
_is_plain_value = re.compile(r"[!#$%&'()*+\-./:<=>?@\[\]^_`{|}~0-9A-Za-z]*").fullmatch
_is_plain_path = re.compile(r"[A-Za-z0-9/._~%!$&'()*+,:=@\-]*").fullmatch
_DOMAIN = re.compile(r"[\w.\-]*(?::[0-9]*)?")
_ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f;]*")
_UNESCAPED = {n: f"\\{n:03o}" for n in range(0x1A, 0x20)}
_SAME_SITE = frozenset({None, "Strict", "Lax", "None"})


def parse_cookies(header: str) -> list[tuple[str, str]]:
    """Return the cookies of a ``Cookie`` header in order, as pairs of name and value.

    Repeated names are kept; cookies without a name, and text that is no cookie, are left out. Takes time linear in the
    length of the header.

    :param header: decoded as latin-1; several headers are joined by ``"; "`` first (:rfc:`9113#section-8.2.3`).
    :raise ValueError: if it is not UTF-8.

    >>> parse_cookies('a=1; b="x\\\\073y"; =nameless; a=2')
    [('a', '1'), ('b', 'x;y'), ('a', '2')]
    """
    if not header.isascii():
        header = header.encode("latin-1").decode()
    if '"' in header:
        return [(name, _unquote(value)) for name, value in _CRUMB.findall(header) if name]
    return [crumb for crumb in _CRUMB.findall(header) if crumb[0]]


def read_cookies(cls: type[M], header: str) -> M:
    """The cookies of a ``Cookie`` header as a multi-dict: ``cls(parse_cookies(header))``."""
    # PERF: benchmarks/inprocess.py, kind "cookies". Blanks stand behind semicolons alone in what browsers send: then
    # every crumb is what is between two semicolons.
    crumbs = header.split("; ")
    ends = len(crumbs) - 1
    is_plain = header.count(" ") == ends and header.count(";") == ends and header.isascii()
    if not is_plain or '"' in header or "\t" in header or cls is not Parameters:
        return group(cls, parse_cookies(header))
    values: dict[str, list[str]] = {}
    for crumb in crumbs:
        name, _, value = crumb.partition("=")
        if name in values:
            values[name].append(value)
        else:
            values[name] = [value]
    values.pop("", None)
    return filled(cls, values)


def _unquote(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _ESCAPED.sub(_unescape, value[1:-1].encode()).decode(errors="replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    return escaped if len(escaped) == 1 else bytes((int(escaped, 8),))


def dump_cookie(
    key: str,
    value: str = "",
    max_age: timedelta | int | None = None,
    expires: str | datetime | int | float | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = False,
    sync_expires: bool = True,
    max_size: int = 4093,
    samesite: str | None = None,
    partitioned: bool = False,
) -> str:
    """Return the value of a ``Set-Cookie`` header: what :func:`werkzeug.http.dump_cookie` returns, or an error.

    Characters that may not stand in a value are escaped, and :func:`parse_cookies` reads them back. In a name, a path,
    a domain or a date they would end the attribute, or the header: there they are refused.

    :param max_age: in seconds.
    :param max_size: warn if the result is longer, in characters; 0 for never.
    :raise ValueError: naming the cookie and the part that cannot be sent.
    """
    # PERF: benchmarks/inprocess.py, kind "session". Ordinary arguments are assembled here, with the same result.
    if (
        domain is None
        and samesite in _SAME_SITE
        and (max_age is None or type(max_age) is int)
        and not isinstance(expires, str)
        and (path == "/" or path is None or _is_plain_path(path))
        and ((key.isascii() and key.isalnum()) or _is_plain_name(key))
        and ((value.isascii() and value.isalnum()) or _is_plain_value(value))
    ):
        if expires is None and max_age is not None and sync_expires:
            until: t.Any = _date(time() + max_age)
        else:
            until = None if expires is None else http_date(expires)
        cookie = (
            f"{key}={value}{'' if until is None else '; Expires=' + until}"
            f"{'' if max_age is None else f'; Max-Age={max_age}'}"
            f"{'; Secure' if secure or partitioned else ''}{'; HttpOnly' if httponly else ''}"
            f"{'' if path is None else '; Path=' + path}{'; SameSite=' + samesite if samesite else ''}"
            f"{'; Partitioned' if partitioned else ''}"
        )
        if not max_size or len(cookie) <= max_size:
            return cookie
    _refuse_unsafe(key, {"path": path, "expires": expires, "max_age": max_age}, domain)
    cookie = werkzeug_dump_cookie(
        key, value, max_age, expires, path, domain, secure, httponly, sync_expires, max_size, samesite, partitioned
    )
    # NOTE: Werkzeug 3.1.9 escapes the control characters up to 0x19 only. Those left can only stand in the value.
    return cookie if cookie.isprintable() else cookie.translate(_UNESCAPED)


def _date(seconds: float) -> str:
    """An HTTP date (:rfc:`9110#section-5.6.7`)."""
    if not 0 <= seconds < _LAST:
        return http_date(seconds)
    # PERF: benchmarks/inprocess.py, kind "session": the standard library takes four times as long.
    year, month, day, hour, minute, second, weekday, _, _ = gmtime(seconds)
    date = f"{_DAYS[weekday]}, {_TWO_DIGITS[day]} {_MONTHS[month - 1]} {year}"
    return f"{date} {_TWO_DIGITS[hour]}:{_TWO_DIGITS[minute]}:{_TWO_DIGITS[second]} GMT"


_LAST: t.Final = 253_402_300_799
_TWO_DIGITS: t.Final = tuple(f"{number:02}" for number in range(62))
_DAYS: t.Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: t.Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _refuse_unsafe(key: str, attributes: dict[str, object], domain: str | None) -> None:
    """Refuse what Werkzeug would pass on, or silently rewrite, although it would end an attribute or the header."""
    if _NAME.fullmatch(key) is None:
        raise ValueError(
            f"The cookie name {key!r} cannot be sent: it is empty, or contains a space, a control character or one of"
            ' = ; ". Choose a name of letters, digits, "-" and "_".'
        )
    for name, text in attributes.items():
        if isinstance(text, str) and _ATTRIBUTE.fullmatch(text) is None:
            raise ValueError(
                f"The {name!r} of the cookie {key!r} cannot be sent: {text!r} contains a control character or ';',"
                " which would end the attribute."
            )
    if domain is not None and _DOMAIN.fullmatch(domain) is None:
        raise ValueError(
            f"The 'domain' of the cookie {key!r} cannot be sent: {domain!r} is not a host name. Write it as"
            " 'example.com', without scheme and path."
        )
