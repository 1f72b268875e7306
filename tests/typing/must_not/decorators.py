"""Functions that the application could not call, or could do nothing with what they return."""

import typing as t

from kolben import Blueprint, Kolben, Response

app = Kolben(__name__)
bp = Blueprint("bp", __name__)


@app.before_request  # E: type-var
def wants_too_much(name: str) -> None:
    pass


@app.before_request  # E: type-var
def answers_with_a_number() -> int:
    return 1


@app.after_request  # E: type-var
def takes_no_response() -> Response:
    return Response()


@app.teardown_request  # E: type-var
def takes_nothing() -> None:
    pass


@bp.app_context_processor  # E: type-var
def no_dict() -> list[str]:
    return []


@app.errorhandler(404)  # E: type-var
def takes_no_error() -> str:
    return "Not found"


@app.errorhandler("404")  # E: arg-type
def by_text(error: t.Any) -> str:
    return "Not found"


@app.route("/user/<int:id>")
def user(id: int) -> str:
    return str(id)


user("7")  # E: arg-type
user()  # E: call-arg
length: int = user(7)  # E: assignment
