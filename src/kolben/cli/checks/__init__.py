"""What ``kolben check`` looks at; each check is a function that takes the application and yields findings."""

from __future__ import annotations

import typing as t

from .database import check_database
from .endpoints import check_endpoints
from .settings import check_cookies, check_debug, check_hosts, check_limits, check_origins, check_secret_key
from .templates import check_templates

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kolben.app import Kolben

    from .finding import Finding

CHECKS: dict[str, Callable[[Kolben], Iterator[Finding]]] = {
    "debug": check_debug,
    "secret-key": check_secret_key,
    "cookies": check_cookies,
    "hosts": check_hosts,
    "origins": check_origins,
    "limits": check_limits,
    "database": check_database,
    "templates": check_templates,
    "endpoints": check_endpoints,
}
"""Every check by its name, in the order of their report."""
