"""Why a path is not answered by a rule alone: what the matcher raises, and :meth:`MapAdapter.explain` makes HTTP of.

They are cheap, know nothing of hosts, schemes or queries, and never reach a client. Each is Werkzeug's class of the
same meaning too, where it has one.
"""

from __future__ import annotations

import typing as t

from werkzeug.routing import NoMatch, RequestAliasRedirect, RequestPath

if t.TYPE_CHECKING:
    from werkzeug.routing import Rule


class Unmatched(Exception):
    """The path is not simply one rule's: nothing matched, or a redirect is due."""


class NoRule(Unmatched, NoMatch):
    """Nothing matched.

    ``have_match_for`` holds the methods with which the path would have (405 if it is not empty), ``websocket_mismatch``
    says that a rule of the other protocol would have (400), and otherwise it is a 404.
    """


class PathRedirect(Unmatched, RequestPath):
    """The same rule is found under ``path_info``: a slash was missing, or there were too many."""


class AliasRedirect(Unmatched, RequestAliasRedirect):
    """The rule is an alias: the canonical URL is the one built for ``endpoint`` with ``matched_values``."""


class RuleRedirect(Unmatched):
    """``rule`` matched with ``values``, and sends the client elsewhere.

    Either by its ``redirect_to``, or because another rule has these very values as its ``defaults``.
    """

    def __init__(self, rule: Rule, values: dict[str, t.Any]) -> None:
        super().__init__()
        self.rule = rule
        self.values = values
