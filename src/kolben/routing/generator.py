"""Writes the source of a map's matcher: the lookups in its tables, then the complete search.

For a map of ``/`` and ``/user/<int:id>`` it is::

    def match(host, path, method, websocket=False):
        if websocket or host != home:
            return resolve(host, path, method, websocket)
        rule = fixed.get(method, fixed_any).get(path)
        if rule is not None:
            return rule, {}
        p = path.split("/")
        n = len(p)
        if n == 3:
            cell = table_0.get(p[1])
            if cell is not None:
                hits0, other0 = cell
                v0 = p[2]
                if v0.isdecimal():
                    hit = hits0.get(method, other0)
                    if hit is not None:
                        rule, k0 = hit
                        try:
                            return rule, {k0: int(v0)}
                        except ValueError:
                            pass
        return resolve(host, path, method, websocket)

Nothing that a user wrote gets into the source: texts, names, converters and rules are all in the tables.
"""

from __future__ import annotations

import typing as t
from itertools import groupby

from .linear import LONG

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .shapes import Form, Forms, Level, Table

# So many tables are looked up for a path of one length, and so many with an open end.
_MOST_TABLES = 8


def write(tables: Iterable[Table], one_host: bool) -> tuple[str, dict[str, t.Any]]:
    """Write the function for *tables*, and the names by which it knows them.

    :param one_host: whether all rules are of one host, which is not part of the tables.
    """
    writer = _Writer(one_host)
    writer.write(list(tables))
    return "\n".join(writer.lines) + "\n", writer.names


class _Writer:
    def __init__(self, one_host: bool) -> None:
        self.lines: list[str] = []
        self.names: dict[str, t.Any] = {}
        self.one_host = one_host
        self._depth = 0

    def write(self, tables: list[Table]) -> None:
        self._line("def match(host, path, method, websocket=False):")
        self._depth = 1
        self._line("if websocket or host != home:" if self.one_host else "if websocket:")
        self._line("    return resolve(host, path, method, websocket)")
        self._line(f"rule = fixed.get(method, fixed_any).get({'path' if self.one_host else '(host, path)'})")
        self._line("if rule is not None:")
        self._line("    return rule, {}")
        if tables:
            self._line('p = path.split("/")')
            self._line("n = len(p)")
            if not self.one_host:
                self._line("p[0] = host")
        self._write_lengths([table for table in tables if not table.shape.is_open])
        self._write_open([table for table in tables if table.shape.is_open])
        self._line("return resolve(host, path, method, websocket)")

    def _write_lengths(self, tables: list[Table]) -> None:
        tables = sorted(tables, key=lambda table: table.shape.length)
        word = "if"
        for length, group in groupby(tables, key=lambda table: table.shape.length):
            self._line(f"{word} n == {length}:")
            word = "elif"
            self._depth = 2
            for table in list(group)[:_MOST_TABLES]:
                self._write_table(table)
            self._depth = 1

    def _write_open(self, tables: list[Table]) -> None:
        for table in tables[:_MOST_TABLES]:
            self._line(f"if n > {table.shape.length}:")
            self._depth = 2
            self._write_table(table)
            self._depth = 1

    def _write_table(self, table: Table) -> None:
        name = f"table_{len(self.names)}"
        self.names[name] = table.cells
        key = ", ".join(f"p[{place}]" for place in table.shape.fixed)
        if len(table.shape.fixed) != 1:
            key = f"({key})"
        self._line(f"cell = {name}.get({key})")
        self._line("if cell is not None:")
        self._depth += 1
        depth = self._depth
        for number, forms in enumerate(table.forms):
            if len(table.forms) > 1:
                self._line(f"{'elif' if number else 'if'} cell[0] == {number}:")
                self._depth += 1
            self._write_cell(forms, has_number=len(table.forms) > 1)
            self._depth = depth
        self._depth -= 1

    def _write_cell(self, forms: Forms, has_number: bool) -> None:
        leaves = [_LeafNames(number, form) for number, form in enumerate(forms)]
        data = ["_"] * has_number + [name for leaf in leaves for name in leaf.data]
        self._line(f"{', '.join(data)} = cell")
        depth = self._depth
        for leaf, form in zip(leaves, forms, strict=True):
            self._write_leaf(leaf, form)
            self._depth = depth

    def _write_leaf(self, leaf: _LeafNames, form: Form) -> None:
        for level, value in zip(form.levels, leaf.values, strict=True):
            self._line(f"{value} = {_text(level)}")
        if form.levels:
            self._line(f"if {' and '.join(leaf.conditions)}:")
            self._depth += 1
        self._line(f"hit = {leaf.hits}.get(method, {leaf.other})")
        self._line("if hit is not None:")
        self._depth += 1
        names = [
            f"k{number}, c{number}" if kind == "call" else f"k{number}" for number, kind in enumerate(form.readings)
        ]
        self._line(f"{', '.join(['rule', *names])}{'' if names else ','} = hit")
        items = [
            f"k{number}: {_converted(kind, number, text)}"
            for number, (kind, text) in enumerate(zip(form.readings, leaf.texts, strict=True))
        ]
        self._write_return(form, "{" + ", ".join(items) + "}")

    def _write_return(self, form: Form, values: str) -> None:
        body = [f"return rule, {values}"]
        if form.has_defaults:
            body = [f"values = {values}", "values.update(rule.defaults)", "return rule, values"]
        if "call" in form.readings:
            body = _tried(body, "ValidationError", "return resolve(host, path, method, websocket, True)")
        elif set(form.readings) - {"keep"}:
            body = _tried(body, "ValueError", "pass")
        for line in body:
            self._line(line)

    def _line(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)


def _tried(lines: list[str], error: str, otherwise: str) -> list[str]:
    return ["try:", *(f"    {line}" for line in lines), f"except {error}:", f"    {otherwise}"]


def _text(level: Level) -> str:
    if not level.is_final:
        return f"p[{level.at}]"
    return "path[1:]" if level.at == 1 else f'"/".join(p[{level.at}:])'


def _converted(kind: str, number: int, text: str) -> str:
    if kind == "call":
        return f"c{number}({text})"
    return text if kind == "keep" else f"{kind}({text})"


class _LeafNames:
    """The names and the conditions of one leaf."""

    def __init__(self, number: int, form: Form) -> None:
        self.hits = f"hits{number}"
        self.other = f"other{number}"
        self.data = [self.hits, self.other]
        self.values: list[str] = []
        self.texts: list[str] = []
        self.conditions: list[str] = []
        for place, level in enumerate(form.levels):
            self._add(f"{number}_{place}" if number else str(place), level)

    def _add(self, suffix: str, level: Level) -> None:
        value = f"v{suffix}"
        self.values.append(value)
        segment = f"p[{level.at}]" if level.is_final else value
        if level.has_siblings:
            self.data.append(f"siblings{suffix}")
            self.conditions.append(f"{segment} not in siblings{suffix}")
        for place, earlier in enumerate(level.earlier):
            text = value if earlier.is_final else segment
            name = f"earlier{suffix}_{place}"
            if earlier.kind == "group":
                self.data.append(name)
            failed = f"not {_test(earlier.kind, text, name)}"
            if earlier.ends_behind:
                # It may match: its node has no way on for a path that goes on.
                failed = f"(n > {level.at + 1} and p[{level.at + 1}] or {failed})"
            self.conditions.append(failed)
        if level.kind not in {"group", "groups"}:
            self.conditions.append(_test(level.kind, value, ""))
            self.texts.append(value)
            return
        self._add_groups(suffix, level)

    def _add_groups(self, suffix: str, level: Level) -> None:
        value, match = f"v{suffix}", f"m{suffix}"
        self.data.append(f"edge{suffix}")
        if level.at == 1:
            # A path that begins with two slashes is not what it seems; the search knows.
            self.conditions.append(f"p[{level.at}]")
        if level.kind == "groups":
            self.conditions.append(f"len({value}) <= {LONG}")
        self.conditions.append(f"({match} := edge{suffix}.test({value})) is not None")
        self.texts += [f'{match}["__werkzeug_{number}"]' for number in range(level.groups)]


def _test(kind: str, text: str, name: str) -> str:
    if kind == "digits":
        return f"{text}.isdecimal()"
    if kind == "text":
        return text
    if kind == "path":
        return f'({text}[:1] not in no_path and {text}.find("\\n", 1) < 0)'
    return f"{name}.test({text})"
