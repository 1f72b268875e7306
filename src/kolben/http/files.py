"""Files as responses: ``send_file``, ``send_from_directory``, and the body that reads a file piece by piece.

A file is looked at once (``stat``) and opened once, and not at all where nothing of it is sent: for ``HEAD``, and when
the client's copy is still good (304).
"""

from __future__ import annotations

import io
import mimetypes
import os
import stat
import typing as t
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from urllib.parse import quote
from zlib import adler32

from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound, PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import http_date, quote_etag
from werkzeug.security import safe_join
from werkzeug.utils import get_content_type

from ..globals import current_app, get_current, request
from .conditions import is_modified, is_same, select_range
from .headers import check_headers
from .local_disks import IN_MEMORY, local_file_system
from .response import Prepared

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..app import Kolben
    from .request import Request
    from .response import Response

    MaxAge: t.TypeAlias = int | Callable[[str | None], int | None] | None

CHUNK_SIZE = 256 * 1024
"""Bytes read at a time. Large enough that a hop to a thread for each costs little beside the reading."""


class FileBody:
    """The body of a response that is a file, or one range of it: an iterator that reads it in chunks.

    A protocol may iterate it, hand it to ``wsgi.file_wrapper`` (it has ``read``, ``fileno`` and ``close``), or, where
    :attr:`path` is set and :attr:`is_whole` is true, have the server send that path itself.

    It owns the file: :meth:`close` closes it, once, however often it is called; so does reading to the end.

    NOTE: reads and ``close`` must not overlap. Who reads in a thread waits for it before closing.

    :param file: opened in binary mode, at the first byte to send.
    :param length: how many bytes to send; ``None`` for all there are.
    :param path: the absolute path of the file, if it has one.
    :param is_whole: whether this is the file from its first byte to its last.
    :param chunk_size: the most bytes that one step reads.
    """

    __slots__ = ("chunk_size", "closed", "file", "is_whole", "left", "length", "path")

    def __init__(
        self,
        file: t.IO[bytes],
        length: int | None = None,
        *,
        path: str | None = None,
        is_whole: bool = False,
        chunk_size: int = CHUNK_SIZE,
    ) -> None:
        self.file = file
        self.length = length
        self.left = length
        self.path = path
        self.is_whole = is_whole
        self.chunk_size = chunk_size
        self.closed = False

    def __iter__(self) -> FileBody:
        return self

    def __next__(self) -> bytes:
        chunk = self.read(self.chunk_size)
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` of the bytes that are left, at most :attr:`chunk_size`; ``b""`` at the end."""
        if self.closed:
            return b""
        if size < 0 or size > self.chunk_size:
            size = self.chunk_size
        if self.left is None:
            return self.file.read(size)
        chunk = self.file.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk

    def fileno(self) -> int:
        """Return the descriptor of the file, positioned at the next byte to send."""
        return self.file.fileno()

    def close(self) -> None:
        """Close the file. Further calls do nothing."""
        if not self.closed:
            self.closed = True
            self.file.close()

    def __del__(self) -> None:
        # NOTE: a response that an after_request function replaced is never closed.
        if not getattr(self, "closed", True):
            self.close()


def send_file(
    path_or_file: os.PathLike[t.AnyStr] | str | t.IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: MaxAge = None,
) -> Response:
    """Return a response that sends a file to the client.

    The path is trusted: never take it from the request, :func:`send_from_directory` is for that.

    :param path_or_file: a path, relative to the application's root path, or a file object opened in binary mode,
        which is sent from where it stands and closed.
    :param mimetype: guessed from the name if not given.
    :param as_attachment: ask the browser to save the file rather than to show it.
    :param download_name: the name that browsers save it under; the file's own by default.
    :param conditional: answer conditional and range requests. Of several ranges in one request none is taken, the
        whole file is sent.
    :param etag: ``True`` to make one of path, size and modification time, or the ETag to send, without quotes.
    :param last_modified: in seconds or as a datetime; the file's own time by default.
    :param max_age: how many seconds caches may keep it, or a function of the path that returns this;
        :meth:`.Kolben.get_send_file_max_age` by default.
    :raise FileNotFoundError: if there is no such file.
    :raise RequestedRangeNotSatisfiable: if the file has no such range.
    :raise PreconditionFailed: if an ``If-Match`` or ``If-Unmodified-Since`` of the request does not hold.
    """
    return _send(
        _Source.of(path_or_file), mimetype, as_attachment, download_name, conditional, etag, last_modified, max_age
    )


def send_from_directory(directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: t.Any) -> Response:
    """Return a response that sends a file from within a directory, whose path may come from the request.

    A path that leads outside, by its text or by a symbolic link, is not found; neither is what is no regular file.

    :param directory: relative to the application's root path. Must not come from the request.
    :param path: relative to ``directory``, with ``/`` between its parts.
    :param kwargs: as for :func:`send_file`.
    :raise NotFound: if there is no such file inside the directory. With ``SEND_FILE_FOLLOW_SYMLINKS`` set in the
        configuration, links may lead outside, as with Flask.
    """
    ctx = get_current(None)
    if ctx is not None and ctx.request is not None and (not kwargs or kwargs.keys() == _MAX_AGE_ALONE):
        response = send_known(ctx.app, ctx.request, os.fspath(directory), os.fspath(path), **kwargs)
        if response is not None:
            return response
    base = os.path.join(current_app.root_path, os.fspath(directory) or ".")
    full_path = safe_join(base, os.fspath(path))
    if full_path is None:
        raise NotFound()
    try:
        status = _stat_inside(base, full_path)
        if not stat.S_ISREG(status.st_mode):
            raise NotFound()
        return _send(_Source(full_path, None, status.st_size, status.st_mtime), **kwargs)
    except FileNotFoundError:
        raise NotFound() from None


_MAX_AGE_ALONE = {"max_age"}
_LONGEST_KNOWN = 512
"""Characters of a path that is remembered."""
_MOST_KNOWN = 512
"""Files that are remembered. A full table starts afresh."""
_SMALL = 64 * 1024
"""Bytes of a file that is read at once, where it is opened."""


class _Known(t.NamedTuple):
    """What is sent with every answer that sends a file, as long as it has this time and size."""

    path: str
    device: int
    mtime: float
    size: int
    modified: int
    etag: str
    validators: tuple[tuple[str, str], ...]
    description: tuple[tuple[str, str], ...]
    content_type: tuple[str, str]
    whole: Prepared | None
    """The headers of the whole file, if nothing is said about how long it may be kept, and they may be sent at all."""
    unchanged: Prepared | None
    """Those of the answer that the client's copy is still good."""
    file_system: str | None = ""
    """What :func:`.local_file_system` says; empty if it was not asked."""


_known: dict[str, _Known] = {}


def send_known(
    app: Kolben, req: Request, directory: str, path: str, max_age: MaxAge = None, on_loop: bool = False
) -> Response | None:
    """What :func:`send_from_directory` sends for an ordinary file; ``None`` for all else, errors above all.

    PERF: benchmarks/inprocess.py, kinds "static file" and "static 304". The file is looked at each time; what follows
    from its name, time and size is worked out once.

    :param on_loop: send only what can be had without waiting for a disk: of files that :func:`look_at_disk` was told
        about.
    """
    cls = app.response_class
    if not cls.makes_plain or len(path) > _LONGEST_KNOWN or app.config["USE_X_SENDFILE"] or os.name != "posix":
        return None
    steps = _steps(app.root_path, directory, path)
    known = _known.get(steps[-1]) if steps else None
    if on_loop and (known is None or not known.file_system):
        return None
    status = _ordinary_status(steps)
    if status is None:
        return None
    if known is None or known.mtime != status.st_mtime or known.size != status.st_size or known.device != status.st_dev:
        if on_loop:
            return None
        known = _get_to_know(steps[-1], status)
    if max_age is None:
        max_age = app.get_send_file_max_age
    seconds = max_age(known.path) if callable(max_age) else max_age
    prepared = _prepared(known, req) if seconds is None else None
    if prepared is None:
        return _select_known(cls, known, req, seconds, on_loop)
    response: Response = cls.__new__(cls)
    response.prepared = prepared
    response.direct_passthrough = True
    if prepared is known.unchanged:
        response.response = []
        response._status, response._status_code = _NOT_MODIFIED, 304
        return response
    body = [] if req.method == "HEAD" else _open_known(known, 0, known.size, on_loop)
    if body is None:
        return None
    response.response = body
    return response


_NOT_MODIFIED = "304 NOT MODIFIED"
_CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range", "if-range"})
_CONDITIONS_OF_ENVIRON = frozenset("HTTP_" + name.upper().replace("-", "_") for name in _CONDITIONS)
_CONDITIONS_OF_SCOPE = frozenset(name.encode() for name in _CONDITIONS)
_FIRST_OF_ENVIRON = frozenset({"HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})
_FIRST_OF_SCOPE = frozenset({b"if-match", b"if-unmodified-since"})


def _prepared(known: _Known, req: Request) -> Prepared | None:
    """The headers of the answer to what browsers ask: for the whole file, or whether the very copy of it is good."""
    if req.method not in {"GET", "HEAD"}:
        return None
    scope = req.scope
    if scope is None:
        names = req.environ.keys()
        if names.isdisjoint(_CONDITIONS_OF_ENVIRON):
            return known.whole
        is_good = req.environ.get("HTTP_IF_NONE_MATCH") == known.etag and names.isdisjoint(_FIRST_OF_ENVIRON)
        return known.unchanged if is_good else None
    pairs = [pair for pair in scope["headers"] if pair[0] in _CONDITIONS_OF_SCOPE]
    if not pairs:
        return known.whole
    fields = dict(pairs)
    is_good = fields.get(b"if-none-match") == known.etag.encode() and fields.keys().isdisjoint(_FIRST_OF_SCOPE)
    return known.unchanged if is_good and len(fields) == len(pairs) else None


def _select_known(cls: t.Any, known: _Known, req: Request, seconds: int | None, on_loop: bool) -> Response | None:
    """What is sent of a file, by all that the request says."""
    headers = Headers()
    pairs = headers._list
    pairs += known.validators
    _add_caching(headers, seconds)
    code, start, stop = _select_of(headers, known.etag, known.modified, known.size, req)
    body: t.Any = []
    if code != 304:
        pairs += known.description
        pairs.append(("Content-Length", str(t.cast(int, stop) - start)))
        if req.method != "HEAD":
            body = _open_known(known, start, t.cast(int, stop), on_loop)
            if body is None:
                return None
    pairs.append(known.content_type)
    response: Response = cls.__new__(cls)
    response.response = body
    response.headers = headers
    response.direct_passthrough = True
    if code != 200:
        response.status_code = code
    return response


def look_at_disk(app: Kolben, directory: str, path: str) -> None:
    """See whether a file that was sent may be looked at on the event loop from now on. Called in a thread."""
    steps = _steps(app.root_path, directory, path) if len(path) <= _LONGEST_KNOWN else ()
    known = _known.get(steps[-1]) if steps else None
    if known is not None and known.file_system == "":
        found = local_file_system(os.path.dirname(known.path), known.device)
        _known[known.path] = known._replace(file_system=found)


@lru_cache(maxsize=_MOST_KNOWN)
def _steps(root_path: str, directory: str, path: str) -> tuple[str, ...]:
    """The paths from below a directory down to a file in it; none if that would be outside."""
    base = os.path.join(root_path, directory or ".")
    full_path = safe_join(base, path)
    if full_path is None:
        return ()
    parts = [part for part in full_path[len(base) :].split("/") if part]
    return (*("/".join((base, *parts[:n])) for n in range(1, len(parts))), full_path) if parts else ()


def _ordinary_status(steps: tuple[str, ...]) -> os.stat_result | None:
    """The status of the last of these paths, if that is a file, and the others are directories, without any link."""
    if not steps:
        return None
    try:
        for step in steps[:-1]:
            if not stat.S_ISDIR(os.lstat(step).st_mode):
                return None
        status = os.lstat(steps[-1])
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _get_to_know(path: str, status: os.stat_result) -> _Known:
    headers = Headers()
    source = _Source(path, None, status.st_size, status.st_mtime)
    modified = _add_validators(headers, source, True, None)
    validators = tuple(headers)
    etag = headers["ETag"]
    headers.clear()
    name = os.path.basename(path)
    mimetype, encoding = _guess_type(name)
    if encoding is not None:
        headers.add("Content-Encoding", encoding)
    _add_disposition(headers, name, False)
    content_type = ("Content-Type", get_content_type(mimetype, "utf-8"))
    always = [*validators, _NO_CACHE, _ACCEPT_RANGES]
    length = ("Content-Length", str(status.st_size))
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    known = _known[path] = _Known(
        path,
        status.st_dev,
        status.st_mtime,
        status.st_size,
        t.cast(int, modified),
        etag,
        validators,
        tuple(headers),
        content_type,
        _checked([*always, *headers, length, content_type], 200),
        _checked([*always, content_type], 304),
    )
    return known


def _checked(pairs: list[tuple[str, str]], status: int) -> Prepared | None:
    try:
        check_headers(pairs)
    except ValueError:  # NOTE: a name with control characters in it, of which the pipeline will say so.
        return None
    return Prepared.of(pairs, status)


def _open_known(known: _Known, start: int, stop: int, on_loop: bool) -> t.Any:
    """The body of a file: all of it if it is small. ``None``: it is not as it was, or may not be waited for."""
    if known.size > _SMALL or stop - start != known.size:
        return None if on_loop else _open_large(known, start, stop)
    if on_loop:
        return _read_cached(known)
    try:
        descriptor = os.open(known.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # NOTE: one byte more, to see that the file was not replaced by a longer one since it was looked at.
        data = os.read(descriptor, known.size + 1)
    finally:
        os.close(descriptor)
    return [data] if len(data) == known.size else None


def _open_large(known: _Known, start: int, stop: int) -> FileBody | None:
    try:
        opened = t.cast("t.IO[bytes]", open(known.path, "rb", buffering=0))  # noqa: SIM115  # Closed by the body.
    except FileNotFoundError:
        return None
    if start:
        opened.seek(start)
    return FileBody(opened, stop - start, path=known.path, is_whole=stop - start == known.size)


def _read_cached(known: _Known) -> list[bytes] | None:
    """The body of a small file, if the system has it in memory."""
    try:
        # NOTE: no link and no pipe that was put there since it was looked at.
        descriptor = os.open(known.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if known.file_system in IN_MEMORY:
                data = os.read(descriptor, known.size + 1)
            else:
                buffer = bytearray(known.size + 1)
                count = os.preadv(descriptor, [buffer], 0, os.RWF_NOWAIT)
                del buffer[count:]
                data = bytes(buffer)
        finally:
            os.close(descriptor)
    except (OSError, AttributeError):  # NOTE: a system, or a Python, that cannot read so.
        return None
    return [data] if len(data) == known.size else None


def _stat_inside(base: str, full_path: str) -> os.stat_result:
    """Return the status of a file below ``base``, if no link on the way leads outside.

    :raise NotFound: if there is none, or if it cannot be a file's name (NUL, too long).
    """
    # PERF: benchmarks/inprocess.py, kind "static file". Most paths have no link in them: one lstat for each part,
    # of which the last is the file's status, instead of resolving two whole paths.
    linked = False
    status: os.stat_result | None = None
    at = base
    try:
        for part in full_path[len(base) :].split("/"):
            if part:
                at = f"{at}/{part}"
                status = os.lstat(at)
                linked = linked or _is_link(status)
        if status is None or (linked and not _may_follow(base, full_path)):
            raise NotFound()
        return os.stat(full_path) if _is_link(status) else status
    except (OSError, ValueError):
        raise NotFound() from None


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or bool(getattr(status, "st_reparse_tag", 0))


def _may_follow(base: str, full_path: str) -> bool:
    if current_app.config.get("SEND_FILE_FOLLOW_SYMLINKS", False):
        return True
    inside = os.path.realpath(base)
    target = os.path.realpath(full_path)
    if os.path.commonpath((inside, target)) == inside:
        return True
    if current_app.debug:
        current_app.logger.warning(
            "'%s' is not served: it is a link that leads outside the directory, to '%s'. If that is meant, set"
            " 'SEND_FILE_FOLLOW_SYMLINKS' in the configuration.",
            full_path,
            target,
        )
    return False


class _Source(t.NamedTuple):
    """What is known of a file before it is opened."""

    path: str | None
    file: t.IO[bytes] | None
    size: int | None
    mtime: float | None

    @classmethod
    def of(cls, path_or_file: os.PathLike[t.Any] | str | t.IO[bytes]) -> _Source:
        if isinstance(path_or_file, (str, os.PathLike)):
            path = os.path.join(current_app.root_path, os.fsdecode(path_or_file))
            status = os.stat(path)
            return cls(path, None, status.st_size, status.st_mtime)
        if isinstance(path_or_file, io.TextIOBase):
            raise ValueError("Files must be opened in binary mode or use BytesIO.")
        size = None
        if isinstance(path_or_file, io.BytesIO):
            size = path_or_file.getbuffer().nbytes - path_or_file.tell()
        return cls(None, path_or_file, size, None)

    def body(self, start: int, stop: int | None) -> FileBody:
        """Open the file, unless it is open, and return the body that sends these bytes of it."""
        length = None if stop is None else stop - start
        if self.path is None:
            file = t.cast("t.IO[bytes]", self.file)
            if start:
                file.seek(start, os.SEEK_CUR)
            return FileBody(file, length)
        # NOTE: unbuffered, so that the descriptor's own position is the next byte to send.
        opened = open(self.path, "rb", buffering=0)  # noqa: SIM115  # Closed by the body.
        if start:
            opened.seek(start)
        whole = start == 0 and stop == self.size
        return FileBody(t.cast("t.IO[bytes]", opened), length, path=self.path, is_whole=whole)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def _send(
    source: _Source,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: MaxAge = None,
) -> Response:
    headers = Headers()
    if download_name is None and source.path is not None:
        download_name = os.path.basename(source.path)
    encoding = None
    if mimetype is None:
        mimetype, encoding = _guess_type(download_name)
    modified = _add_validators(headers, source, etag, last_modified)
    if max_age is None:
        max_age = current_app.get_send_file_max_age
    _add_caching(headers, max_age(source.path) if callable(max_age) else max_age)
    try:
        status, start, stop = _select(headers, modified, source.size) if conditional else (200, 0, source.size)
    except (RequestedRangeNotSatisfiable, PreconditionFailed):
        source.close()
        raise
    body = None
    if status == 304:
        source.close()
    else:
        # NOTE: an attachment is saved as it is; with an encoding browsers would unpack 'a.tar.gz'.
        if encoding is not None and not as_attachment:
            headers.add("Content-Encoding", encoding)
        _add_disposition(headers, download_name, as_attachment)
        body = _add_body(headers, source, start, stop)
    return current_app.response_class(body, status, headers, mimetype=mimetype, direct_passthrough=True)


def _add_body(headers: Headers, source: _Source, start: int, stop: int | None) -> FileBody | None:
    """Add the headers that say how long the body is, or who sends it, and return what is sent from here."""
    if source.path is not None and current_app.config["USE_X_SENDFILE"]:
        headers.add("X-Sendfile", source.path)
        return None
    if stop is not None:
        headers.add("Content-Length", str(stop - start))
    if request.method == "HEAD":
        source.close()
        return None
    return source.body(start, stop)


def _guess_type(name: str | None) -> tuple[str, str | None]:
    if name is None:
        raise TypeError(
            "Unable to detect the MIME type because a file name is not available. Either set 'download_name', pass a"
            " path instead of a file, or set 'mimetype'."
        )
    mimetype, encoding = mimetypes.guess_type(name)
    return mimetype or "application/octet-stream", encoding


def _add_disposition(headers: Headers, name: str | None, as_attachment: bool) -> None:
    if name is None:
        if as_attachment:
            raise TypeError(
                "No name provided for attachment. Either set 'download_name' or pass a path instead of a file."
            )
        return
    if name.isascii():
        names = {"filename": name}
    else:
        simple = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
        # RFC 8187: attr-char may stand as it is.
        names = {"filename": simple, "filename*": f"UTF-8''{quote(os.fsencode(name), safe='!#$&+-.^_`|~')}"}
    headers.add("Content-Disposition", "attachment" if as_attachment else "inline", **names)


def _add_validators(
    headers: Headers, source: _Source, etag: bool | str, last_modified: datetime | int | float | None
) -> int | None:
    """Add ``Last-Modified`` and ``ETag``, and return the time of modification in whole seconds, as HTTP has it."""
    modified = source.mtime if last_modified is None else last_modified
    if isinstance(modified, datetime):
        modified = (modified if modified.tzinfo is not None else modified.replace(tzinfo=UTC)).timestamp()
    if modified is not None:
        modified = int(modified)
        headers.add("Last-Modified", _date(modified))
    if isinstance(etag, str):
        headers.add("ETag", quote_etag(etag))
    elif etag and source.path is not None:
        # FLASK: the same ETag as Flask makes, so that clients' copies stay good when an application moves.
        check = adler32(os.fsencode(source.path)) & 0xFFFFFFFF
        headers.add("ETag", f'"{source.mtime}-{source.size}-{check}"')
    return modified


@lru_cache(maxsize=512)
def _date(seconds: int) -> str:
    # PERF: benchmarks/inprocess.py, kind "static file": a fifth of a 304. Files are few and keep their dates.
    return http_date(seconds)


_NO_CACHE = ("Cache-Control", "no-cache")
_ACCEPT_RANGES = ("Accept-Ranges", "bytes")


def _add_caching(headers: Headers, seconds: int | None) -> None:
    if seconds is None:
        headers._list.append(_NO_CACHE)
        return
    headers.add("Cache-Control", f"{'public' if seconds > 0 else 'no-cache'}, max-age={seconds}")
    headers.add("Expires", http_date(int(time() + seconds)))


def _select(headers: Headers, modified: int | None, size: int | None) -> tuple[int, int, int | None]:
    """Decide by the request's headers what is sent: the status, the first byte, and the one after the last.

    :raise PreconditionFailed: 412.
    :raise RequestedRangeNotSatisfiable: 416, with the size.
    """
    return _select_of(headers, headers.get("ETag"), modified, size, request)


def _select_of(
    headers: Headers, etag: str | None, modified: int | None, size: int | None, req: Request
) -> tuple[int, int, int | None]:
    method = req.method
    if method not in {"GET", "HEAD"}:
        return 200, 0, size
    field = req.head.header
    if size is not None:
        headers._list.append(_ACCEPT_RANGES)
    if not is_modified(field, etag, modified):
        return 304, 0, 0
    wanted = field("range")
    # RFC 9110 section 14.2: ranges are defined for GET alone. FLASK: an empty file is sent whole.
    if wanted is None or method != "GET" or not size or current_app.config["USE_X_SENDFILE"]:
        return 200, 0, size
    if_range = field("if-range")
    if if_range is not None and not is_same(if_range, etag, modified):
        return 200, 0, size
    selected = select_range(wanted, size)
    if selected is None:
        return 200, 0, size
    headers.add("Content-Range", f"bytes {selected[0]}-{selected[1] - 1}/{size}")
    return 206, *selected
