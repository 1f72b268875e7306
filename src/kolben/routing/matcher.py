"""The matcher of a map: host, path and method to a rule and its values.

The contract, for whoever dispatches requests::

    try:
        rule, values = url_map.matcher.match(subdomain, path, method)
    except Unmatched as reason:
        raise adapter.explain(reason, path, method) from None

* ``matcher`` is a plain attribute that never changes, ``match`` a plain attribute that does: read it for each request.
  It begins as a function that compiles, once and under a lock, and is replaced by the generated one; adding a rule
  sets it back.
* The first argument is the host if the map matches hosts, and otherwise the subdomain: ``""`` if there are none.
* ``path`` is decoded and begins with exactly one slash, ``"/" + path.lstrip("/")``; ``method`` is in upper case.
* What is returned is final: no redirect remains to be considered. ``values`` is a new dict each time.
* :class:`.Unmatched` and its subclasses say why there is no such answer. What a converter raises, other than
  ``ValidationError``, passes through.
* Nothing here knows of schemes, script names or queries: that is :meth:`MapAdapter.explain`, which is only needed on
  errors and redirects.

A fixed path costs one Python-level call, a dynamic one as well, plus the conversions by users' converters. Where the
first choice at some segment leads nowhere (``/user/new`` beside ``/user/<name>/posts`` for ``/user/new/``), and for
WebSockets, the tree is searched, which is three calls. Two are enough to say that nothing begins with a path's first
segment, or that a fixed path has no such method, if another was asked for before.
"""

from __future__ import annotations

import re
import typing as t
from threading import Lock
from uuid import UUID
from weakref import ref

from .converters import ValidationError
from .generator import write
from .outcomes import AliasRedirect, NoRule, PathRedirect, RuleRedirect
from .shapes import Leaf, Leaves, tabulate
from .source import load
from .trie import Node, Search, plant

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.routing import Rule

    from .map import Map

#: ``match(host_or_subdomain, path, method, websocket=False)``
Match = t.Callable[..., tuple[t.Any, dict[str, t.Any]]]


_NO_METHOD = "\0"


class Table:
    """What was found once, for as long as the rules stay as they are.

    :ivar found: a dict, to be read; :meth:`remember` writes to it.
    """

    __slots__ = ("__weakref__", "_matcher", "found")

    def __init__(self, matcher: Matcher) -> None:
        self.found: dict[t.Any, t.Any] = {}
        self._matcher = matcher

    def remember(self, key: t.Any, value: t.Any, match: Match) -> None:
        """Keep what ``match`` found, if it is the function of now."""
        self.found[key] = value
        # NOTE: rules that changed meanwhile made `match` another one first, and emptied this then.
        if self._matcher.match is not match:
            self.found.pop(key, None)


class Matcher:
    """Finds the rule for a path; the module says how it is to be used."""

    match: Match

    def __init__(self, url_map: Map, merge_slashes: bool) -> None:
        self.merge_slashes = merge_slashes
        self._map = url_map
        self._rules: list[Rule] = []
        self._lock = Lock()
        self._root = Node()
        self._source = ""
        self._home: str | None = None
        self._redirected: frozenset[int] = frozenset()
        self._fixed: dict[str, dict[t.Any, Rule]] = {}
        self._methods: set[str] = set()
        self._closed: dict[str, set[str]] = {}
        self._beginnings: frozenset[str] | None = None
        self._tables: list[ref[Table]] = []
        self.match = self._compile_and_match

    def add(self, rule: Rule) -> None:
        """Add a rule that is bound to the map."""
        with self._lock:
            self._rules.append(rule)
        self.forget()

    def forget(self) -> None:
        """Compile anew before the next match, because rules have changed."""
        with self._lock:
            self.match = self._compile_and_match
            tables = [table for entry in self._tables if (table := entry()) is not None]
        for table in tables:
            table.found.clear()

    def table(self) -> Table:
        """A table for what its owner finds by :attr:`match`; it is emptied when rules change."""
        made = Table(self)
        with self._lock:
            self._tables = [entry for entry in self._tables if entry() is not None]
            self._tables.append(ref(made))
        return made

    def update(self) -> None:
        """Do nothing: compiling waits for the first match. (Werkzeug's map calls this.)"""

    @property
    def source(self) -> str:
        """The generated function, as text; it stands in :mod:`linecache` as well."""
        self.compile()
        return self._source

    def compile(self) -> None:
        """Compile, unless that is done."""
        self._map.update()
        with self._lock:
            if self.match != self._compile_and_match:
                return
            self._root = plant(self._rules)
            self._redirected = frozenset(_redirected(list(self._map._rules_by_endpoint.values())))
            self.match = self._generate()

    def _compile_and_match(
        self, host: str, path: str, method: str, websocket: bool = False
    ) -> tuple[Rule, dict[str, t.Any]]:
        self.compile()
        return self.match(host, path, method, websocket)

    def _generate(self) -> Match:
        hosts = self._root.static
        self._home = home = next(iter(hosts)) if len(hosts) == 1 and not self._root.edges else None
        self._beginnings = None if home is None else _beginnings(hosts[home])
        leaves = list(Leaves(self._root, home, self._is_simple))
        fixed, fixed_any = _fixed(leaves, one_host=home is not None)
        self._fixed = fixed
        self._methods = {method for rule in self._rules for method in rule.methods or ()}
        source, names = write(tabulate(leaf for leaf in leaves if not leaf.is_plain), one_host=home is not None)
        names.update(
            home=home,
            fixed=fixed,
            fixed_any=fixed_any,
            resolve=self._resolve,
            uuid=UUID,
            no_path=("", "/"),
            ValidationError=ValidationError,
        )
        load("kolben matcher", source, names, self)
        self._source = source
        self._closed = {}  # NOTE: last, for what is noted in it has been found by all of the above.
        return t.cast(Match, names["match"])

    def _is_simple(self, rule: Rule) -> bool:
        return not rule.alias and rule.redirect_to is None and id(rule) not in self._redirected

    def _resolve(
        self, host: str, path: str, method: str, websocket: bool = False, is_invalid: bool = False
    ) -> tuple[Rule, dict[str, t.Any]]:
        """Search the whole tree.

        :param is_invalid: a converter has already refused a value of the rule that will be found.
        """
        if path[:2] == "//":
            return self.match(host, f"/{path.lstrip('/')}", method, websocket)
        # PERF: benchmarks/inprocess.py, kinds "404" and "405": most of what is not there is looked for by scanners.
        if host == self._home:
            if path in self._closed and method not in self._closed[path] and not websocket:
                raise NoRule(self._closed[path], False)
            if self._beginnings is not None and path[1:].partition("/")[0] not in self._beginnings:
                raise NoRule(set(), False)
        search = Search(method, websocket)
        found = search.find(self._root, host, path)
        if found is None:
            self._find_merged(search, host, path)
            if search.methods and not search.is_mismatch and host == self._home and not websocket:
                self._close(path, search.methods)
        elif not is_invalid:
            rule, texts = found
            try:
                values = _converted(rule, texts)
            except ValidationError as error:
                raise NoRule(search.methods, search.is_mismatch) from error
            self._redirect(rule, values, method)
            return rule, values
        raise NoRule(search.methods, search.is_mismatch)

    def _close(self, path: str, allowed: set[str]) -> None:
        """Keep by which methods alone a fixed path is answered, if by none of all others it leads anywhere."""
        closed = self._closed
        if "//" in path or not any(path in table for table in self._fixed.values()):
            return
        for method in {_NO_METHOD, *self._methods} - allowed:
            search = Search(method, websocket=False)
            try:
                found = search.find(self._root, t.cast(str, self._home), path)
            except PathRedirect:
                return
            if found is not None or search.methods != allowed or search.is_mismatch:
                return
        closed[path] = allowed

    def _find_merged(self, search: Search, host: str, path: str) -> None:
        """Redirect if there is a rule for *path* without its superfluous slashes."""
        if not self.merge_slashes or "//" not in path:
            return
        merged = re.sub("/{2,}", "/", path)
        found = search.find(self._root, host, merged)
        if found is not None and found[0].merge_slashes is not False:
            raise PathRedirect(merged)

    def _redirect(self, rule: Rule, values: dict[str, t.Any], method: str) -> None:
        """Raise the redirect that *rule* asks for, if it does."""
        if self._map.redirect_defaults:
            if rule.alias:
                raise AliasRedirect(values, rule.endpoint)
            if id(rule) in self._redirected and self._has_default(rule, values, method):
                raise RuleRedirect(rule, values)
        if rule.redirect_to is not None:
            raise RuleRedirect(rule, values)

    def _has_default(self, rule: Rule, values: dict[str, t.Any], method: str) -> bool:
        """Say whether a rule that comes first has *values* as its defaults."""
        for other in self._map._rules_by_endpoint[rule.endpoint]:
            if other is rule:
                break
            if other.provides_defaults_for(rule) and other.suitable_for(values, method):
                return True
        return False


def _fixed(leaves: Iterable[Leaf], one_host: bool) -> tuple[dict[str, dict[t.Any, Rule]], dict[t.Any, Rule]]:
    """Return the rules for fixed paths by method and path, and by path for all other methods."""
    by_key = {
        ("/" + "/".join(leaf.key) if one_host else (leaf.key[0], "/" + "/".join(leaf.key[1:]))): leaf.hits
        for leaf in leaves
        if leaf.is_plain
    }
    methods = {method for by_method, _ in by_key.values() for method in by_method}
    fixed: dict[str, dict[t.Any, Rule]] = {method: {} for method in methods}
    for key, (by_method, other) in by_key.items():
        for method, table in fixed.items():
            hit = by_method.get(method, other)
            if hit is not None:
                table[key] = hit[0]
    return fixed, {key: other[0] for key, (_, other) in by_key.items() if other is not None}


def _beginnings(host: Node) -> frozenset[str] | None:
    """The first segments of all paths below a host, if they are fixed texts, all of them."""
    slash = host.static.get("")
    return None if slash is None or slash.edges else frozenset(slash.static)


def _redirected(groups: Iterable[list[Rule]]) -> Iterable[int]:
    """Yield the identities of the rules for which an earlier one of the same endpoint may have defaults."""
    for rules in groups:
        seen: set[frozenset[str]] = set()
        is_own = False
        for rule in rules:
            if is_own or frozenset(rule.arguments) in seen:
                yield id(rule)
            if rule.defaults and not rule.build_only:
                seen.add(frozenset(rule.arguments))
                is_own = is_own or rule.provides_defaults_for.__module__ != "werkzeug.routing.rules"


def _converted(rule: Rule, texts: Iterable[str]) -> dict[str, t.Any]:
    values = {
        str(name): converter.to_python(text)
        for (name, converter), text in zip(rule._converters.items(), texts, strict=False)
    }
    values.update(rule.defaults or ())
    return values
