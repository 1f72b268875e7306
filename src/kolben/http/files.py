"""Files as responses: ``send_file``, and the body that reads a file piece by piece.

A file is looked at once (``stat``) and opened once, and not at all where nothing of it is sent: for ``HEAD``, and when
the client's copy is still good (304).
"""

from __future__ import annotations

import io
import mimetypes
import os
import typing as t
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from urllib.parse import quote
from zlib import adler32

from werkzeug.datastructures import Headers
from werkzeug.exceptions import PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import http_date, quote_etag

from ..globals import current_app, request
from .conditions import is_modified, is_same, select_range

if t.TYPE_CHECKING:
    from collections.abc import Callable

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
    return respond(
        Source.of(path_or_file), mimetype, as_attachment, download_name, conditional, etag, last_modified, max_age
    )


class Source(t.NamedTuple):
    """What is known of a file before it is opened."""

    path: str | None
    file: t.IO[bytes] | None
    size: int | None
    mtime: float | None

    @classmethod
    def of(cls, path_or_file: os.PathLike[t.Any] | str | t.IO[bytes]) -> Source:
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


def respond(
    source: Source,
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
        mimetype, encoding = guess_type(download_name)
    modified = add_validators(headers, source, etag, last_modified)
    if max_age is None:
        max_age = current_app.get_send_file_max_age
    add_caching(headers, max_age(source.path) if callable(max_age) else max_age)
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
        add_disposition(headers, download_name, as_attachment)
        body = _add_body(headers, source, start, stop)
    return current_app.response_class(body, status, headers, mimetype=mimetype, direct_passthrough=True)


def _add_body(headers: Headers, source: Source, start: int, stop: int | None) -> FileBody | None:
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


def guess_type(name: str | None) -> tuple[str, str | None]:
    if name is None:
        raise TypeError(
            "Unable to detect the MIME type because a file name is not available. Either set 'download_name', pass a"
            " path instead of a file, or set 'mimetype'."
        )
    mimetype, encoding = mimetypes.guess_type(name)
    return mimetype or "application/octet-stream", encoding


def add_disposition(headers: Headers, name: str | None, as_attachment: bool) -> None:
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


def add_validators(
    headers: Headers, source: Source, etag: bool | str, last_modified: datetime | int | float | None
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


NO_CACHE = ("Cache-Control", "no-cache")
ACCEPT_RANGES = ("Accept-Ranges", "bytes")


def add_caching(headers: Headers, seconds: int | None) -> None:
    if seconds is None:
        headers._list.append(NO_CACHE)
        return
    headers.add("Cache-Control", f"{'public' if seconds > 0 else 'no-cache'}, max-age={seconds}")
    headers.add("Expires", http_date(int(time() + seconds)))


def _select(headers: Headers, modified: int | None, size: int | None) -> tuple[int, int, int | None]:
    """Decide by the request's headers what is sent: the status, the first byte, and the one after the last.

    :raise PreconditionFailed: 412.
    :raise RequestedRangeNotSatisfiable: 416, with the size.
    """
    return select_of(headers, headers.get("ETag"), modified, size, request)


def select_of(
    headers: Headers, etag: str | None, modified: int | None, size: int | None, req: Request
) -> tuple[int, int, int | None]:
    method = req.method
    if method not in {"GET", "HEAD"}:
        return 200, 0, size
    field = req.head.header
    if size is not None:
        headers._list.append(ACCEPT_RANGES)
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
