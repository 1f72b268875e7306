"""The pages of the site."""

from kolben import Blueprint, flash, redirect, render_template, request, session, url_for

bp = Blueprint("pages", __name__)


@bp.get("/")
def index():
    return render_template("pages/index.html", name=session.get("name"))


@bp.post("/")
def greet():
    name = request.form.get("name", "").strip()[:80]
    if name:
        session["name"] = name
        flash(f"Nice to meet you, {name}!")
    else:
        flash("Please tell me your name.", "error")
    return redirect(url_for(".index"))


@bp.post("/forget")
def forget():
    session.clear()
    flash("Forgotten.")
    return redirect(url_for(".index"))


@bp.get("/about")
async def about():
    # A view may be async: awaits in it hold nobody up.
    return render_template("pages/about.html")


@bp.get("/health")
def health():
    # What a dict holds is sent as JSON.
    return {"status": "ok"}
