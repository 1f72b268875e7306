"""The guestbook for programs: JSON in, JSON out."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException

from kolben import Blueprint, abort, json, request, url_for
from kolben.typing import ResponseReturnValue

from . import book

bp = Blueprint("api", __name__, url_prefix="/api")

MOST_AT_ONCE = 100


@bp.get("/entries")
def entries() -> ResponseReturnValue:
    """The newest entries; `?limit=` says how many, `?before=` goes back from an id."""
    limit = request.args.get("limit", 20, type=int)
    return book.latest(min(max(limit, 1), MOST_AT_ONCE), request.args.get("before", type=int))


@bp.get("/entries/<int:id>")
def entry(id: int) -> ResponseReturnValue:
    found = book.find(id)
    if found is None:
        abort(404, f"There is no entry {id}.")
    return found


@bp.post("/entries")
def sign() -> ResponseReturnValue:
    """Add `{"name": ..., "message": ...}`."""
    match request.get_json():
        case {"name": str(name), "message": str(message)}:
            name, message = name.strip(), message.strip()
        case _:
            abort(400, "An entry is an object with two strings, 'name' and 'message'.")
    if problems := book.check(name, message):
        abort(422, " ".join(problems.values()))
    added = book.add(name, message)
    return added, 201, {"Location": url_for(".entry", id=added.id)}


@bp.errorhandler(HTTPException)
def problem(error: HTTPException) -> ResponseReturnValue:
    """Errors are JSON here, whatever the client says that it accepts (RFC 9457)."""
    response = error.get_response()
    response.set_data(json.dumps({"title": error.name, "status": error.code, "detail": error.description}))
    response.content_type = "application/problem+json"
    return response
