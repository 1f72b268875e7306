"""The names that mean the current request."""

import typing as t

from kolben import Request, Response, after_this_request, current_app, g, has_request_context, request, session

if t.TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage


def read() -> None:
    t.assert_type(request.method, str)
    t.assert_type(request.path, str)
    t.assert_type(request.host, str)
    t.assert_type(request.form["name"], str)
    t.assert_type(request.form.getlist("name"), list[str])
    t.assert_type(request.form.get("age", 0, type=int), int)
    t.assert_type(request.args.get("page"), str | None)
    t.assert_type(request.cookies.get("theme", "dark"), str)
    t.assert_type(request.content_length, int | None)
    t.assert_type(request.remote_addr, str | None)
    t.assert_type(request.endpoint, str | None)
    t.assert_type(request.blueprints, list[str])
    t.assert_type(request.headers.get("Accept"), str | None)
    document: dict[str, str] = request.get_json()
    upload: FileStorage = request.files["photo"]
    upload.save(f"/tmp/{document['name']}")


def write() -> None:
    request.max_content_length = 1024
    session["user"] = 7
    session.permanent = True
    session.pop("user", None)
    g.user = "Ada"
    user: str = g.user
    if "user" in g:
        g.setdefault("count", len(user))
    current_app.logger.info("%s", current_app.config["SECRET_KEY"])
    t.assert_type(has_request_context(), bool)


def change_response() -> None:
    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie("theme", "dark", httponly=True)
        return response


class OwnRequest(Request):
    """A request may be given what a class or a middleware knows better."""

    @property
    def user(self) -> str:
        return self.headers.get("X-User", "")


def correct(own: OwnRequest) -> None:
    own.path = own.path.lower()
    own.remote_addr = None
    t.assert_type(own.user, str)
