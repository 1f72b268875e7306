"""The rules as a tree of segments, and the complete search in it.

The tree's root has an edge for each host or subdomain, each node below it one for each segment of a path: fixed texts
in a dict, dynamic parts in a list that is sorted by weight. The search takes the fixed text first, then the dynamic
parts in turn, and comes back if neither led to a rule; no node is entered twice for one path.
"""

from __future__ import annotations

import re
import typing as t

from .linear import LONG, LinearPattern
from .outcomes import PathRedirect

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from werkzeug.routing import Rule
    from werkzeug.routing.rules import RulePart

    from .rules import Part

#: What an edge accepts: digits, any text, any text with slashes, one group or several groups of an expression.
Kind = t.Literal["digits", "group", "groups", "path", "text"]


class Node:
    """A place in the tree: the edges onward, and the rules that end here."""

    __slots__ = ("_edge_by_part", "_index", "edges", "rules", "static")

    def __init__(self) -> None:
        self.static: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.rules: list[Rule] = []
        self._edge_by_part: dict[t.Any, Edge] | None = None
        self._index: _PrefixIndex | None = None

    def along(self, part: Part | RulePart, is_host: bool) -> Node:
        """Return the node behind *part*, new if there is none."""
        if part.static:
            found = self.static.get(part.content)
            if found is None:
                found = self.static[part.content] = Node()
            return found
        weight = part.weight
        key = (part.content, part.final, part.suffixed, weight[0], *weight[1], weight[2], *weight[3])
        if self._edge_by_part is None:
            self._edge_by_part = {}
        edge = self._edge_by_part.get(key)
        if edge is None:
            edge = self._edge_by_part[key] = Edge(part, is_host)
            self.edges.append(edge)
        return edge.child

    def sort(self) -> None:
        """Bring the edges into the order in which they are tried."""
        self._edge_by_part = None
        self.edges.sort(key=lambda edge: edge.weight)
        if len(self.edges) > _MANY:
            self._index = _PrefixIndex(self.edges)

    def edges_for(self, segment: str) -> Sequence[Edge]:
        """Return the edges that may match *segment*, in order."""
        return self.edges if self._index is None else self._index.edges_for(segment)


# From here on, looking a segment's beginning up costs less than trying all edges.
_MANY = 8


class Edge:
    """A dynamic part, and the node behind it.

    ``test`` says with a true value whether a text matches; for the kinds with groups it is the match. The expression
    is compiled when it is first needed: ten thousand of them take seconds.
    """

    __slots__ = ("child", "content", "count", "is_final", "is_suffixed", "kind", "test", "weight")

    test: Callable[[str], t.Any]

    def __init__(self, part: Part | RulePart, is_host: bool) -> None:
        self.child = Node()
        self.content = part.content
        self.is_final = part.final
        self.is_suffixed = part.suffixed
        self.weight = part.weight
        self.count = len(part.weight[3])
        kind = _KINDS.get((self.content, self.is_final))
        if kind is None or (is_host and kind == "text"):
            # NOTE: a segment has no slash in it, but what a client sends as host may.
            kind = "group" if self.count == 1 else "groups"
        self.kind: Kind = kind
        self.test = _TESTS.get(self.kind, self._compile_and_test)

    def _compile_and_test(self, text: str) -> t.Any:
        self.test = re.compile(self.content).match
        return self.test(text)

    def read(self, parts: Sequence[str], at: int) -> tuple[list[str], int] | None:
        """Match the part of a path at the place *at*: return the values and the next place, ``None`` if it differs."""
        text = "/".join(parts[at:]) if self.is_final else parts[at]
        if self.kind in _TESTS:
            return ([text], len(parts) if self.is_final else at + 1) if self.test(text) else None
        found = self._read_long(text) if len(text) > LONG else self._read(text)
        if found is None:
            return None
        values, has_slash = found
        return values, (len(parts) - has_slash if self.is_final else at + 1)

    def _read(self, text: str) -> tuple[list[str], bool] | None:
        match = self.test(text)
        if match is None:
            return None
        values = [match[f"__werkzeug_{number}"] for number in range(self.count)]
        return values, self.is_suffixed and match.groups()[-1] == "/"

    def _read_long(self, text: str) -> tuple[list[str], bool] | None:
        pattern = LinearPattern.of(self.content)
        return self._read(text) if pattern is None else pattern.match(text)


def _is_path(text: str) -> bool:
    return text[:1] not in {"", "/"} and text.find("\n", 1) < 0


_KINDS: dict[tuple[str, bool], Kind] = {
    (r"(?P<__werkzeug_0>\d+)\Z", False): "digits",
    (r"(?P<__werkzeug_0>[^/]{1,})\Z", False): "text",
    (r"(?P<__werkzeug_0>[^/]+)\Z", False): "text",
    (r"(?P<__werkzeug_0>[^/].*?)\Z", True): "path",
}
_TESTS: dict[Kind, Callable[[str], t.Any]] = {"digits": str.isdecimal, "text": bool, "path": _is_path}


class _PrefixIndex:
    """Finds the few of many edges whose leading fixed text a segment begins with."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self._edges_by_prefix: dict[str, list[tuple[int, Edge]]] = {}
        for place, edge in enumerate(edges):
            self._edges_by_prefix.setdefault(_prefix(edge.content), []).append((place, edge))
        self._lengths = sorted({len(prefix) for prefix in self._edges_by_prefix})

    def edges_for(self, segment: str) -> list[Edge]:
        found: list[tuple[int, Edge]] = []
        for length in self._lengths:
            if length > len(segment):
                break
            found += self._edges_by_prefix.get(segment[:length], ())
        return [edge for _, edge in sorted(found, key=lambda entry: entry[0])]


def _prefix(content: str) -> str:
    """Return the fixed text before the first variable of the expression *content*."""
    escaped = content.partition("(?P<__werkzeug_0>")[0]
    return re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL)


def plant(rules: Iterable[Rule]) -> Node:
    """Make the tree of *rules*, in the order in which they were added."""
    root = Node()
    for rule in rules:
        node = root
        for part in rule._parts:
            node = node.along(part, is_host=node is root)
        node.rules.append(rule)
    for node in walk(root):
        if node.edges:
            node.sort()
    return root


def walk(root: Node) -> Iterator[Node]:
    """Iterate over *root* and all nodes below it."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        yield node
        nodes += node.static.values()
        if node.edges:
            nodes += [edge.child for edge in node.edges]


class Search:
    """One search of the whole tree, and what it turned down on the way.

    ``methods`` are those of the rules that matched but for their method; ``is_mismatch`` tells that one matched but
    for being of the other protocol, HTTP or WebSocket.
    """

    __slots__ = ("is_mismatch", "method", "methods", "websocket")

    def __init__(self, method: str, websocket: bool) -> None:
        self.method = method
        self.websocket = websocket
        self.methods: set[str] = set()
        self.is_mismatch = False

    def find(self, root: Node, host: str, path: str) -> tuple[Rule, list[str]] | None:
        """Return the first rule for *host* and *path*, and the texts of its variables.

        :raises PathRedirect: if the first is one that wants a slash at the end.
        """
        parts = [host, *path.split("/")]
        end = len(parts)
        # Where to go on, last first: to a node, along an edge, or (without a place) to the rules that need no slash.
        todo: list[tuple[Node | Edge, int, list[str]]] = [(root, 0, [])]
        while todo:
            step, at, values = todo.pop()
            if at == _LOOSE:
                rule = self._admit(rule for rule in t.cast(Node, step).rules if not rule.strict_slashes)
                if rule is not None:
                    return rule, values
                continue
            if isinstance(step, Edge):
                read = step.read(parts, at)
                if read is None:
                    continue
                values = values + read[0]
                step, at = step.child, read[1]
            node: Node | None = step
            while node is not None and at < end:
                part = parts[at]
                if not part and at == end - 1 and node.rules:
                    todo.append((node, _LOOSE, values))
                if node.edges:
                    todo += [(edge, at, values) for edge in reversed(node.edges_for(part))]
                node = node.static.get(part)
                at += 1
            if node is not None:
                rule = self._arrive(node, path)
                if rule is not None:
                    return rule, values
        return None

    def _arrive(self, node: Node, path: str) -> Rule | None:
        rule = self._admit(node.rules)
        if rule is not None or "" not in node.static:
            return rule
        for rule in node.static[""].rules:
            if rule.websocket == self.websocket and (rule.methods is None or self.method in rule.methods):
                if rule.strict_slashes:
                    raise PathRedirect(f"{path}/")
                return rule
        return None

    def _admit(self, rules: Iterable[Rule]) -> Rule | None:
        for rule in rules:
            if rule.methods is not None and self.method not in rule.methods:
                self.methods.update(rule.methods)
            elif rule.websocket != self.websocket:
                self.is_mismatch = True
            else:
                return rule
        return None


_LOOSE = -1
