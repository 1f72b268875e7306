"""The guestbook's page: reading it, signing it, and following it live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from kolben import Blueprint, Event, EventStream, Response, flash, redirect, render_template, request, session, url_for
from kolben.http.sse import last_event_id
from kolben.typing import ResponseReturnValue

from . import book, database

bp = Blueprint("entries", __name__)

PAGE_SIZE = 20


@bp.app_template_filter()
def when(signed_at: str) -> str:
    """The time of an entry for people; `when.js` makes local time of it."""
    return f"{datetime.fromisoformat(signed_at):%d %B %Y, %H:%M} UTC"


@bp.get("/")
def index() -> ResponseReturnValue:
    return show_page(name=session.get("name", ""))


@bp.post("/")
def sign() -> ResponseReturnValue:
    name = request.form.get("name", "").strip()
    message = request.form.get("message", "").strip().replace("\r\n", "\n")
    problems = book.check(name, message)
    if problems:
        return show_page(name, message, problems), 422
    book.add(name, message)
    session["name"] = name
    session.permanent = True
    flash(f"Thank you, {name}. Your entry is in the book.")
    # 303: the browser now gets the page, and reloading that does not sign again.
    return redirect(url_for(".index"), 303)


def show_page(name: str, message: str = "", problems: dict[str, str] | None = None) -> str:
    before = request.args.get("before", type=int)
    # One more than is shown tells whether there are older ones.
    entries = book.latest(PAGE_SIZE + 1, before)
    return render_template(
        "guestbook.html",
        entries=entries[:PAGE_SIZE],
        has_older=len(entries) > PAGE_SIZE,
        is_newest=before is None,
        name=name,
        message=message,
        problems=problems or {},
        book=book,
    )


@bp.get("/events")
async def events() -> Response:
    """What happens from now on, or since the entry that the page has seen last."""
    seen = last_event_id() or request.args.get("after", "")
    return EventStream(follow(int(seen) if seen.isascii() and seen.isdigit() else 0), retry=2000)


async def follow(seen: int) -> AsyncIterator[Event]:
    """What was missed, then what comes.

    Listening begins before the database is asked, so that nothing is lost in between; what comes twice, pages ignore.
    """
    try:
        with book.news.listen() as news:
            tell_how_many_read()
            for entry in await book.added_after(seen):
                yield book.as_event(entry)
            async for event in news:
                yield event
    finally:
        tell_how_many_read()


def tell_how_many_read() -> None:
    book.news.publish(Event(len(book.news), event="readers"))


@bp.get("/guestbook.txt")
def as_text() -> Response:
    """The whole book as text, sent while it is read: the connection in `g` stays open until the last line."""

    def lines() -> Iterator[str]:
        rows = database.get().execute("SELECT * FROM entry ORDER BY id")
        for entry in (book.Entry(*row) for row in rows):
            yield f"{entry.name}, {entry.signed_at}\n\n{entry.message}\n\n* * *\n\n"

    return Response(lines(), mimetype="text/plain")
