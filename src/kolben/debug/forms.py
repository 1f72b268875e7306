"""Errors that explain, in debug mode, why a form's data is not where it was looked for."""

from __future__ import annotations

import typing as t

from werkzeug.routing import RequestRedirect

if t.TYPE_CHECKING:
    from ..http.request import Request


class DebugFilesKeyError(KeyError, AssertionError):
    """A file was looked up in a form that was not sent as ``multipart/form-data``, and so has none."""

    def __init__(self, request: Request, key: str) -> None:
        self.msg = (
            f"You tried to access the file {key!r} in the request.files dictionary but it does not exist. The mimetype"
            f" for the request is {request.mimetype!r} instead of 'multipart/form-data' which means that no file"
            " contents were transmitted. To fix this error you should provide"
            ' enctype="multipart/form-data" in your form.'
        )
        sent = request.form.getlist(key)
        if sent:
            names = ", ".join(map(repr, sent))
            self.msg += f"\n\nThe browser instead transmitted some file names. This was submitted: {names}"

    def __str__(self) -> str:
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """A redirect by routing that would make the browser drop method and data of the form it sent."""

    def __init__(self, request: Request) -> None:
        exc = request.routing_exception
        assert isinstance(exc, RequestRedirect)
        text = (
            f"A request was sent to '{request.url}', but routing issued a redirect to the canonical URL"
            f" '{exc.new_url}'."
        )
        if f"{request.base_url}/" == exc.new_url.partition("?")[0]:
            text += (
                " The URL was defined with a trailing slash. Requests without it are redirected to the URL with a"
                " trailing slash."
            )
        super().__init__(
            f"{text} Send requests to the canonical URL, or use 307 or 308 for routing redirects. Otherwise, browsers"
            " will drop form data.\n\nThis exception is only raised in debug mode."
        )


def explain_missing_files(request: Request) -> None:
    """Make ``request.files[key]`` explain itself where ``key`` is a field of the form but no file was sent."""
    files = request.files
    cls: t.Any = type(files)

    class Explaining(cls):  # type: ignore[misc]  # the class is whatever the request stores forms in
        def __getitem__(self, key: str) -> t.Any:
            try:
                return super().__getitem__(key)
            except KeyError as exc:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(exc.__traceback__) from None

    Explaining.__name__, Explaining.__module__ = cls.__name__, cls.__module__
    files.__class__ = Explaining
