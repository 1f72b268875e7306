"""What the generated matcher looks up: the leaves of the tree, sorted by the shape of their paths.

A leaf is a place where rules end, with all that has to hold for the complete search to come there *first*: the fixed
segments, and at each dynamic one that no fixed sibling and no earlier edge takes the path. That makes an answer found
through a leaf right by itself, in whatever order leaves are tried; any doubt is left to the search.

Leaves whose fixed segments stand at the same places share a :class:`Shape`, one dict from these segments to a
:class:`Cell`; cells that are checked in the same way share a form, for which code is generated once. So the code grows
with the number of forms, not of rules, and a path is looked up as fast among ten thousand rules as among ten.
"""

from __future__ import annotations

import typing as t
from collections import Counter, defaultdict

from .converters import Reading, reading

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from werkzeug.routing import Rule

    from .trie import Edge, Kind, Node

# More than this is left to the search, so that no set of rules makes much code.
_MOST_FORMS = 200
_MOST_CELL_LEAVES = 3
_MOST_EARLIER_EDGES = 3

#: A rule, then for each of its variables the name, and the conversion unless it is inlined.
Hit = tuple[t.Any, ...]


class Earlier(t.NamedTuple):
    """An edge that is tried before, and must not match; or if it ``ends_behind``, must have no way on."""

    kind: Kind
    is_final: bool
    ends_behind: bool


class Level(t.NamedTuple):
    """How one dynamic segment is checked."""

    at: int
    kind: Kind
    groups: int
    is_final: bool
    has_siblings: bool
    earlier: tuple[Earlier, ...]


class Form(t.NamedTuple):
    """How a leaf is checked, and how its values are made."""

    levels: tuple[Level, ...]
    readings: tuple[Reading, ...]
    has_defaults: bool


class Shape(t.NamedTuple):
    """Where the fixed segments of a path stand, of how many; an open one ends in a part that may contain slashes."""

    length: int
    is_open: bool
    fixed: tuple[int, ...]


class Leaf(t.NamedTuple):
    """The rules at one place: ``data`` is what the code for ``form`` unpacks."""

    shape: Shape
    key: tuple[str, ...]
    form: Form
    data: tuple[t.Any, ...]

    @property
    def is_plain(self) -> bool:
        """Whether the path is one fixed text, and all that is returned is the rule."""
        return not self.form.levels and not self.form.has_defaults

    @property
    def hits(self) -> tuple[Mapping[str, Hit | None], Hit | None]:
        """What is returned by method, and for all other methods."""
        return self.data[0], self.data[1]


Forms = tuple[Form, ...]
Cell = tuple[t.Any, ...]


class Table(t.NamedTuple):
    """The cells of one shape. If there are several forms, a cell begins with the number of its own."""

    shape: Shape
    forms: list[Forms]
    cells: dict[str | tuple[str, ...], Cell]


def tabulate(leaves: Iterable[Leaf]) -> list[Table]:
    """Sort leaves into tables, those with the most cells first."""
    found: dict[Shape, dict[tuple[str, ...], list[Leaf]]] = defaultdict(lambda: defaultdict(list))
    for leaf in leaves:
        found[leaf.shape][leaf.key].append(leaf)
    usage: Counter[tuple[Shape, Forms]] = Counter()
    for shape, cells in found.items():
        usage.update((shape, _forms(cell)) for cell in cells.values() if len(cell) <= _MOST_CELL_LEAVES)
    chosen: dict[Shape, list[Forms]] = defaultdict(list)
    for (shape, forms), _ in usage.most_common(_MOST_FORMS):
        chosen[shape].append(forms)
    tables = [_table(shape, forms, found[shape]) for shape, forms in chosen.items()]
    return sorted(tables, key=lambda table: -len(table.cells))


def _forms(cell: list[Leaf]) -> Forms:
    return tuple(leaf.form for leaf in cell)


def _table(shape: Shape, forms: list[Forms], found: Mapping[tuple[str, ...], list[Leaf]]) -> Table:
    cells: dict[str | tuple[str, ...], Cell] = {}
    numbers = {form: number for number, form in enumerate(forms)}
    for key, leaves in found.items():
        number = numbers.get(_forms(leaves))
        if number is None:
            continue
        data = tuple(item for leaf in leaves for item in leaf.data)
        cells[key[0] if len(key) == 1 else key] = (number, *data) if len(forms) > 1 else data
    return Table(shape, forms, cells)


class _Step(t.NamedTuple):
    """A dynamic segment on the way to a leaf: the edge taken, and its place among those of its node."""

    at: int
    node: Node
    place: int

    @property
    def edge(self) -> Edge:
        return self.node.edges[self.place]


class _Way(t.NamedTuple):
    """How the walk over the tree came to a node: the places stand for the host (0) and the segments (from 1)."""

    node: Node
    at: int
    fixed: tuple[tuple[int, str], ...]
    steps: tuple[_Step, ...]

    def along(self, segment: str) -> _Way:
        return _Way(self.node.static[segment], self.at + 1, (*self.fixed, (self.at, segment)), self.steps)

    def along_edge(self, place: int) -> _Way:
        step = _Step(self.at, self.node, place)
        return _Way(step.edge.child, self.at + 1, self.fixed, (*self.steps, step))


class Leaves:
    """Finds the leaves for HTTP requests of a tree.

    :param root: the tree.
    :param host: the only host or subdomain, if there is but one, and otherwise ``None``: then it is part of the paths.
    :param is_simple: says of a rule whether its match is the whole answer, with no redirect to consider.
    """

    def __init__(self, root: Node, host: str | None, is_simple: Callable[[Rule], bool]) -> None:
        self._root = root
        self._host = host
        self._is_simple = is_simple
        self._deep_siblings: dict[int, dict[str, Node]] = {}

    def __iter__(self) -> Iterator[Leaf]:
        ways = list(self._beginnings())
        while ways:
            way = ways.pop()
            if way.node.rules or "" in way.node.static:
                yield from self._ending_at(way)
            # A path never begins with two slashes.
            if way.at == 2 and way.fixed[-1:] == ((1, ""),):
                continue
            ways += [way.along(segment) for segment in way.node.static]
            for place, edge in enumerate(way.node.edges):
                if not edge.is_final:
                    ways.append(way.along_edge(place))
                elif not edge.is_suffixed:
                    yield from self._leaf(way.along_edge(place), _arriving(edge.child), is_open=True)

    def _beginnings(self) -> Iterator[_Way]:
        root = _Way(self._root, 0, (), ())
        hosts = [root.along(host) for host in self._root.static]
        hosts += [root.along_edge(place) for place, edge in enumerate(self._root.edges) if not edge.is_final]
        for way in hosts:
            if "" in way.node.static:
                fixed = () if self._host is not None else way.fixed
                yield _Way(way.node.static[""], 1, fixed, way.steps)

    def _ending_at(self, way: _Way) -> Iterator[Leaf]:
        node = way.node
        yield from self._leaf(way, _arriving(node))
        if "" not in node.static and not node.edges:
            loose = [(rule, False) for rule in node.rules if not rule.strict_slashes]
            yield from self._leaf(way._replace(at=way.at + 1, fixed=(*way.fixed, (way.at, ""))), loose)

    def _leaf(self, way: _Way, arriving: list[tuple[Rule, bool]], is_open: bool = False) -> Iterator[Leaf]:
        if not arriving:
            return
        count = sum(step.edge.count for step in way.steps)
        found = self._hits(arriving, count)
        levels = self._levels(way) if way.steps else []
        if found is None or levels is None:
            return
        by_method, other, readings, has_defaults = found
        shape = Shape(way.at - is_open, is_open, tuple(at for at, _ in way.fixed))
        form = Form(tuple(level for level, _ in levels), readings, has_defaults)
        data = (by_method, other, *(item for _, items in levels for item in items))
        yield Leaf(shape, tuple(segment for _, segment in way.fixed), form, data)

    def _hits(
        self, arriving: list[tuple[Rule, bool]], count: int
    ) -> tuple[dict[str, Hit | None], Hit | None, tuple[Reading, ...], bool] | None:
        """Say what is returned by method, for other methods, and how its values are made; the first such form wins."""
        by_method: dict[str, Hit | None] = {}
        other: Hit | None = None
        form: tuple[tuple[Reading, ...], bool] | None = None
        for rule, is_redirect in arriving:
            if rule.websocket:
                continue
            hit = None
            if not is_redirect and len(rule._converters) == count and self._is_simple(rule):
                readings, hit = _hit(rule)
                form = form or (readings, bool(rule.defaults))
                hit = hit if form == (readings, bool(rule.defaults)) else None
            if rule.methods is None:
                other = hit
                break
            for method in rule.methods:
                by_method.setdefault(method, hit)
        return form and (by_method, other, *form)

    def _levels(self, way: _Way) -> list[tuple[Level, list[t.Any]]] | None:
        """Say how the dynamic segments on the way are checked, and with which objects; ``None`` if not easily."""
        fixed = dict(way.fixed)
        kinds = {step.at: step.edge.kind for step in way.steps}
        levels = []
        for step in way.steps:
            # What comes after the host is the empty text before the first slash.
            next_has_text = step.at > 0 and (
                bool(fixed.get(step.at + 1)) or kinds.get(step.at + 1) in {"digits", "path", "text"}
            )
            level = self._level(step, next_has_text)
            if level is None:
                return None
            levels.append(level)
        return levels

    def _level(self, step: _Step, next_has_text: bool) -> tuple[Level, list[t.Any]] | None:
        edge = step.edge
        siblings = self._siblings(step.node, next_has_text)
        if step.place > _MOST_EARLIER_EDGES:
            return None
        earlier = [other for other in step.node.edges[: step.place] if not (next_has_text and _ends_behind(other))]
        if any(other.kind == "groups" or other.is_final > edge.is_final for other in earlier):
            return None
        level = Level(
            step.at,
            edge.kind,
            edge.count,
            edge.is_final,
            bool(siblings),
            tuple(Earlier(other.kind, other.is_final, edge.is_final and _ends_behind(other)) for other in earlier),
        )
        tested = [other for other in earlier if other.kind == "group"]
        return level, [siblings] * bool(siblings) + tested + [edge] * (edge.kind in {"group", "groups"})

    def _siblings(self, node: Node, next_has_text: bool) -> dict[str, Node]:
        """Return the fixed segments at *node* that a path could take, if it goes on with a text or not."""
        if not next_has_text:
            return node.static
        if id(node) not in self._deep_siblings:
            self._deep_siblings[id(node)] = {
                segment: child for segment, child in node.static.items() if not _is_shallow(child)
            }
        return self._deep_siblings[id(node)]


def _arriving(node: Node) -> list[tuple[Rule, bool]]:
    """Return the rules for a path that ends at *node*, and whether they only redirect, for want of a slash."""
    found = [(rule, False) for rule in node.rules]
    if "" in node.static:
        found += [(rule, bool(rule.strict_slashes)) for rule in node.static[""].rules]
    return found


def _hit(rule: Rule) -> tuple[tuple[Reading, ...], Hit]:
    readings: list[Reading] = [reading(converter) for converter in rule._converters.values()]
    if "call" in readings:
        # What a converter of the user's raises decides; an inlined one raises something else.
        readings = ["keep" if kind == "keep" else "call" for kind in readings]
    hit: list[t.Any] = [rule]
    for kind, (name, converter) in zip(readings, rule._converters.items(), strict=True):
        hit += [str(name), converter.to_python] if kind == "call" else [str(name)]
    return tuple(readings), tuple(hit)


def _ends_behind(edge: Edge) -> bool:
    return not edge.is_final and _is_shallow(edge.child)


def _is_shallow(node: Node) -> bool:
    """Say whether no path goes on from *node* with a text."""
    return not node.edges and node.static.keys() <= {""}
