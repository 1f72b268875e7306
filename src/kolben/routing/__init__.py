"""Routing: URLs to rules and values, and back. The API is Werkzeug's; what is under it is compiled.

``Map``, ``Rule`` and ``MapAdapter`` derive from Werkzeug's classes of these names, everything else is Werkzeug's own,
so that ``isinstance`` and ``except`` hold for both. :mod:`kolben.routing.matcher` says how a request is matched
without an adapter, :meth:`Map.build_path` how a URL is built without one.
"""

from __future__ import annotations

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import (
    BuildError,
    NoMatch,
    RequestAliasRedirect,
    RequestPath,
    RequestRedirect,
    RoutingException,
    WebsocketMismatch,
)

from .adapter import MapAdapter, no_rule
from .converters import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    UnicodeConverter,
    UUIDConverter,
    ValidationError,
)
from .map import Map
from .matcher import Matcher
from .outcomes import AliasRedirect, NoRule, PathRedirect, RuleRedirect, Unmatched
from .rules import (
    EndpointPrefix,
    Rule,
    RuleFactory,
    RuleTemplate,
    RuleTemplateFactory,
    Subdomain,
    Submount,
    parse_converter_args,
)

__all__ = [
    "AliasRedirect",
    "AnyConverter",
    "BaseConverter",
    "BuildError",
    "EndpointPrefix",
    "FloatConverter",
    "IntegerConverter",
    "Map",
    "MapAdapter",
    "Matcher",
    "MethodNotAllowed",
    "NoMatch",
    "NoRule",
    "NotFound",
    "PathConverter",
    "PathRedirect",
    "RequestAliasRedirect",
    "RequestPath",
    "RequestRedirect",
    "RoutingException",
    "Rule",
    "RuleFactory",
    "RuleRedirect",
    "RuleTemplate",
    "RuleTemplateFactory",
    "Subdomain",
    "Submount",
    "UUIDConverter",
    "UnicodeConverter",
    "Unmatched",
    "ValidationError",
    "WebsocketMismatch",
    "no_rule",
    "parse_converter_args",
]
