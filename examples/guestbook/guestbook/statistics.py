"""What the guestbook amounts to."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

from kolben import Blueprint, render_template
from kolben.typing import ResponseReturnValue

from .database import Row, fetch_all

bp = Blueprint("statistics", __name__, url_prefix="/statistics")

DAYS = 14


@bp.get("/")
async def index() -> ResponseReturnValue:
    """The figures. Three queries run at the same time; the event loop is free while they do."""
    today = datetime.now(UTC).date()
    first_day = today - timedelta(days=DAYS - 1)
    (totals,), per_day, most_diligent = await asyncio.gather(
        fetch_all(
            "SELECT count(*) AS entries, count(DISTINCT name) AS names, sum(length(message)) AS characters FROM entry"
        ),
        fetch_all(
            "SELECT substr(signed_at, 1, 10) AS day, count(*) AS entries FROM entry WHERE signed_at >= ? GROUP BY day",
            [first_day.isoformat()],
        ),
        fetch_all("SELECT name, count(*) AS entries FROM entry GROUP BY name ORDER BY entries DESC, name LIMIT 5"),
    )
    return render_template(
        "statistics.html", totals=totals, days=fill_gaps(per_day, first_day), most_diligent=most_diligent
    )


def fill_gaps(rows: list[Row], first_day: date) -> dict[date, int]:
    """The number of entries of each day, also of those that have none."""
    counts = {row["day"]: row["entries"] for row in rows}
    days = (first_day + timedelta(days=offset) for offset in range(DAYS))
    return {day: counts.get(day.isoformat(), 0) for day in days}
