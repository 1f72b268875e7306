"""Rules: one URL pattern each, Werkzeug's in every public respect, read by a parser that compiles nothing.

A rule is read into :class:`Part`s when it is bound. What matches them (:mod:`.matcher`) and what builds URLs of them
(:mod:`.builder`) is compiled later, once, when it is first needed.
"""

from __future__ import annotations

import re
import typing as t

from werkzeug import routing

from .builder import Builder

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from werkzeug.routing import BaseConverter
    from werkzeug.routing import Map as AnyMap

__all__ = [
    "EndpointPrefix",
    "Part",
    "Rule",
    "RuleFactory",
    "RuleTemplate",
    "RuleTemplateFactory",
    "Subdomain",
    "Submount",
    "Weight",
    "parse_converter_args",
]

RuleFactory = routing.RuleFactory
Submount = routing.Submount
Subdomain = routing.Subdomain
EndpointPrefix = routing.EndpointPrefix
parse_converter_args = routing.parse_converter_args

#: Sorts the dynamic parts at one place: number and place of the fixed texts, number and weight of the variables.
Weight = tuple[int, list[tuple[int, int]], int, list[int]]


class Part(t.NamedTuple):
    """What stands between two slashes of a rule; its host is a part too, the first one.

    ``content`` is the text itself if the part is ``static``, otherwise a regular expression. A ``final`` part holds a
    variable that may contain slashes, so it reaches to the end of the path; it is ``suffixed`` if the rule goes on to
    end with a slash. The fields are those of Werkzeug's ``RulePart``, whose matcher can read them.
    """

    content: str
    final: bool
    static: bool
    suffixed: bool
    weight: Weight


class Rule(routing.Rule):
    """One URL pattern; the parameters are those of :class:`werkzeug.routing.Rule`.

    Binding it to a map reads it, and compiles nothing.

    :raises ValueError: on binding, if the text is malformed or uses a variable twice.
    """

    _parts: list[Part]  # type: ignore[assignment]  # the same fields, in a tuple
    _builder: Builder | None = None
    provide_automatic_options: bool | None
    """Whether the application answers ``OPTIONS`` itself; only where :meth:`.Kolben.add_url_rule` made the rule."""

    def bind(self, map: AnyMap, rebind: bool = False) -> None:
        super().bind(map, rebind)
        if rebind:
            getattr(map, "forget", _nothing)()

    def compile(self) -> None:
        """Read the rule's text. (The name is Werkzeug's.)"""
        if self.map is None:
            raise AssertionError("rule not bound")
        self._trace = []
        self._converters = {}
        self._builder = None
        host = self.host if self.map.host_matching else self.subdomain
        self._parts = _read(self, host) if host else [_NO_HOST]
        self._trace.append((False, "|"))
        text = self.rule
        if self.merge_slashes and "//" in text:
            text = re.sub("/{2,}", "/", text)
        self._parts += _read(self, text)
        if self.defaults:
            self._builder = Builder(self)
        self._refuse_twins()

    def _refuse_twins(self) -> None:
        # One that has a default is no variable in a URL that is built, and Werkzeug lets it be used again.
        names = [name for is_variable, name in self._trace if is_variable and name not in (self.defaults or ())]
        twins = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
        if twins:
            raise ValueError(
                f"The variable {twins[0]!r} is used twice in the rule {self.rule!r}. Its two values could differ; give"
                " each variable of a rule a name of its own."
            )

    @property
    def builder(self) -> Builder:
        """What builds the URLs of this rule."""
        if self._builder is None:
            self._builder = Builder(self)
        return self._builder

    def build(self, values: Mapping[str, t.Any], append_unknown: bool = True) -> tuple[str, str] | None:
        """Assemble the URL, as host or subdomain and path; ``None`` if a value is missing or not valid."""
        try:
            return self.builder.assemble(values, append_unknown)
        except routing.ValidationError:
            return None


def _nothing() -> None:
    pass


class RuleTemplate(routing.RuleTemplate):
    """Makes rules of a template's; see :class:`werkzeug.routing.RuleTemplate`."""

    def __call__(self, *args: t.Any, **kwargs: t.Any) -> RuleTemplateFactory:
        return RuleTemplateFactory(self.rules, dict(*args, **kwargs))


class RuleTemplateFactory(routing.RuleTemplateFactory):
    """What calling a :class:`RuleTemplate` gives."""

    def get_rules(self, map: AnyMap) -> Iterator[routing.Rule]:
        for made in super().get_rules(map):
            yield Rule(
                made.rule,
                defaults=made.defaults,
                subdomain=made.subdomain,
                methods=made.methods,
                build_only=made.build_only,
                endpoint=made.endpoint,
                strict_slashes=made.strict_slashes,
            )


_TOKEN = re.compile(
    r"""
    (?P<slash> / )
    | (?P<text> [^</]+ )
    | <
        (?: (?P<converter> [a-zA-Z_][a-zA-Z0-9_]* ) (?: \( (?P<arguments> .*? ) \) )? : )?
        (?P<name> [a-zA-Z_][a-zA-Z0-9_]* )
      >
    """,
    re.VERBOSE,
)

_NO_WEIGHT: Weight = (0, [], 0, [])
_NO_HOST = Part("", False, True, False, _NO_WEIGHT)
_SLASH = (False, "/")


def _read(rule: Rule, text: str) -> list[Part]:
    """Read the host or the path *text* of *rule* into parts; its converters and its trace grow."""
    reader = _Reader(rule, text)
    return reader.read_plain() if "<" not in text else reader.read()


class _Reader:
    """Reads one text of a rule: what is neither the rule, its text nor ``parts`` is of the part being read."""

    def __init__(self, rule: Rule, text: str) -> None:
        self.rule = rule
        self.text = text
        self.parts: list[Part] = []
        self._begin()

    def _begin(self) -> None:
        self.pieces: list[str] = []
        self.plain = ""
        self.texts: list[tuple[int, int]] = []
        self.variables: list[int] = []
        self.is_final = False

    def read_plain(self) -> list[Part]:
        # Most rules have no variable, and need no tokens: ten thousand are read in a third of the time.
        trace = self.rule._trace
        for number, segment in enumerate(self.text.split("/")):
            if number:
                trace.append(_SLASH)
            if segment:
                trace.append((False, segment))
            self.parts.append(Part(segment, False, True, False, _NO_WEIGHT))
        return self.parts

    def read(self) -> list[Part]:
        position = 0
        while position < len(self.text):
            token = _TOKEN.match(self.text, position)
            if token is None:
                raise ValueError(f"malformed url rule: {self.text!r}")
            if token["text"] is not None:
                self._read_text(token["text"])
            elif token["name"] is not None:
                self._read_variable(token["name"], token["converter"] or "default", token["arguments"] or "")
            else:
                self._read_slash()
            position = token.end()
        self._end(is_last=True)
        return self.parts

    def _read_text(self, text: str) -> None:
        self.texts.append((len(self.texts), -len(text)))
        self.rule._trace.append((False, text))
        self.pieces.append(re.escape(text))
        self.plain = text

    def _read_variable(self, name: str, converter_name: str, arguments: str) -> None:
        rule = self.rule
        args, kwargs = parse_converter_args(arguments)
        converter: BaseConverter = rule.get_converter(name, converter_name, args, kwargs)
        rule._converters[name] = converter
        rule.arguments.add(name)
        rule._trace.append((True, name))
        # The groups carry Werkzeug's names: a converter's own expression may have groups too.
        self.pieces.append(f"(?P<__werkzeug_{len(self.variables)}>{converter.regex})")
        self.variables.append(converter.weight)
        self.is_final = self.is_final or not converter.part_isolating

    def _read_slash(self) -> None:
        self.rule._trace.append(_SLASH)
        if self.is_final:
            self.pieces.append("/")
        else:
            self._end()

    def _end(self, is_last: bool = False) -> None:
        weight = (-len(self.texts), self.texts, -len(self.variables), self.variables)
        is_static = not self.variables
        is_suffixed = is_last and self.is_final and self.pieces[-1] == "/"
        if is_suffixed:
            # The slash is optional here; whether a redirect is due is seen when it is missing.
            self.pieces[-1] = "(?<!/)(/?)"
        content = self.plain if is_static else "".join(self.pieces) + r"\Z"
        self.parts.append(Part(content, self.is_final, is_static, is_suffixed, weight))
        if is_suffixed:
            self.parts.append(Part("", False, True, False, weight))
        self._begin()
