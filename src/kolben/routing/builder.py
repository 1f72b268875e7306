"""URL building: one generated function per rule, compiled when its first URL is built.

For ``/user/<int:id>`` it is::

    def assemble(values, append_unknown):
        try:
            v0 = values['id']
        except KeyError:
            return None
        q = query(values) if append_unknown and len(values) > 1 else ''
        return '', '/user/' + str(int(v0)) + q

Nothing that a user wrote gets into the source other than as a literal made by :func:`repr`.
"""

from __future__ import annotations

import re
import typing as t
from threading import Lock
from urllib.parse import quote

from .converters import BaseConverter, ValidationError, writing
from .source import load

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from werkzeug.routing import Rule

#: Host or subdomain, and path with query.
Assembled = tuple[str, str]

# https://url.spec.whatwg.org/#url-path-segment-string
SAFE = "!$&'()*+,/:;=@"
# PERF: benchmarks/inprocess.py, kind "url_for": most values need no quoting, and seeing that costs a tenth of quoting.
_is_safe = re.compile(r"[A-Za-z0-9_.~!$&'()*+,/:;=@-]*").fullmatch


def quote_path(text: str) -> str:
    """Percent-encode what may not stand in a path, as UTF-8."""
    return text if _is_safe(text) else quote(text, safe=SAFE)


class Builder:
    """Builds the URLs of one rule.

    ``assemble(values, append_unknown)`` returns host or subdomain and path, or ``None`` if a variable has no value;
    what a converter raises passes through. It does not look at methods, nor at whether a value contradicts a default:
    where that can be, ``suits`` is the rule's ``suitable_for``, otherwise it is ``None``. ``build`` is the same
    function, or the rule's own ``build`` if its class overrides that.
    """

    __slots__ = ("__weakref__", "_constants", "_known", "_source", "assemble", "build", "rule", "suits")

    assemble: Callable[[Mapping[str, t.Any], bool], Assembled | None]
    build: Callable[[Mapping[str, t.Any], bool], Assembled | None]

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        defaults = rule.defaults or {}
        # A variable with a default is no variable: it can only have that value.
        self._constants = {
            name: converter.to_url(defaults[name]) for name, converter in rule._converters.items() if name in defaults
        }
        self._known = frozenset((*rule._converters, *map(str, defaults)))
        self._source = ""
        has_own_build = _is_overridden(rule.build)
        self.suits = rule.suitable_for if defaults or has_own_build or _is_overridden(rule.suitable_for) else None
        self.assemble = self._compile_and_assemble
        self.build = rule.build if has_own_build else self.assemble

    @property
    def source(self) -> str:
        """The generated function, as text."""
        self._compile()
        return self._source

    def _compile_and_assemble(self, values: Mapping[str, t.Any], append_unknown: bool) -> Assembled | None:
        self._compile()
        return self.assemble(values, append_unknown)

    def _compile(self) -> None:
        with _lock:
            if self._source:
                return
            source, namespace = _write(self.rule, self._constants)
            namespace["query"] = self._query
            namespace["known"] = self._known
            load("kolben url builder", source, namespace, self)
            self._source = source
            self.assemble = namespace["assemble"]
            if not _is_overridden(self.rule.build):
                self.build = self.assemble

    def _query(self, values: Mapping[str, t.Any]) -> str:
        unknown = {name: value for name, value in values.items() if name not in self._known}
        query = _plain_query(unknown) if not self.rule.map.sort_parameters else None
        if query is None:
            query = self.rule._encode_query_vars(unknown)
        return f"?{query}" if query else ""


# https://url.spec.whatwg.org/#percent-encoded-bytes
_is_plain = re.compile(r"[A-Za-z0-9_.~!$'()*,/:;?@-]*").fullmatch


def _plain_query(values: Mapping[str, t.Any]) -> str | None:
    """Encode *values* as a query if nothing in them needs encoding."""
    # PERF: benchmarks/inprocess.py, kind "url_for": a page's number, a sort order, a search for a word.
    terms = []
    for name, value in values.items():
        if value.__class__ is not int and not (value.__class__ is str and _is_plain(value)):
            return None
        if not _is_plain(name):
            return None
        terms.append(f"{name}={value}")
    return "&".join(terms)


def choose(
    builders: Iterable[Builder],
    values: Mapping[str, t.Any],
    method: str | None,
    append_unknown: bool,
    host: str | None = None,
) -> tuple[Builder, Assembled] | None:
    """Return the first of *builders* that takes *values*, and what it built.

    :param host: prefer the first with this host.
    """
    first = None
    for builder in builders:
        if builder.suits is not None:
            if not builder.suits(values, method):
                continue
        elif method is not None and (methods := builder.rule.methods) is not None and method not in methods:
            continue
        try:
            assembled = builder.build(values, append_unknown)
        except ValidationError:
            continue
        if assembled is None:
            continue
        if host is None or assembled[0] == host:
            return builder, assembled
        first = first or (builder, assembled)
    return first


# One for all: ten thousand rules have ten thousand builders, and each compiles once.
_lock = Lock()


def _is_overridden(method: Callable[..., t.Any]) -> bool:
    return method.__module__ not in {"werkzeug.routing.rules", "kolben.routing.rules"}


def _write(rule: Rule, constants: Mapping[str, str]) -> tuple[str, dict[str, t.Any]]:
    """Write the function for *rule*, and the names it uses."""
    function = _Function(rule, constants)
    split = rule._trace.index((False, "|"))
    host = function.expression(rule._trace[:split])
    path = function.expression(rule._trace[split + 1 :])
    lines = ["def assemble(values, append_unknown):", f"    # {rule.rule!r}"]
    if function.variables:
        lines.append("    try:")
        lines += [f"        {local} = values[{name!r}]" for name, local in function.variables.items()]
        lines += ["    except KeyError:", "        return None"]
    has_unknown = "not known.issuperset(values)" if rule.defaults else f"len(values) > {len(function.variables)}"
    # In this order, which decides what is raised if several values are wrong.
    lines += [
        f"    q = query(values) if append_unknown and {has_unknown} else ''",
        f"    return {host}, {path} + q",
    ]
    return "\n".join(lines) + "\n", function.namespace


class _Function:
    """Collects the variables and the names of the function being written."""

    def __init__(self, rule: Rule, constants: Mapping[str, str]) -> None:
        self.converters = rule._converters
        self.constants = constants
        self.variables: dict[str, str] = {}
        self.namespace: dict[str, t.Any] = {"is_safe": _is_safe, "quote": quote, "SAFE": SAFE}

    def expression(self, trace: list[tuple[bool, str]]) -> str:
        terms: list[str] = []
        text = ""
        for is_variable, data in trace:
            if not is_variable:
                text += quote(data, safe=SAFE)
            elif data in self.constants:
                text += self.constants[data]
            else:
                terms += [repr(text)] * bool(text)
                terms.append(self._written(data))
                text = ""
        if text or not terms:
            terms.append(repr(text))
        # A sum nests as deep as it is long, and the compiler has its limits.
        return " + ".join(terms) if len(terms) < 10 else f'"".join(({", ".join(terms)}))'

    def _written(self, name: str) -> str:
        local = self.variables.setdefault(name, f"v{len(self.variables)}")
        converter: BaseConverter = self.converters[name]
        kind = writing(converter)
        if kind == "quote":
            return f"({local} if {local}.__class__ is str and is_safe({local}) else quote(str({local}), safe=SAFE))"
        if kind == "call":
            self.namespace[f"to_url_{local}"] = converter.to_url
            return f"to_url_{local}({local})"
        return f"str({local})" if kind == "str" else f"str({kind}({local}))"
