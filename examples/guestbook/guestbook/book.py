"""What the guestbook keeps: reading entries, adding one, and the news of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kolben import Event

from . import database
from .broadcast import Broadcast

LONGEST_NAME = 40
LONGEST_MESSAGE = 1000

news: Broadcast[Event] = Broadcast()
"""What open pages are told: an event `entry` for each that is added."""


@dataclass(frozen=True)
class Entry:
    """What somebody wrote. As JSON it is an object with these names."""

    id: int
    name: str
    message: str
    signed_at: str


def check_name(name: str) -> str | None:
    """What is wrong with a name, if anything is."""
    if not name:
        return "Please tell us your name."
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} characters; this one has {len(name)}."
    return None


def check(name: str, message: str) -> dict[str, str]:
    """What is wrong with an entry, by field; nothing if it can be added."""
    problems = {}
    if problem := check_name(name):
        problems["name"] = problem
    if not message:
        problems["message"] = "Please write something."
    elif len(message) > LONGEST_MESSAGE:
        problems["message"] = f"A message has at most {LONGEST_MESSAGE} characters; this one has {len(message)}."
    return problems


def add(name: str, message: str) -> Entry:
    """Add an entry and tell all open pages."""
    signed_at = datetime.now(UTC).isoformat(timespec="seconds")
    with database.get() as connection:  # one transaction
        cursor = connection.execute(
            "INSERT INTO entry (name, message, signed_at) VALUES (?, ?, ?) RETURNING *", (name, message, signed_at)
        )
        entry = Entry(*cursor.fetchone())
    news.publish(as_event(entry))
    return entry


def latest(limit: int, before: int | None = None) -> list[Entry]:
    """The entries that were added last, the newest first.

    :param before: the id of an entry: only older ones.
    """
    sql = "SELECT * FROM entry WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?"
    return [Entry(*row) for row in database.get().execute(sql, (before, before, limit))]


def find(id: int) -> Entry | None:
    """The entry with this id."""
    row = database.get().execute("SELECT * FROM entry WHERE id = ?", (id,)).fetchone()
    return Entry(*row) if row else None


async def added_after(id: int) -> list[Entry]:
    """The entries that were added after the one with this id, the oldest first."""
    return [Entry(*row) for row in await database.fetch_all("SELECT * FROM entry WHERE id > ? ORDER BY id", (id,))]


def as_event(entry: Entry) -> Event:
    """The news of an entry. By its id a browser says, when it connects again, what it has seen."""
    return Event(entry, event="entry", id=entry.id)
