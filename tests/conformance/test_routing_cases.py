"""Rules, requests and what comes of them, as a table: Werkzeug's ``Map`` and Kolben's both have to agree with it.

A request is ``[METHOD] path [@ host or subdomain]``. An answer is the number of the rule and
its values, a redirect's target, or a status with, for 405, the methods that are allowed.
"""

from __future__ import annotations

import typing as t

import pytest
import werkzeug.routing as oracle
from werkzeug.datastructures import MultiDict

from kolben import routing

from .routing_oracle import MapSpec, Side, Spec

Table = dict[str, tuple[list[str | Spec], Spec, dict[str, str]]]

UUID = "a8098c1a-f86e-11da-bd1a-00112444be1e"


def rule(string: str, **kwargs: t.Any) -> Spec:
    return {"string": string, **kwargs}


MATCHES: Table = {
    "fixed paths": (
        ["/", "/about", "/a/b/c"],
        {},
        {"/": "0", "/about": "1", "/a/b/c": "2", "/About": "404", "/a/b": "404", "": "-> /"},
    ),
    "branches redirect, leaves do not": (
        ["/branch/", "/leaf", "/<int:id>/"],
        {},
        {
            "/branch/": "0",
            "/branch": "-> /branch/",
            "/leaf": "1",
            "/leaf/": "404",
            "/7": "-> /7/",
            "/7/": "2 {'id': 7}",
        },
    ),
    "slashes at the end may not matter": (
        ["/branch/", "/leaf", "/<int:id>", rule("/strict/", strict_slashes=True)],
        {"strict_slashes": False},
        {"/branch": "0", "/leaf/": "1", "/7/": "2 {'id': 7}", "/7//": "-> /7/", "/strict": "-> /strict/"},
    ),
    "superfluous slashes": (
        ["/a/b/", "/<path:p>/edit", rule("/keep//this", merge_slashes=False)],
        {},
        {
            "/a//b/": "-> /a/b/",
            "/a//b": "-> /a/b/",
            "/x//y/edit": "1 {'p': 'x//y'}",
            "/keep//this": "2",
            "/keep/this": "404",
            "//a/b/": "0",
        },
    ),
    "superfluous slashes may not matter": (
        ["/a/b/", rule("/c/d", merge_slashes=True)],
        {"merge_slashes": False},
        {"/a//b/": "404", "/a/b": "-> /a/b/", "/c//d": "404", "/c/d": "1"},
    ),
    "methods": (
        [
            rule("/", methods=["GET"]),
            rule("/", methods=["POST"]),
            "/any",
            rule("/<int:id>", methods=["GET"]),
            rule("/<name>", methods=["PUT"]),
        ],
        {},
        {
            "/": "0",
            "HEAD /": "0",
            "post /": "1",
            "PUT /": "405 GET HEAD POST",
            "BREW /any": "2",
            "/7": "3 {'id': 7}",
            "PUT /7": "4 {'name': '7'}",
            "POST /7": "405 GET HEAD PUT",
            "POST /x": "405 PUT",
        },
    ),
    "the built-in converters": (
        [
            "/int/<int:v>",
            "/signed/<int(signed=True):v>",
            "/digits/<int(fixed_digits=3):v>",
            "/range/<int(min=2, max=4):v>",
            "/float/<float:v>",
            "/string/<string(minlength=2, maxlength=3):v>",
            "/length/<string(length=2):v>",
            "/any/<any(a, 'b.c'):v>",
            "/uuid/<uuid:v>",
            "/path/<path:v>",
        ],
        {},
        {
            "/int/007": "0 {'v': 7}",
            "/int/٣": "0 {'v': 3}",
            "/int/²": "404",
            "/int/-7": "404",
            "/int/" + "9" * 4301: "404",
            "/signed/-7": "1 {'v': -7}",
            "/digits/007": "2 {'v': 7}",
            "/digits/07": "404",
            "/range/4": "3 {'v': 4}",
            "/range/5": "404",
            "/float/1.50": "4 {'v': 1.5}",
            "/float/1": "404",
            "/string/abc": "5 {'v': 'abc'}",
            "/string/a": "404",
            "/string/abcd": "404",
            "/length/ab": "6 {'v': 'ab'}",
            "/any/b.c": "7 {'v': 'b.c'}",
            "/any/bxc": "404",
            f"/uuid/{UUID}": f"8 {{'v': UUID('{UUID}')}}",
            "/uuid/1": "404",
            "/path/a/b/": "9 {'v': 'a/b/'}",
            "/path/a\nb": "404",
            "/path//a": "-> /path/a",
        },
    ),
    "what is more particular comes first, in whatever order": (
        ["/<path:p>", "/<name>", "/<int:id>", "/new", "/<name>.json", "/v<int:id>"],
        {},
        {
            "/new": "3",
            "/7": "2 {'id': 7}",
            "/x": "1 {'name': 'x'}",
            "/x.json": "4 {'name': 'x'}",
            "/v7": "5 {'id': 7}",
            "/vx": "1 {'name': 'vx'}",
            "/a/b": "0 {'p': 'a/b'}",
        },
    ),
    "a way that leads nowhere is left again": (
        ["/user/new", "/user/<name>/posts", "/user/<int:id>/edit", "/<a>/<b>/<c>/d"],
        {},
        {
            "/user/new": "0",
            "/user/new/posts": "1 {'name': 'new'}",
            "/user/7/posts": "1 {'name': '7'}",
            "/user/7/edit": "2 {'id': 7}",
            "/user/new/edit": "404",
            "/user/new/posts/d": "3 {'a': 'user', 'b': 'new', 'c': 'posts'}",
        },
    ),
    "the first way that leads somewhere is taken": (
        [
            "/<n>/7",
            "/a/<int:x>",
            "/<s>/x",
            "/<int:a>/<b>",
            "/<s>/<t>/<u>",
            "/<int:a>/<b>/c",
            "/p/<path:p>",
            "/p/<int:a>/<path:b>",
        ],
        {},
        {
            "/a/7": "1 {'x': 7}",
            "/b/7": "0 {'n': 'b'}",
            "/7/x": "3 {'a': 7, 'b': 'x'}",
            "/y/x": "2 {'s': 'y'}",
            "/7/x/c": "5 {'a': 7, 'b': 'x'}",
            "/y/x/c": "4 {'s': 'y', 't': 'x', 'u': 'c'}",
            "/p/7/x/y": "7 {'a': 7, 'b': 'x/y'}",
            "/p/x/7/y": "6 {'p': 'x/7/y'}",
        },
    ),
    "a slash at the end that does not matter, and one that does": (
        [
            rule("/x", strict_slashes=False),
            "/x/",
            rule("/<int:i>", strict_slashes=False),
            "/<int:i>/",
            rule("/y/", methods=["POST"]),
            rule("/y", strict_slashes=False),
            rule("/z/<a>", strict_slashes=False),
            "/z/<path:b>",
        ],
        {},
        {
            "/x": "0",
            "/x/": "1",
            "/7": "2 {'i': 7}",
            "/7/": "3 {'i': 7}",
            "/y/": "5",
            "POST /y/": "4",
            "/z/a/": "6 {'a': 'a'}",
            "/z/a/b": "7 {'b': 'a/b'}",
        },
    ),
    "several variables in a segment": (
        ["/<a>-<b>", "/v<int:major>.<int:minor>.json", "/<path:a>/x/<path:b>", "/<a>..<b>/"],
        {},
        {
            "/1-2-3": "0 {'a': '1-2', 'b': '3'}",
            "/v1.2.json": "1 {'major': 1, 'minor': 2}",
            "/1/x/2/x/3": "2 {'a': '1', 'b': '2/x/3'}",
            "/a..b": "-> /a..b/",
        },
    ),
    "a path before a slash": (
        ["/<path:p>/", "/files/<path:p>/edit/"],
        {},
        {
            "/a/b": "-> /a/b/",
            "/a/b/": "0 {'p': 'a/b'}",
            "/files/a/edit/": "1 {'p': 'a'}",
            "/files/a/edit": "-> /files/a/edit/",
        },
    ),
    "defaults": (
        [
            rule("/all/", defaults={"page": 1}, endpoint="all"),
            rule("/all/<int:page>", endpoint="all"),
            rule("/<x>/", defaults={"y": 2}),
        ],
        {},
        {
            "/all/": "0 {'page': 1}",
            "/all/1": "-> /all/",
            "/all/2": "1 {'page': 2}",
            "/b/": "2 {'x': 'b', 'y': 2}",
        },
    ),
    "defaults may not redirect": (
        [rule("/all/", defaults={"page": 1}, endpoint="all"), rule("/all/<int:page>", endpoint="all")],
        {"redirect_defaults": False},
        {"/all/1": "1 {'page': 1}"},
    ),
    "aliases and targets": (
        [
            rule("/user/<int:id>", endpoint="user"),
            rule("/u<int:id>", endpoint="user", alias=True),
            rule("/old/<a>", redirect_to="new/<a>"),
            rule("/older/<a>", redirect_to=lambda adapter, a: f"/{adapter.server_name}/{a}"),
        ],
        {},
        {"/u7": "-> /user/7", "/old/x y": "-> /new/x%20y", "/older/x": "-> /example.com/x"},
    ),
    "build only": ([rule("/a", build_only=True), "/<b>"], {}, {"/a": "1 {'b': 'a'}"}),
    "the user's converters": (
        [
            "/list/<list:v>",
            "/even/<even:v>",
            "/even/<name>/x",
            "/broken/<broken:v>",
            "/slashy/<slashy:v>",
            rule("/e", strict_slashes=False),
            "/e/<empty:v>",
        ],
        {},
        {
            "/list/a+b": "0 {'v': ['a', 'b']}",
            "/even/2": "1 {'v': 2}",
            "/even/3": "404",
            "/even/3/x": "2 {'name': '3'}",
            "/broken/a": "LookupError",
            "/broken/b": "3 {'v': 'B'}",
            "/slashy/a/b": "4 {'v': 'a/b'}",
            "/e": "5",
            "/e/": "6 {'v': ''}",
        },
    ),
    "a refused value counts what was turned down before": (
        [rule("/<int(min=5):id>", methods=["GET"]), rule("/<int:id>", methods=["POST"])],
        {},
        {"/1": "404", "POST /1": "1 {'id': 1}", "PUT /1": "405 GET HEAD POST"},
    ),
    "subdomains": (
        ["/", rule("/", subdomain="api"), rule("/<int:id>", subdomain="<user>"), rule("/x", subdomain="<a>-<b>")],
        {},
        {
            "/": "0",
            "/ @ api": "1",
            "/ @ bob": "404",
            "/7 @ bob": "2 {'user': 'bob', 'id': 7}",
            "/7 @ api": "2 {'user': 'api', 'id': 7}",
            "/x @ a-b": "3 {'a': 'a', 'b': 'b'}",
            "/7 @ a/b": "404",
        },
    ),
    "hosts": (
        [rule("/", host="example.com"), rule("/<int:id>", host="<user>.example.com"), rule("/any", host="<path:host>")],
        {"host_matching": True},
        {"/": "0", "/7 @ bob.example.com": "1 {'user': 'bob', 'id': 7}", "/ @ other": "404", "/any @ other": "404"},
    ),
    "no subdomain comes before a subdomain that may be empty": (
        ["/<a>", rule("/b", subdomain="<empty:s>"), rule("/c", subdomain="<int:s>"), rule("/c", subdomain="<t>")],
        {},
        {"/b": "0 {'a': 'b'}", "/b @ x": "1 {'s': 'x'}", "/c @ 7": "2 {'s': 7}", "/c @ x": "3 {'t': 'x'}"},
    ),
    "websockets": (
        [
            "/",
            rule("/ws", websocket=True),
            rule("/both"),
            rule("/both", websocket=True),
            rule("/<int:id>", websocket=True),
        ],
        {},
        {
            "/ws": "400",
            "WS /ws": "1",
            "/both": "2",
            "WS /both": "3",
            "WS /": "400",
            "WS /7": "4 {'id': 7}",
            "WS /x": "404",
        },
    ),
    "texts that are regular expressions": (
        ["/a.b/<int:id>", "/(?P<x>.+)/<int:id>x", "/[a-z]{2}", "/a|b/<c>", "/\\d/<c>"],
        {},
        {"/a.b/7": "0 {'id': 7}", "/axb/7": "404", "/a|b/c": "3 {'c': 'c'}", "/a/c": "404", "/\\d/c": "4 {'c': 'c'}"},
    ),
}


#: Rules, what the map is bound with, and for an endpoint and values the URL.
Builds = dict[str, tuple[list[str | Spec], Spec, list[tuple[t.Any, ...]]]]

BUILDS: Builds = {
    "values are quoted": (
        ["/a b/é/<name>", "/p/<path:p>", rule("/f/<float:x>/<int:y>/<int(fixed_digits=3):z>/<uuid:u>")],
        {},
        [
            (0, {"name": "x"}, "/a%20b/%C3%A9/x"),
            (0, {"name": "x/y?ö:@"}, "/a%20b/%C3%A9/x/y%3F%C3%B6:@"),
            (0, {"name": 7}, "/a%20b/%C3%A9/7"),
            (0, {"name": ""}, "/a%20b/%C3%A9/"),
            (1, {"p": "/a/b"}, "/p//a/b"),
            (2, {"x": 1, "y": "07", "z": 7, "u": UUID}, f"/f/1.0/7/007/{UUID}"),
            (2, {"x": "y", "y": "07", "z": 7, "u": UUID}, ValueError),
        ],
    ),
    "the rest is the query": (
        ["/<a>"],
        {},
        [
            (0, {"a": 1, "b": 2, "c": "x y&", "d": None}, "/1?b=2&c=x+y%26"),
            (0, {"a": 1, "b": ["x", "y"]}, "/1?b=x&b=y"),
            (0, MultiDict([("a", "1"), ("b", "x"), ("b", "y")]), "/1?b=x&b=y"),
            (0, {"a": 1, "b": []}, "/1"),
            (0, {"a": 1, "b": 2}, {"append_unknown": False}, "/1"),
            (0, {"a": None, "b": 2}, routing.BuildError),
        ],
    ),
    "defaults choose the rule": (
        [
            rule("/all/", defaults={"page": 1}, endpoint="all"),
            rule("/all/<int:page>", endpoint="all"),
            rule("/<lang>/x", defaults={"lang": "de x"}),
        ],
        {},
        [
            ("all", {}, "/all/"),
            ("all", {"page": 1}, "/all/"),
            ("all", {"page": 2, "q": 3}, "/all/2?q=3"),
            (2, {}, "/de%20x/x"),
            (2, {"lang": "en"}, routing.BuildError),
        ],
    ),
    "methods": (
        [
            rule("/get", methods=["GET"], endpoint="x"),
            rule("/post", methods=["POST"], endpoint="x"),
            rule("/put", methods=["PUT"], endpoint="y"),
        ],
        {"default_method": "POST"},
        [
            ("x", {}, "/post"),
            ("x", {}, {"method": "GET"}, "/get"),
            ("x", {}, {"method": "PUT"}, routing.BuildError),
            ("y", {}, "/put"),
        ],
    ),
    "hosts, schemes and script names": (
        ["/", rule("/", subdomain="api"), rule("/<int:id>", subdomain="<user>"), rule("/ws", websocket=True)],
        {"script_name": "/app", "url_scheme": "https"},
        [
            (0, {}, "/app/"),
            (0, {}, {"force_external": True}, "https://example.com/app/"),
            (0, {}, {"force_external": True, "url_scheme": ""}, "//example.com/app/"),
            (1, {}, "https://api.example.com/app/"),
            (2, {"user": "bob", "id": 7}, "https://bob.example.com/app/7"),
            (3, {}, "wss://example.com/app/ws"),
            (3, {}, {"url_scheme": "http"}, "ws://example.com/app/ws"),
        ],
    ),
    "names that Python keeps for itself": (
        ["/<self>/<class>/<values>/<append_unknown>/<q>"],
        {},
        [(0, {"self": 1, "class": 2, "values": 3, "append_unknown": 4, "q": 5, "str": 6}, "/1/2/3/4/5?str=6")],
    ),
    "the user's converters": (
        ["/<list:v>", rule("/<even:v>", endpoint="number"), rule("/odd/<int:v>", endpoint="number", alias=True)],
        {},
        [(0, {"v": ["a", "b c"]}, "/a+b%20c"), ("number", {"v": 2}, "/2"), ("number", {"v": 3}, "/odd/3")],
    ),
}


def _answer(side: Side, request: str, options: Spec) -> str:
    request, _, host = request.partition(" @ ")
    if host:
        side.adapter = side.map.bind(host) if options.get("host_matching") else side.map.bind("example.com", None, host)
    method, _, path = request.partition(" ") if request[:1].isalpha() else ("GET", "", request)
    outcome = side.match(path, "GET" if method == "WS" else method, method == "WS" or None)
    if outcome[0] == "match":
        values = {name: value for name, _, value in outcome[2]}
        return f"{outcome[1]} {values}" if values else str(outcome[1])
    if outcome[0] == "redirect":
        return "-> " + str(outcome[1]).removeprefix("http://example.com").removesuffix("?q=1")
    if outcome[0] == "method":
        return " ".join(["405", *sorted(outcome[1])])
    return str(outcome[1])


@pytest.mark.parametrize("module", [oracle, routing], ids=["werkzeug", "kolben"])
@pytest.mark.parametrize("name", MATCHES)
def test_matches(name: str, module: t.Any) -> None:
    rules, options, requests = MATCHES[name]
    spec = MapSpec([rule(found) if isinstance(found, str) else found for found in rules], options)
    for request, expected in requests.items():
        assert _answer(Side(module, spec), request, options) == expected, request


@pytest.mark.parametrize("module", [oracle, routing], ids=["werkzeug", "kolben"])
@pytest.mark.parametrize("name", BUILDS)
def test_builds(name: str, module: t.Any) -> None:
    rules, bind, wanted = BUILDS[name]
    specs = [rule(found) if isinstance(found, str) else found for found in rules]
    side = Side(module, MapSpec([{"endpoint": number, **found} for number, found in enumerate(specs)], bind=bind))
    for endpoint, values, *options, expected in wanted:
        try:
            built: t.Any = side.adapter.build(endpoint, values, **(options[0] if options else {}))
        except Exception as error:
            built = type(error)
        assert built == expected, (endpoint, values, options)
