"""Error pages."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException

from kolben import Kolben, render_template, request
from kolben.typing import ResponseReturnValue


def init_app(app: Kolben) -> None:
    """Have all errors answered by :func:`show`. What nobody expected comes there too, as a 500, once it is logged."""
    app.register_error_handler(HTTPException, show)


def show(error: HTTPException) -> ResponseReturnValue:
    """A page like the others. Scripts, which prefer JSON, get Kolben's own answer, a problem document."""
    accepts = request.accept_mimetypes
    if accepts.best_match(["text/html", "application/json"]) == "application/json":
        return error
    response = error.get_response()  # It has the headers that belong to the error, such as `Allow`.
    response.set_data(render_template("error.html", error=error))
    return response
