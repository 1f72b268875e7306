"""Two maps of the same rules, Werkzeug's and Kolben's, what each answers, and rules and requests made up for them."""

from __future__ import annotations

import typing as t
import warnings
from dataclasses import dataclass, field
from uuid import UUID

import werkzeug.routing as oracle
from werkzeug.exceptions import HTTPException, MethodNotAllowed

import kolben.routing as routing

Spec = dict[str, t.Any]
Outcome = tuple[t.Any, ...]


class ListConverter(oracle.BaseConverter):
    regex = r"\w+(?:\+\w+)*"

    def to_python(self, value: str) -> t.Any:
        return value.split("+")

    def to_url(self, value: t.Any) -> str:
        return "+".join(super(ListConverter, self).to_url(item) for item in value)


class EvenConverter(oracle.IntegerConverter):
    def to_python(self, value: str) -> t.Any:
        number = super().to_python(value)
        if number % 2:
            raise oracle.ValidationError
        return number

    def to_url(self, value: t.Any) -> str:
        if int(value) % 2:
            raise oracle.ValidationError
        return super().to_url(value)


class BrokenConverter(oracle.BaseConverter):
    def to_python(self, value: str) -> t.Any:
        if value.startswith("a"):
            raise LookupError(value)
        return value.upper()


class SlashyConverter(oracle.BaseConverter):
    regex = r"[a-z]+/(?P<own>[a-z]+)"


class EmptyConverter(oracle.BaseConverter):
    regex = r".*"


class HeavyConverter(oracle.BaseConverter):
    weight = 300


class LightConverter(oracle.PathConverter):
    weight = 10


CONVERTERS: dict[str, type[oracle.BaseConverter]] = {
    "list": ListConverter,
    "even": EvenConverter,
    "broken": BrokenConverter,
    "slashy": SlashyConverter,
    "empty": EmptyConverter,
    "heavy": HeavyConverter,
    "light": LightConverter,
}


@dataclass
class MapSpec:
    """How to make both maps, and how to bind them."""

    rules: list[Spec]
    options: Spec = field(default_factory=dict)
    bind: Spec = field(default_factory=dict)


class Side:
    """One of the two maps."""

    def __init__(self, module: t.Any, spec: MapSpec) -> None:
        self.rules = []
        for number, kwargs in enumerate(spec.rules):
            rule = module.Rule(**kwargs)
            rule.number = number
            self.rules.append(rule)
        self.map = module.Map(self.rules, converters=CONVERTERS, **spec.options)
        self.adapter = self.map.bind(**{"server_name": "example.com", **spec.bind})

    def match(self, path: str, method: str, websocket: bool | None = None) -> Outcome:
        def ask() -> Outcome:
            rule, values = self.adapter.match(path, method, return_rule=True, query_args="q=1", websocket=websocket)
            return "match", rule.number, _typed(values)

        return _outcome(ask)

    def build(self, endpoint: str, values: t.Any, **options: t.Any) -> Outcome:
        return _outcome(lambda: ("built", self.adapter.build(endpoint, values, **options)))


def sides(spec: MapSpec) -> tuple[Side, Side] | None:
    """Make both maps, Werkzeug's first; ``None`` if neither can be made, for the same reason."""
    made = []
    failed = []
    for module in (oracle, routing):
        try:
            made.append(Side(module, spec))
        except Exception as error:
            # A variable that is used twice is Werkzeug's SyntaxError, and a ValueError with a text here.
            failed.append("ValueError" if isinstance(error, SyntaxError) else type(error).__name__)
    assert len(failed) in {0, 2}, (spec, failed)
    assert len(set(failed)) < 2, (spec, failed)
    return None if failed else (made[0], made[1])


def _outcome(ask: t.Callable[[], Outcome]) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ask()
        except oracle.RequestRedirect as redirect:
            return "redirect", redirect.new_url, redirect.code
        except MethodNotAllowed as error:
            return "method", frozenset(error.valid_methods or ())
        except HTTPException as error:
            return type(error).__name__, error.code
        except oracle.BuildError as error:
            return "BuildError", error.endpoint, error.method
        except Exception as error:
            return "error", type(error).__name__


def _typed(values: t.Mapping[str, t.Any]) -> list[tuple[str, type, t.Any]]:
    return [(name, type(value), value) for name, value in values.items()]


# What matches a variable of each converter, and what nearly does.
SAMPLES: dict[str, list[str]] = {
    "": ["a", "new", "7", "a b", "é", "-" * 300],
    "int": ["7", "07", "٣", "-1", "²", "1" * 300],
    "path": ["a", "a/b", "a//b", "new/7", "a/\n", "\na", "a/edit"],
    "string(length=2)": ["ab", "a", "new"],
    "string(minlength=2)": ["ab", "a"],
    "string(maxlength=2)": ["ab", "new"],
    "int(signed=True)": ["-7", "7", "--7"],
    "int(fixed_digits=2)": ["07", "7", "123"],
    "int(min=1, max=5)": ["1", "5", "6", "0"],
    "float": ["1.5", "1", "٣.٣"],
    "float(signed=True)": ["-1.5", "1.5"],
    "uuid": ["a8098c1a-f86e-11da-bd1a-00112444be1e", "a8098c1a"],
    "any(a, new, 'x.y')": ["a", "new", "x.y", "b"],
    "list": ["a+b", "a"],
    "even": ["2", "3", "10"],
    "broken": ["a", "b"],
    "slashy": ["a/b", "a"],
    "empty": ["", "a", "new"],
    "heavy": ["a", "7"],
    "light": ["a/b", "new"],
}
KINDS = [*list(SAMPLES)[:3] * 4, *SAMPLES]
TEXTS = ["a", "b", "new", "edit", "x.y", "v", "é", "a b", "%2F", "-"]
VALUES: list[t.Any] = [
    "a", "new", 7, "", "a b", "a/b", "é%?", 0, -7, 2, "7", 1.5, True, None, ["a", "b"], UUID(int=1), ("x",), b"a",
]  # fmt: skip
METHODS = ["GET", "POST", "PUT"]
Pieces = list[list[tuple[str, str]]]
T = t.TypeVar("T")


class Choices:
    """Makes rules and requests up, deciding by one byte at a time; without bytes left, for the simplest."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def pick(self, options: t.Sequence[T]) -> T:
        return options[next(self._bytes, 0) % len(options)]

    def once_in(self, times: int) -> bool:
        return self.pick(range(times)) == times - 1

    def setting(self) -> tuple[MapSpec, list[tuple[Pieces, Pieces]]]:
        """Make the rules of a map; return the pieces of their hosts and paths too."""
        host_matching = self.once_in(8)
        made = [self._rule(host_matching) for _ in range(self.pick([*range(1, 8), 20]))]
        options: Spec = {"host_matching": host_matching}
        for name in ("strict_slashes", "merge_slashes", "redirect_defaults", "sort_parameters"):
            if self.once_in(4):
                options[name] = self.pick([False, True])
        bind: Spec = {
            "script_name": self.pick([None, "/", "/app", "/app/"]),
            "url_scheme": self.pick([*["http"] * 6, "https", "https", "", "ws", "wss"]),
            "default_method": self.pick(METHODS),
        }
        hosts = [host for _, (pieces, _) in made if pieces and (host := self.sample(pieces)).isascii()]
        if hosts and self.once_in(4):
            bind["server_name" if host_matching else "subdomain"] = self.pick(hosts)
        elif not host_matching:
            bind["subdomain"] = self.pick([*[None] * 6, "", "other"])
        return MapSpec([kwargs for kwargs, _ in made], options, bind), [pieces for _, pieces in made]

    def _rule(self, host_matching: bool) -> tuple[Spec, tuple[Pieces, Pieces]]:
        names = ["d", "c", "b", "a"]
        host: Pieces = [self._segment(names)] if self.once_in(8) else []
        path: Pieces = [[]]
        for _ in range(self.pick([1, 2, 1, 2, 0, 3, 4])):
            path.append([] if self.once_in(14) else self._segment(names))
        if len(path) == 1 or self.once_in(3):
            path.append([])
        websocket = self.once_in(10)
        kwargs: Spec = {
            "string": _pattern(path),
            "endpoint": self.pick(["e0", "e1", "e2"]),
            "strict_slashes": self.pick([None, None, True, False]),
            "merge_slashes": self.pick([None, None, True, False]),
            "build_only": self.once_in(10),
            "alias": self.once_in(10),
            "websocket": websocket,
        }
        if self.once_in(2):
            kwargs["methods"] = [self.pick(["GET"] if websocket else METHODS) for _ in range(self.pick([1, 2, 0]))]
        if self.once_in(3):
            kwargs["defaults"] = {self.pick("abcd"): self.pick([1, "a"]) for _ in range(self.pick([1, 2]))}
        if self.once_in(10):
            kwargs["redirect_to"] = self.pick(["new/<a>", "edit", "/x", lambda adapter, **values: f"{values}"])
        if host:
            kwargs["host" if host_matching else "subdomain"] = _pattern(host)
        return kwargs, (host, path)

    def _segment(self, names: list[str]) -> list[tuple[str, str]]:
        """Make pieces of a segment: a text, or a converter and a name."""
        pieces = []
        for _ in range(self.pick([1, 1, 1, 1, 1, 1, 2, 3])):
            if names and self.once_in(2):
                pieces.append((self.pick(KINDS), names.pop()))
            else:
                pieces.append((self.pick(TEXTS), ""))
        return pieces

    def sample(self, pieces: Pieces) -> str:
        """Make a text that *pieces* may match."""

        def text(piece: tuple[str, str]) -> str:
            kind, name = piece
            return self.pick([*SAMPLES[kind][:1] * 16, *SAMPLES[kind]]) if name else kind

        return "/".join("".join(map(text, segment)) for segment in pieces)

    def path(self, pieces: Pieces) -> str:
        """Make a path that *pieces* may match, or nearly."""
        path = self.sample(pieces)
        for _ in range(self.pick([0, 0, 0, 0, 0, 1, 1, 2])):
            place = self.pick(range(len(path) + 1))
            change = self.pick(["end", "slash", "text", "drop"])
            if change == "end":
                path = path[:-1] if path.endswith("/") else f"{path}/"
            elif change == "drop":
                path = path[:place] + path[place + 1 :]
            else:
                path = path[:place] + ("/" if change == "slash" else self.pick(TEXTS)) + path[place:]
        return path

    def values(self) -> dict[str, t.Any]:
        """Make values to build a URL with."""
        return {name: self.pick(VALUES) for name in "abcdx" if self.once_in(2)}


def _pattern(pieces: Pieces) -> str:
    def text(piece: tuple[str, str]) -> str:
        kind, name = piece
        return kind if not name else f"<{kind}:{name}>" if kind else f"<{name}>"

    return "/".join("".join(map(text, segment)) for segment in pieces)
