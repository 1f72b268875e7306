"""The visitor's name, which the session remembers."""

from __future__ import annotations

from kolben import Blueprint, flash, redirect, request, session, url_for
from kolben.typing import ResponseReturnValue

from . import book

bp = Blueprint("visitors", __name__, url_prefix="/visitor")


@bp.post("/name")
def remember() -> ResponseReturnValue:
    name = request.form.get("name", "").strip()
    if problem := book.check_name(name):
        flash(problem, "error")
    else:
        session["name"] = name
        session.permanent = True
    return redirect(url_for("chat.index"), 303)


@bp.post("/forget")
def forget() -> ResponseReturnValue:
    session.clear()
    flash("Your name is forgotten. Your entries stay.")
    return redirect(url_for("entries.index"), 303)
