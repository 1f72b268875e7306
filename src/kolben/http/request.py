"""The request: Werkzeug's, where everything is read from the head or the body when somebody asks for it.

One class serves both protocols. It holds a WSGI environ or an ASGI scope and computes each attribute from that at its
first use; nothing needs an environ, though :attr:`Request.environ` is made if somebody wants one.
"""

from __future__ import annotations

import re
import sys
import typing as t
from io import BytesIO
from urllib.parse import quote

from werkzeug.datastructures import Headers, ImmutableMultiDict, MIMEAccept, MultiDict
from werkzeug.datastructures.structures import iter_multi_items
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_accept_header
from werkzeug.sansio.utils import get_host
from werkzeug.urls import uri_to_iri
from werkzeug.wrappers import Request as WerkzeugRequest

from .. import bridge, json
from ..globals import get_current
from .awaitable import Values, awaitable
from .body import CHUNK_SIZE, InputBody, ReceivedBody, refuse_unreadable
from .cookies import read_cookies
from .forms import Files, Form, parse_form, read_form, read_parts
from .head import EnvironHead, EnvironHeaders, ScopeHead, ScopeHeaders, declared_length, parsed_options, scope_path
from .host import VALID_HOSTS, host_is_trusted, parse_host, without_default_port
from .lazy import WITHOUT_APP, Limit, OwnLimits, lazy, name_attributes
from .urlencoded import Parameters, parse_query, read_query

if t.TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import FileStorage

    from ..dispatch.plan import Plan
    from ..routing import Rule
    from .body import Body
    from .head import Scope


_FORM_TYPE = "application/x-www-form-urlencoded", b"application/x-www-form-urlencoded"
_BLANKS = re.compile(r"\s{2,}")
_AWAITED = frozenset({dict, list, str})
# What a request has most of all.
_ATTRIBUTES = (
    *("environ", "scope", "index", "path", "method", "url_rule", "view_args", "args", "form", "headers", "cookies"),
    *("received", "_body", "_is_untouched", "_is_read", "holds_body", "_cached_data", "_cached_json"),
)
# What the short cuts to the body go around.
_SHORT_CUT = (
    *("_load_form_data", "body", "content_length", "content_type", "get_data", "head", "is_json", "max_content_length"),
    *("max_form_memory_size", "max_form_parts", "mimetype", "query_string", "shallow", "stream"),
    "want_form_data_parsed",
)


class Request(WerkzeugRequest):
    """What a client asked. As :class:`werkzeug.wrappers.Request`, under both protocols.

    The body is complete when an ordinary view runs: :attr:`form`, :attr:`files`, :meth:`get_data` and :meth:`get_json`
    are plain attributes and calls in synchronous and asynchronous views alike. ``await`` on them is allowed and does
    nothing.
    """

    json_module: t.Any = json

    url_rule: Rule | None = None
    """The rule that matched; ``None`` before matching and if none did."""
    view_args: dict[str, t.Any] | None = None
    """The values of the URL's variables."""
    routing_exception: HTTPException | None = None
    """Why no rule matched; raised when the request is dispatched."""

    scope: Scope | None = None
    """The ASGI scope, if the request came through ASGI."""

    index: dict[bytes, bytes] | None = None
    """The headers of the ASGI scope, if the protocol has seen that no name stands there twice."""
    received: bytes | None = None
    """The whole body, where ASGI brought it in one piece; :attr:`body` is made of it if somebody asks."""

    # PERF: benchmarks/inprocess.py, kinds "json body" and "form". What is not so in most requests is said by the class:
    # asking an instance for its dict costs more than all of these.
    _limits: OwnLimits | None = None
    """The limits that were set for this request."""
    _body: Body | None = None
    _stream: t.IO[bytes] | None = None
    _cached_data: t.Any = None
    _query_string: bytes | None = None
    _is_shallow = False
    _is_untouched = True
    """Whether the body may be read without an object for it: nobody has read it or asked for one."""
    _is_read = False
    """Whether that was done."""
    holds_body = False
    """Whether there may be an object for the body, or a class that wants to know: the request has to be closed."""
    reads_plainly = True
    """Whether the class says nothing else about head and body than this one."""

    def __init_subclass__(cls, **kwargs: t.Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.reads_plainly = cls._is_untouched = all(getattr(cls, name) is getattr(Request, name) for name in _SHORT_CUT)
        cls.holds_body = not cls.reads_plainly or cls.close is not Request.close
        name_attributes(cls, *_ATTRIBUTES)

    def __init__(self, environ: WSGIEnvironment, populate_request: bool = True, shallow: bool = False) -> None:
        self.environ = environ
        if shallow:
            self.shallow = True
        if populate_request and not shallow:
            environ["werkzeug.request"] = self

    @classmethod
    def from_scope(cls, scope: Scope) -> t.Self:
        """A request for an ASGI scope of type ``http`` or ``websocket``."""
        if cls.__init__ is not Request.__init__:
            return cls(ScopeHead(scope).environ())
        self = cls.__new__(cls)
        self.scope = scope
        return self

    # -- the head ----------------------------------------------------------------------------------------------------

    @lazy
    def head(self) -> EnvironHead | ScopeHead:
        """Where the parts of the head are read from."""
        return EnvironHead(self.environ) if self.scope is None else ScopeHead(self.scope, self.index)

    @lazy
    def environ(self) -> WSGIEnvironment:
        """The WSGI environ; under ASGI one is made from the scope, its ``wsgi.input`` is the body."""
        environ = self.head.environ()
        environ["wsgi.input"] = self.body.stream()
        environ["wsgi.errors"] = sys.stderr
        environ["wsgi.input_terminated"] = True
        environ["werkzeug.request"] = self
        return environ

    @lazy
    def method(self) -> str:
        """``GET``, ``POST``, ..."""
        source = self.environ if self.scope is None else self.scope
        return t.cast(str, source.get("REQUEST_METHOD" if self.scope is None else "method", "GET")).upper()

    @lazy
    def path(self) -> str:
        """The path below the application's prefix, decoded; the same that routes are matched against."""
        if self.scope is not None:
            return scope_path(self.scope)
        path: str = self.environ.get("PATH_INFO") or "/"
        return path if path.isascii() else path.encode("latin-1").decode(errors="replace")

    @lazy
    def scheme(self) -> str:
        scheme: str = self.environ.get("wsgi.url_scheme", "http") if self.scope is None else self.head.scheme()
        return scheme

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        return self.head.server()

    @lazy
    def root_path(self) -> str:
        return self.head.root_path()

    @property
    def query_string(self) -> bytes:
        """What follows the question mark, still encoded."""
        query = self._query_string
        if query is None:
            if self.scope is not None:
                query = self.head.query_string()
            else:
                query = t.cast(str, self.environ.get("QUERY_STRING", "")).encode("latin-1")
            self._query_string = query
        return query

    @query_string.setter
    def query_string(self, value: bytes) -> None:
        self._query_string = value

    @lazy
    def headers(self) -> Headers:
        return EnvironHeaders(self.environ) if self.scope is None else ScopeHeaders(self.scope["headers"], self.index)

    @lazy
    def remote_addr(self) -> str | None:
        return self.head.remote_addr()

    @lazy
    def host(self) -> str:
        """Host and port that the client asked for, in canonical form, without the port that the scheme implies.

        :raises SecurityError: :attr:`trusted_hosts` does not have it.
        :raises BadRequest: it is no host. The protocols have refused such a request before.
        """
        header = self.head.header("host")
        if header:
            host = without_default_port(VALID_HOSTS.get(header) or parse_host(header), self.scheme)
        else:
            host = get_host(self.scheme, None, self.server)
        if self.trusted_hosts and not host_is_trusted(host, self.trusted_hosts):
            raise SecurityError(f"The host {host!r} is not one of the application's.")
        return host

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The query string, decoded (WHATWG ``application/x-www-form-urlencoded``).

        :raises BadRequest: it is not UTF-8 once percent-decoded, or has more fields than ``MAX_FORM_PARTS``.
        """
        storage: t.Any = self.parameter_storage_class
        try:
            if storage is not ImmutableMultiDict or not self.reads_plainly:
                pairs = parse_query(self.query_string, self.max_form_parts)
                return t.cast("MultiDict[str, str]", (Parameters if storage is ImmutableMultiDict else storage)(pairs))
            # PERF: benchmarks/inprocess.py, kind "query".
            query: t.Any = self._query_string
            if query is None:
                scope = self.scope
                query = self.environ.get("QUERY_STRING", "") if scope is None else scope.get("query_string", b"")
                if scope is None and not query.isascii():
                    query = self.query_string
            limits: t.Mapping[str, int | None] | None = self._limits
            if limits is None:
                ctx = get_current(None)
                limits = WITHOUT_APP if ctx is None else ctx.app.config
            return read_query(Parameters, query, limits["MAX_FORM_PARTS"])
        except ValueError as exc:
            raise BadRequest(f"The query string of the request cannot be read: {exc}") from None

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies sent.

        :raises BadRequest: the header is not UTF-8.
        """
        try:
            if self.scope is None:
                header = self.environ.get("HTTP_COOKIE") or ""
            elif self.index is not None and self.reads_plainly:
                header = self.index.get(b"cookie", b"").decode("latin-1")
            else:
                header = self.head.cookies()
            storage: t.Any = self.dict_storage_class
            if storage is ImmutableMultiDict:
                storage = Parameters
            cookies: ImmutableMultiDict[str, str] = read_cookies(storage, header)
            return cookies
        except ValueError as exc:
            raise BadRequest(f"The Cookie header of the request cannot be read: {exc}") from None

    @lazy
    def accept_mimetypes(self) -> MIMEAccept:
        """The media types that the client accepts."""
        # NOTE: MIMEAccept takes time quadratic in a run of blanks.
        return parse_accept_header(_BLANKS.sub(" ", self.head.header("accept") or ""), MIMEAccept)

    @lazy
    def content_length(self) -> int | None:
        """The number of bytes that the client said it sends; ``None`` if it did not, or sends in chunks."""
        return declared_length(self.head)

    @property
    def content_type(self) -> str | None:  # type: ignore[override]  # a header_property in Werkzeug
        """The ``Content-Type`` header."""
        return self.head.header("content-type") or None

    def _parse_content_type(self) -> None:
        if "_parsed_content_type" not in self.__dict__:
            mimetype, options = parsed_options(self.head.header("content-type") or "")
            self._parsed_content_type = mimetype, options.copy()

    def _url(self, *parts: str) -> str:
        return uri_to_iri(f"{self.scheme}://{self.host}{''.join(parts)}")

    @lazy
    def url(self) -> str:
        """The whole URL, as an IRI. Its path is the routed path below the application's prefix."""
        query = quote(self.query_string, safe="!$&'()*+,/:;=?@%")
        return self._url(self._quoted_path(), "?" if query else "", query)

    @lazy
    def base_url(self) -> str:
        """:attr:`url` without the query."""
        return self._url(self._quoted_path())

    def _quoted_path(self) -> str:
        return quote(self.root_path + self.path, safe="!$&'()*+,/:;=@")

    # -- where it was routed to --------------------------------------------------------------------------------------

    @property
    def is_websocket(self) -> bool:
        """Whether this is the handshake of a WebSocket."""
        return self.scope is not None and self.scope["type"] == "websocket"

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the rule that matched."""
        return None if self.url_rule is None else t.cast(str, self.url_rule.endpoint)

    @property
    def blueprint(self) -> str | None:
        """The name of the blueprint that the endpoint belongs to, with the names of those it is nested in."""
        endpoint = self.endpoint
        return endpoint.rpartition(".")[0] if endpoint is not None and "." in endpoint else None

    @property
    def blueprints(self) -> list[str]:
        """:attr:`blueprint`, then those it is nested in, outwards."""
        return [] if (name := self.blueprint) is None else split_blueprint_path(name)

    # -- the body ----------------------------------------------------------------------------------------------------

    def hold(self, body: Body) -> None:
        """Make ``body`` the body of this request."""
        self.body = body

    @property
    def body(self) -> Body:
        """The body as it is read or received. Under ASGI the protocol puts it here."""
        body = self._body
        if body is None:
            body = self.body = self._make_body()
        return body

    @body.setter
    def body(self, value: Body) -> None:
        self._body = value
        self._is_untouched, self.holds_body = False, True

    def _make_body(self) -> Body:
        if self.scope is not None:
            data = None if self._is_read else self.received
            return ReceivedBody.of() if data is None else ReceivedBody.of(data, self.max_content_length)
        environ = self.environ
        if self._is_read:
            return InputBody(BytesIO(), 0)
        return InputBody(
            _paced(environ.get("wsgi.input")) or BytesIO(),
            self.content_length,
            bool(environ.get("wsgi.input_terminated")),
            self.max_content_length,
        )

    def _limited_body(self) -> Body:
        """The body, limited as the view wants it by now."""
        if self.shallow:
            raise RuntimeError(
                "This request was created with 'shallow=True', reading from the input stream is disabled."
            )
        body = self.body
        body.limit = self.max_content_length
        return body

    @property
    def shallow(self) -> bool:
        """Whether reading the body, as a form too, is a :exc:`RuntimeError`."""
        return self._is_shallow

    @shallow.setter
    def shallow(self, value: bool) -> None:
        self._is_shallow = value
        self._is_untouched = self._is_untouched and not value

    @property
    def stream(self) -> t.IO[bytes]:
        """The body as a file to read once, limited to :attr:`max_content_length`."""
        stream = self._stream
        if stream is None:
            stream = self._stream = self._limited_body().stream()
        return stream

    @stream.setter
    def stream(self, value: t.IO[bytes]) -> None:
        self._stream = value
        self._is_untouched = False

    async def body_chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, for an asynchronous view with ``stream_body=True``.

        :raises RequestEntityTooLarge: it exceeds :attr:`max_content_length`.
        :raises ClientDisconnected: the client went away before its end.
        """
        self.body.limit = self.max_content_length
        async for chunk in self.body.chunks(bridge.in_thread):
            yield chunk

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> t.Any:
        """The whole body.

        :param cache: keep it, so that it can be asked for again, and parsed as a form after that.
        :param as_text: decode it as UTF-8.
        :param parse_form_data: let a form be parsed first; then there is nothing left, as in Werkzeug.
        """
        data: t.Any = self._cached_data
        if data is None:
            if parse_form_data:
                self._load_form_data()
            data = self._read_body(self._limits_now())
            if cache:
                self._cached_data = data
        if not as_text:
            if type(data) is bytes and self._is_for_async_view():
                data = awaitable(data)
                if cache:
                    self._cached_data = data
            return data
        text = data.decode(errors="replace")
        return awaitable(text) if self._is_for_async_view() else text

    def _read_body(self, limits: t.Mapping[str, int | None]) -> bytes:
        """What is left of the body."""
        if self._is_untouched:
            data = self._read_short(limits["MAX_CONTENT_LENGTH"], None)
            if data is not None:
                return data
        if self._stream is not None or self.shallow or "stream" in self.__dict__:
            return self.stream.read()
        return self._limited_body().read_all()

    def _read_short(self, limit: int | None, at_most: int | None) -> bytes | None:
        """The whole body, which is untouched, if it is short and can be seen at a glance; else ``None``.

        :param limit: the most bytes that any body may have.
        :param at_most: the most that are wanted here.
        """
        # PERF: benchmarks/inprocess.py, kinds "json body" and "form": one call of the server, and no object for a body.
        if self.scope is not None:
            data = self.received
            size = -1 if data is None else len(data)
            if size < 0 or (limit is not None and size > limit) or (at_most is not None and size > at_most):
                return None
            self._is_read, self._is_untouched = True, False
            return data
        environ = self.environ
        length: str = environ.get("CONTENT_LENGTH") or ""
        if not length.isdigit() or len(length) > 6 or not length.isascii() or "HTTP_TRANSFER_ENCODING" in environ:
            return None
        size = int(length)
        if size > CHUNK_SIZE or (limit is not None and size > limit) or (at_most is not None and size > at_most):
            return None
        source = environ.get("wsgi.input")
        if source is None:
            return None
        try:
            read: bytes = source.read(size) if size else b""
        except Exception as error:
            refuse_unreadable(error)
        self._is_read, self._is_untouched = True, False
        if len(read) < size:
            body = InputBody(_paced(source), size, limit=limit)
            self.hold(body)
            read += body.after(read)
        return read

    def _read_whole(self, at_most: int) -> bytes | None:
        """The whole body, if nothing of it was read and it is in memory, or short and yet to be read; else ``None``.

        :param at_most: the most bytes that are wanted here.
        """
        if self._is_untouched:
            return self._read_short(self.max_content_length, at_most)
        body = self._body
        is_here = type(body) is ReceivedBody and body.is_complete and body.is_in_memory and body.size <= at_most
        is_whole = is_here and self.reads_plainly and self._stream is None and not self.shallow
        return self._limited_body().read_all() if is_whole else None

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> t.Any:
        """The body as JSON.

        :param force: whatever its content type is.
        :param silent: give ``None`` instead of raising.
        :param cache: keep it, so that it is read and decoded once.
        :raises BadRequest: it is not JSON.
        :raises UnsupportedMediaType: it is not declared as such.
        """
        if cache and self._cached_json[silent] is not Ellipsis:
            return self._cached_json[silent]
        is_plain = self._is_untouched and self._cached_data is None
        if not (force or (is_plain and self._is_typed("application/json", b"application/json")) or self.is_json):
            return None if silent else self.on_json_loading_failed(None)
        ctx = get_current(None)
        data = self._cached_data if self.reads_plainly else self.get_data(cache=cache)
        if data is None:
            data = self._read_body(self._limits_now() if ctx is None else self._limits or ctx.app.config)
            if cache:
                self._cached_data = data
        is_failed = False
        try:
            # PERF: benchmarks/inprocess.py, kind "json body": `kolben.json` would look for the application once more.
            rv = (self.json_module if ctx is None or self.json_module is not json else ctx.app.json).loads(data)
        except ValueError as error:
            is_failed = True
            rv = None if silent else self.on_json_loading_failed(error)
        if type(rv) in _AWAITED and self._is_for_async_view():
            rv = awaitable(rv)
        if cache and is_failed:
            normal, quiet = self._cached_json
            self._cached_json = (normal, rv) if silent else (rv, quiet)
        elif cache:
            self._cached_json = rv, rv
        return rv

    @property
    def is_json(self) -> bool:
        """Whether the body is declared as JSON."""
        return self._is_typed("application/json", b"application/json") or super().is_json

    def _is_typed(self, content_type: str, encoded: bytes) -> bool:
        """Whether the body is declared as this and nothing else, in so many letters."""
        if self.scope is None:
            return self.environ.get("CONTENT_TYPE") == content_type
        if self.index is None or not self.reads_plainly:
            return self.head.header("content-type") == content_type
        return self.index.get(b"content-type") == encoded

    def _is_for_async_view(self) -> bool:
        """Whether an asynchronous view answers, which may be written for Quart and await what it reads."""
        ctx = get_current(None)
        request_ctx = None if ctx is None or ctx.request is not self else ctx.request_ctx
        plan: Plan | None = None if request_ctx is None else request_ctx.plan
        return plan is not None and plan.is_async

    @lazy
    def data(self) -> bytes:
        """The whole body, unless it is a form."""
        return t.cast(bytes, self.get_data(parse_form_data=True))

    @lazy
    def form(self) -> ImmutableMultiDict[str, str]:
        """The fields of a form in the body."""
        form: ImmutableMultiDict[str, str] | None = None
        ctx = get_current(None)
        if ctx is not None and not ctx.app.config["DEBUG"]:
            form = self._read_fields(self._limits or ctx.app.config)
        if form is None:
            self._load_form_data()
            form = t.cast("ImmutableMultiDict[str, str]", self.__dict__["form"])
        return form

    @lazy
    def files(self) -> ImmutableMultiDict[str, FileStorage]:
        """The files of a form in the body."""
        self._load_form_data()
        files: ImmutableMultiDict[str, FileStorage] | None = self.__dict__.get("files")
        return Files() if files is None else files

    @lazy
    def values(self) -> Values:
        """:attr:`args` and :attr:`form` in one."""
        sources: list[t.Any] = [self.args] if self.method == "GET" else [self.args, self.form]
        return Values([d if isinstance(d, MultiDict) else MultiDict(d) for d in sources])

    @property
    def want_form_data_parsed(self) -> bool:
        """Whether there is a content type that may be a form's."""
        return bool(self.content_type)

    def _load_form_data(self) -> None:
        attributes = self.__dict__
        if "form" in attributes:
            return
        if self.form_data_parser_class is not FormDataParser:
            super()._load_form_data()
        elif not self.want_form_data_parsed:
            attributes["form"], attributes["files"] = Form(), Files()
        elif (form := self._read_fields(self._limits_now())) is not None:
            attributes["form"] = form
        else:
            self._load_parts()
        ctx = get_current(None)
        if ctx is not None and ctx.app.debug and self.mimetype != "multipart/form-data" and not self.files:
            from ..debug.forms import explain_missing_files

            explain_missing_files(self)

    def _read_fields(self, limits: t.Mapping[str, int | None]) -> Form | None:
        """The form that browsers send unless told otherwise, if it is one, and short; else ``None``."""
        # PERF: benchmarks/inprocess.py, kind "form".
        if self.scope is None:
            is_form = self.environ.get("CONTENT_TYPE") == _FORM_TYPE[0]
        elif self.index is None:
            is_form = self.head.header("content-type") == _FORM_TYPE[0]
        else:
            is_form = self.index.get(b"content-type") == _FORM_TYPE[1]
        is_usual = self.parameter_storage_class is ImmutableMultiDict and self.form_data_parser_class is FormDataParser
        if not is_form or not is_usual or not self.reads_plainly:
            return None
        most = limits["MAX_FORM_MEMORY_SIZE"]
        data: bytes | None = self._cached_data
        if data is None:
            data = self._read_short(limits["MAX_CONTENT_LENGTH"], most) if self._is_untouched else None
        elif most is not None and len(data) > most:
            return None
        return None if data is None else read_form(data, limits["MAX_FORM_PARTS"])

    def _load_parts(self) -> None:
        attributes = self.__dict__
        content_type = self.content_type
        factory = None if type(self)._get_file_stream is Request._get_file_stream else self._get_file_stream
        limits: dict[str, t.Any] = {
            "max_form_memory_size": self.max_form_memory_size,
            "max_form_parts": self.max_form_parts,
            "max_part_headers": _setting("MAX_FORM_PART_HEADERS", 8),
            "max_part_header_size": _setting("MAX_FORM_PART_HEADER_SIZE", 8192),
        }
        data = self._cached_data
        if data is None and content_type is not None and content_type[:10] == "multipart/":
            data = self._read_whole(CHUNK_SIZE)
            self.body  # noqa: B018 - files are closed with the body, so there must be one
        parts = None if data is None or factory is not None else read_parts(data, content_type, **limits)
        if parts is None:
            body = self._limited_body() if data is None else ReceivedBody.of(data)
            parts = parse_form(body, content_type, stream_factory=factory, **limits)
        storage: t.Any = self.parameter_storage_class
        attributes["form"], attributes["files"] = parts if storage is ImmutableMultiDict else map(storage, parts)

    def on_json_loading_failed(self, e: ValueError | None) -> t.Any:
        """Called by :meth:`get_json` if the body is no JSON (``e``) or not declared as such (``None``).

        :raises BadRequest: with the reason natively, or in debug mode.
        :raises UnsupportedMediaType: it was not declared as JSON.
        """
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as exc:
            ctx = get_current(None)
            if ctx is None or ctx.app.debug or ctx.app.explains_errors:
                raise
            raise BadRequest() from exc

    def close(self) -> None:
        """Close the body and the files of a form."""
        attributes = self.__dict__
        if "files" in attributes:
            for _, file in iter_multi_items(attributes["files"]):
                file.close()
        body: Body | None = self._body or attributes.get("body")
        if body is not None:
            body.close()

    # -- limits ------------------------------------------------------------------------------------------------------

    def _limits_now(self) -> t.Mapping[str, int | None]:
        """The limits by the names of the settings: those of this request, or else the application's."""
        limits: t.Mapping[str, int | None] | None = self._limits
        if limits is None:
            ctx = get_current(None)
            limits = WITHOUT_APP if ctx is None else ctx.app.config
        return limits

    max_content_length = Limit("MAX_CONTENT_LENGTH")  # pyright: ignore[reportAssignmentType]  # a number there
    """The most bytes a body may have (``MAX_CONTENT_LENGTH``). May be set before the body is read."""
    max_form_memory_size = Limit("MAX_FORM_MEMORY_SIZE")  # pyright: ignore[reportAssignmentType]  # a number there
    """The most bytes the fields of a form may have, files aside (``MAX_FORM_MEMORY_SIZE``)."""
    max_form_parts = Limit("MAX_FORM_PARTS")  # type: ignore[assignment]  # never None in Werkzeug
    """The most fields and files a form may have (``MAX_FORM_PARTS``)."""


name_attributes(Request, *_ATTRIBUTES)


def _setting(name: str, otherwise: int) -> t.Any:
    ctx = get_current(None)
    return otherwise if ctx is None else ctx.app.config.get(name, otherwise)


def split_blueprint_path(name: str) -> list[str]:
    """``"a.b.c"`` as ``["a.b.c", "a.b", "a"]``."""
    names = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)
    return names


def _paced(source: t.Any) -> t.Any:
    """``wsgi.input``, which is read no further once the client is too slow."""
    ctx = get_current(None)
    request_ctx = None if ctx is None else ctx.request_ctx
    pace = None if request_ctx is None else request_ctx.plans.pace
    return source if source is None or pace is None else pace.input(source)
