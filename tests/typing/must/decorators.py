"""Decorators leave a function's type as it is, sync or async."""

import typing as t
from collections.abc import AsyncIterator, Callable, Coroutine

from werkzeug.exceptions import NotFound

from kolben import Blueprint, Kolben, Response

app = Kolben(__name__)
bp = Blueprint("bp", __name__, url_prefix="/bp")


@app.route("/add/<int:a>/<int:b>")
@bp.get("/add/<int:a>/<int:b>")
def add(a: int, b: int = 0) -> str:
    return str(a + b)


@app.before_request
@bp.before_app_request
def before() -> None:
    pass


@app.before_request
async def before_async() -> str | None:
    return None


@app.after_request
@bp.after_app_request
def after(response: Response) -> Response:
    return response


@app.after_request
async def after_async(response: Response) -> Response:
    return response


@app.teardown_request
@app.teardown_appcontext
@bp.teardown_app_request
def teardown(exc: BaseException | None) -> None:
    pass


@app.errorhandler(404)
@bp.app_errorhandler(NotFound)
def not_found(error: NotFound) -> tuple[str, int]:
    return error.name, 404


@app.errorhandler(ZeroDivisionError)
async def divided(error: ZeroDivisionError) -> dict[str, str]:
    return {"error": str(error)}


@app.context_processor
@bp.app_context_processor
def names() -> dict[str, t.Any]:
    return {"name": "Ada"}


@app.url_value_preprocessor
def pull(endpoint: str | None, values: dict[str, t.Any] | None) -> None:
    if values is not None:
        values.pop("language", None)


@app.url_defaults
def push(endpoint: str, values: dict[str, t.Any]) -> None:
    values.setdefault("language", "en")


@app.template_filter()
def shout(text: str) -> str:
    return text.upper()


@app.before_serving
async def start() -> None:
    pass


@app.while_serving
async def pool() -> AsyncIterator[None]:
    yield


@app.cli.command("create")
def create() -> None:
    pass


def register() -> None:
    app.register_blueprint(bp, url_prefix="/other")
    app.add_url_rule("/added", "added", add, methods=["GET"])


t.assert_type(add(1, b=2), str)
unchanged: Callable[[], None] = before
unchanged_async: Callable[[], Coroutine[t.Any, t.Any, str | None]] = before_async
unchanged_after: Callable[[Response], Response] = after
unchanged_handler: Callable[[NotFound], tuple[str, int]] = not_found
unchanged_filter: Callable[[str], str] = shout
