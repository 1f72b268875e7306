"""The debugger's pages as HTML. No script and no style is in them, and all that is shown is escaped.

They are made without templates: a page about a broken template should not need one.
"""

from __future__ import annotations

import typing as t
from itertools import groupby

from markupsafe import Markup

from .traces import library_of, shown_path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .errors import RecordedError
    from .request import Asked
    from .traces import Frame, Line, Raised

PREFIX = "/__debugger__/"
"""Paths below it are answered by the debugger; the application never sees them."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)

_DOCUMENT = Markup(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{prefix}static/debugger.css">
<script src="{prefix}static/debugger.js" defer></script>
</head>
<body{attributes}>
{body}
</body>
</html>
"""
)

_ERROR = Markup(
    """\
<header>
{place}<h1><span class="kind">{kind}</span>{message}</h1>
{notes}<p class="actions"><button type="button" id="copy" hidden>Copy the traceback</button>
<span id="access" role="status"></span></p>
</header>
<main>
{own}{raised}
{request}
<details class="plain"><summary>The traceback as text</summary>
<pre id="text" tabindex="0">{text}</pre></details>
</main>"""
)

_FRAME = Markup(
    """\
<details class="frame{kind}" data-frame="{number}"{is_open}>
<summary><span class="name">{name}</span> <span class="file">{file}<wbr>:{line}</span></summary>
{source}{variables}</details>
"""
)

_RELATIONS = {
    "raised": "",
    "cause": "was raised first, and is the direct cause of the exception above",
    "context": "was being handled when the exception above was raised",
    "member": "is one of the exceptions of the group above",
}


def error_page(error: RecordedError) -> str:
    """The page of an exception."""
    first = error.raised[0]
    place = Markup('<p class="place">{}</p>\n').format(f"{error.asked.method} {error.asked.url}") if error.asked else ""
    body = _ERROR.format(
        place=place,
        kind=first.kind,
        message=Markup('<span class="message">{}</span>').format(first.message) if first.message else "",
        notes=_notes(first),
        own=_own(error),
        raised=_join(_raised(raised, error.own is not None) for raised in error.raised),
        request=_request(error.asked) if error.asked else "",
        text=error.text,
    )
    data = Markup(' data-error="{}"').format(error.id) if error.has_consoles else Markup()
    return _document(error.summary, body, data)


def plain_page(title: str, *paragraphs: str) -> str:
    """A page that only says something."""
    body = Markup("<header><h1>{}</h1></header>\n<main>{}</main>").format(
        title, _join(Markup("<p>{}</p>\n").format(text) for text in paragraphs)
    )
    return _document(title, body)


def list_page(errors: list[RecordedError], note: str) -> str:
    """The page that lists the last errors.

    :param note: says something above the list.
    """
    item = Markup('<li><a href="{}errors/{}">{}</a> <span class="place">{}</span></li>\n')
    items = _join(item.format(PREFIX, error.id, error.summary[:200], error.place) for error in errors)
    shown = Markup('<ol class="errors">\n{}</ol>').format(items) if errors else Markup("<p>There was no error yet.</p>")
    body = Markup("<header><h1>Debugger</h1>\n<p>{}</p></header>\n<main><h2>Last errors</h2>\n{}</main>")
    return _document("Debugger", body.format(note, shown))


def _document(title: str, body: Markup, attributes: str = "") -> str:
    title = " ".join(title.split())[:200]
    return str(_DOCUMENT.format(title=title, prefix=PREFIX, attributes=Markup(attributes), body=body))


# -- exceptions and frames -------------------------------------------------------------------------------------------


def _own(error: RecordedError) -> Markup:
    """The user's own line, above all that led to it."""
    if error.own is None:
        return Markup()
    template = Markup('<section class="look">\n<h2>In your code: <span class="file">{}</span></h2>\n{}</section>\n')
    return template.format(error.where, _source(error.own.lines))


def _raised(raised: Raised, own_is_known: bool) -> Markup:
    return Markup('<section class="raised depth{}">\n{}{}</section>\n').format(
        min(raised.depth, 5), _heading(raised), _join(_frames(raised, own_is_known))
    )


def _heading(raised: Raised) -> Markup:
    if raised.relation == "raised":
        return Markup("<h2>Traceback, most recent call last</h2>\n")
    heading = Markup(
        '<h2><span class="kind">{}</span> <span class="relation">{}</span></h2>\n<p class="message">{}</p>\n'
    )
    return heading.format(raised.kind, _RELATIONS[raised.relation], raised.message) + _notes(raised)


def _notes(raised: Raised) -> Markup:
    return _join(Markup('<p class="note">{}</p>\n').format(note) for note in raised.notes)


def _frames(raised: Raised, own_is_known: bool) -> Iterator[Markup]:
    """The frames in their order; those of libraries that follow each other behind one line.

    :param own_is_known: whether there is anything of the user's to look at; if not, the last frame is shown instead.
    """
    own = [frame for frame in raised.frames if not frame.is_library]
    chosen = own[-1:] if own_is_known else raised.frames[-1:]
    gap_after = len(raised.frames) // 2 if raised.omitted else -1
    position = 0
    for is_library, group in groupby(raised.frames, lambda frame: frame.is_library and not _is_in(frame, chosen)):
        shown: list[Markup] = []
        frames = list(group)
        for frame in frames:
            is_chosen = _is_in(frame, chosen)
            shown.append(_frame(frame, not frame.is_library or is_chosen, is_chosen))
            position += 1
            if position == gap_after:
                shown.append(Markup('<p class="omitted">{} more frames</p>\n').format(raised.omitted))
        yield _folded(frames, shown) if is_library and len(frames) > 1 else _join(shown)


def _is_in(frame: Frame, frames: list[Frame]) -> bool:
    return any(frame is one for one in frames)


def _folded(frames: list[Frame], shown: list[Markup]) -> Markup:
    names = list(dict.fromkeys(map(library_of, frames)))
    template = Markup('<details class="library"><summary>{} frames of {}</summary>\n{}</details>\n')
    return template.format(len(frames), ", ".join(names[:4]) + (" and others" if names[4:] else ""), _join(shown))


def _frame(frame: Frame, is_open: bool, shows_variables: bool) -> Markup:
    return _FRAME.format(
        kind=" own" if not frame.is_library else "",
        number=frame.number if frame.code is not None else "",
        is_open=Markup(" open") if is_open else "",
        name=frame.name,
        file=shown_path(frame.filename),
        line=frame.line,
        source=_source(frame.lines),
        variables=_variables(frame.variables, shows_variables),
    )


def _source(lines: list[Line]) -> Markup:
    if not lines:
        return Markup('<p class="missing">Its source is not known.</p>\n')
    return Markup('<pre class="source" tabindex="0">{}</pre>\n').format(_join(map(_line, lines)))


def _line(line: Line) -> Markup:
    text: str | Markup = line.text
    if line.end > line.start:
        marked = Markup("{}<mark>{}</mark>{}")
        text = marked.format(line.text[: line.start], line.text[line.start : line.end], line.text[line.end :])
    template = Markup('<span class="line{}"><span class="number">{}</span>{}\n</span>')
    return template.format(" current" if line.is_current else "", line.number, text)


def _variables(variables: list[tuple[str, str]], is_open: bool) -> Markup:
    if not variables:
        return Markup()
    table = Markup('<details class="variables"{}><summary>Variables ({})</summary>\n{}</details>\n')
    return table.format(Markup(" open") if is_open else "", len(variables), _table(variables))


# -- the request -----------------------------------------------------------------------------------------------------


def _request(asked: Asked) -> Markup:
    line = Markup('<p class="place">{} {}</p>\n').format(asked.method, asked.url)
    tables = _join(Markup("<h3>{}</h3>\n{}").format(title, _table(rows)) for title, rows in asked.tables)
    return Markup('<section class="request">\n<h2>Request</h2>\n{}{}</section>').format(line, tables)


def _table(rows: Iterable[tuple[str, str]]) -> Markup:
    row = Markup('<tr><th scope="row">{}</th><td>{}</td></tr>\n')
    return Markup('<div class="scroll"><table>\n{}</table></div>\n').format(_join(row.format(*pair) for pair in rows))


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup().join(parts)
