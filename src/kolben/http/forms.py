"""The form in a request's body: its fields and its files, whichever of the two content types it has."""

from __future__ import annotations

import io
import os
import re
import typing as t
from tempfile import SpooledTemporaryFile

from werkzeug.datastructures import FileStorage, Headers
from werkzeug.exceptions import BadRequest

from .body import CHUNK_SIZE, SPOOL_SIZE, ReceivedBody
from .head import parse_content_length
from .multipart import (
    MAX_PART_HEADER_SIZE,
    MAX_PART_HEADERS,
    NEED_DATA,
    Data,
    Field,
    File,
    MultipartError,
    MultipartParser,
    parse_options,
    too_much_memory,
)
from .urlencoded import Parameters, group, read_query

if t.TYPE_CHECKING:
    from collections.abc import Generator

    from .body import Body


class StreamFactory(t.Protocol):
    """What makes the file that an upload is written to; the same as Werkzeug's."""

    def __call__(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> t.IO[bytes]: ...


class Form(Parameters[str]):
    """The fields of a form, in order. ``await`` returns the same object, for code written for Quart."""

    def __await__(self) -> Generator[t.Any, None, Form]:
        return self
        yield  # makes it a generator


class Files(Parameters[FileStorage]):
    """The files of a form, in order. ``await`` returns the same object, for code written for Quart."""

    def __await__(self) -> Generator[t.Any, None, Files]:
        return self
        yield  # makes it a generator


class MalformedForm(BadRequest):
    """A form that its content type promises, but that cannot be read; the description says why.

    FLASK: Werkzeug hands out an empty form instead.
    """


class UploadedFile(FileStorage):
    """A file of a form."""

    def save(self, dst: str | os.PathLike[str] | t.IO[bytes], buffer_size: int = 16384) -> None:
        """Save the file to a path or an open file.

        :param dst: a path that ends in the client's own :attr:`filename` raises :exc:`BadRequest` where that name could
            lead out of its directory, or is not what it looks like. Use :func:`werkzeug.utils.secure_filename`.
        :param buffer_size: bytes to copy at a time.
        """
        path = os.fspath(dst) if isinstance(dst, (str, os.PathLike)) else ""
        if self.filename and path.endswith(self.filename) and _TREACHEROUS_NAME.search(self.filename):
            raise BadRequest(
                f"The name of the uploaded file, {self.filename!r}, may not be used as a path: it could lead anywhere."
                " Save it as 'secure_filename(file.filename)', or under a name of your own."
            )
        super().save(dst, buffer_size)


# Absolute, with a drive, climbing up, with control characters, or with those that turn the direction of writing.
_TREACHEROUS_NAME = re.compile(
    r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]|^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)",
)
# FLASK: the charsets that Werkzeug heeds in a field of its own content type. Browsers never declare one.
_CHARSETS: t.Final = {"us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "latin-1"}


def parse_form(
    body: Body,
    content_type: str | None,
    *,
    max_form_memory_size: int | None = 500_000,
    max_form_parts: int | None = 1_000,
    max_part_headers: int | None = MAX_PART_HEADERS,
    max_part_header_size: int = MAX_PART_HEADER_SIZE,
    stream_factory: StreamFactory | None = None,
) -> tuple[Form, Files]:
    """Read the form in `body`. Both are empty, and nothing is read, if the content type is not that of a form.

    Raises :exc:`MalformedForm` for what is not the form it should be, :exc:`RequestEntityTooLarge` for one that exceeds
    a limit, and what the body raises; every file that was opened is closed then.

    :param max_form_memory_size: bytes that all fields may have together; ``None``, here and below, is no limit.
    :param max_form_parts: fields and files.
    :param max_part_headers: headers of one field or file in ``multipart/form-data``.
    :param max_part_header_size: bytes of them together.
    :param stream_factory: what makes the file for an upload; by default :func:`default_stream_factory`.
    """
    mimetype = content_type.partition(";")[0].strip(" \t").lower() if content_type else ""
    if mimetype == "application/x-www-form-urlencoded":
        return read_form(_read_at_most(body, max_form_memory_size), max_form_parts), Files()
    if content_type is None or mimetype != "multipart/form-data":
        return Form(), Files()
    reader = MultipartReader(
        content_type,
        max_form_memory_size=max_form_memory_size,
        max_form_parts=max_form_parts,
        max_part_headers=max_part_headers,
        max_part_header_size=max_part_header_size,
        stream_factory=stream_factory,
        total_content_length=body.length,
        in_memory=isinstance(body, ReceivedBody) and body.is_in_memory,
    )
    try:
        for piece in body.pieces():
            reader.feed(piece)
        return reader.finish()
    except BaseException:
        reader.close()
        raise


def read_form(data: bytes, max_form_parts: int | None) -> Form:
    """The form of a body of ``application/x-www-form-urlencoded``."""
    try:
        return read_query(Form, data, max_form_parts)
    except ValueError as error:
        raise MalformedForm(str(error)) from None


def read_parts(data: bytes, content_type: str | None, **limits: t.Any) -> tuple[Form, Files] | None:
    """The form of a whole body of ``multipart/form-data``; ``None`` if :func:`parse_form` must look at it."""
    from .ordinary import read_ordinary

    found = None if content_type is None else read_ordinary(data, content_type, UploadedFile, **limits)
    return None if found is None else (group(Form, found[0]), group(Files, found[1]))


class MultipartReader:
    """Collects the form in a ``multipart/form-data`` body that is fed to it, on whichever side of an await.

    Call :meth:`close` if anything is raised: it closes the files.

    :param content_type: the header, for its boundary.
    :param total_content_length: bytes of the whole body, where that is known.
    :param in_memory: whether the body is in memory anyway, so that its files may be.
    """

    __slots__ = ("_factory", "_fields", "_files", "_in_memory", "_parser", "_part", "_pieces", "_stream", "_total")

    def __init__(
        self,
        content_type: str,
        *,
        max_form_memory_size: int | None = 500_000,
        max_form_parts: int | None = 1_000,
        max_part_headers: int | None = MAX_PART_HEADERS,
        max_part_header_size: int = MAX_PART_HEADER_SIZE,
        stream_factory: StreamFactory | None = None,
        total_content_length: int | None = None,
        in_memory: bool = False,
    ) -> None:
        try:
            boundary = parse_options(content_type)[1].get("boundary", "")
            self._parser = MultipartParser(
                boundary.encode(),
                max_parts=max_form_parts,
                max_form_memory_size=max_form_memory_size,
                max_part_headers=max_part_headers,
                max_part_header_size=max_part_header_size,
            )
        except MultipartError as error:
            raise MalformedForm(str(error)) from None
        self._factory = stream_factory
        is_short = total_content_length is not None and total_content_length <= SPOOL_SIZE
        self._in_memory = stream_factory is None and (in_memory or is_short)
        self._total = total_content_length
        self._fields: list[tuple[str, str]] = []
        self._files: list[tuple[str, FileStorage]] = []
        self._part: Field | File | None = None
        self._pieces: list[bytes | memoryview] = []
        self._stream: t.IO[bytes] | None = None

    def feed(self, data: bytes | None) -> None:
        """Take the next chunk of the body, ``None`` for its end."""
        parser = self._parser
        try:
            parser.receive_data(data)
            while (event := parser.next_event()) is not NEED_DATA:
                if isinstance(event, Data):
                    self._add(event)
                elif isinstance(event, (Field, File)):
                    self._open(event)
        except MultipartError as error:
            raise MalformedForm(str(error)) from None

    def finish(self) -> tuple[Form, Files]:
        """The form, whose body ends here."""
        self.feed(None)
        return Form(self._fields), Files(self._files)

    def close(self) -> None:
        """Close every file."""
        if self._stream is not None:
            self._stream.close()
        for _, file in self._files:
            file.close()

    def _open(self, part: Field | File) -> None:
        self._part = part
        if isinstance(part, File) and not self._in_memory:
            headers = {name.lower(): value for name, value in part.headers}
            self._stream = (self._factory or default_stream_factory)(
                total_content_length=self._total,
                content_type=headers.get("content-type"),
                filename=part.filename,
                content_length=_declared_size(headers.get("content-length")),
            )

    def _add(self, event: Data) -> None:
        stream = self._stream
        if stream is None:
            self._pieces.append(event.data)
        else:
            # NOTE: a file of the user's own making is given bytes, which are all that Werkzeug ever writes to it.
            stream.write(event.data if self._factory is None else bytes(event.data))
        if not event.more_data:
            if isinstance(self._part, File):
                self._end_file(self._part)
            elif self._part is not None:
                self._end_field(self._part)

    def _end_file(self, part: File) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            stream = io.BytesIO(b"".join(self._pieces))
            self._pieces = []
        file = UploadedFile(stream, part.filename, part.name, headers=Headers(list(part.headers)))
        self._files.append((part.name, file))
        stream.seek(0)

    def _end_field(self, part: Field) -> None:
        pieces, self._pieces = self._pieces, []
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        charset = "utf-8" if len(part.headers) == 1 else _field_charset(part)
        try:
            self._fields.append((part.name, str(content, charset)))
        except UnicodeDecodeError:
            raise MalformedForm(f'The form field "{part.name[:80]}" is not valid UTF-8.') from None


def default_stream_factory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> t.IO[bytes]:
    """A file in memory that moves to a temporary file when it grows beyond 500 kB.

    So the number of open files stays proportional to the bytes that were sent for them.
    """
    if total_content_length is not None and total_content_length <= SPOOL_SIZE:
        return io.BytesIO()
    return t.cast("t.IO[bytes]", SpooledTemporaryFile(SPOOL_SIZE))


def _read_at_most(body: Body, limit: int | None) -> bytes:
    """All of a body that is no larger than the fields of a form may be, without reading a larger one to its end."""
    if limit is None:
        return body.read_all()
    if (length := body.length) is not None:
        if length > limit:
            raise too_much_memory(limit)
        return body.read_all()
    read = body.stream().read
    data = bytearray()
    while chunk := read(min(CHUNK_SIZE, limit + 1 - len(data))):
        data += chunk
        if len(data) > limit:
            raise too_much_memory(limit)
    return bytes(data)


def _field_charset(part: Field) -> str:
    for name, value in part.headers:
        if name.lower() == "content-type":
            return _CHARSETS.get(parse_options(value)[1].get("charset", "").lower(), "utf-8")
    return "utf-8"


def _declared_size(content_length: str | None) -> int:
    try:
        return parse_content_length(content_length) or 0
    except BadRequest:
        return 0
