"""Reading and writing ``multipart/form-data`` (RFC 7578) without any input or output of its own.

Both directions speak in events: a :class:`Field` or a :class:`File` opens a part, :class:`Data` is its content in one
or more pieces, :class:`End` ends the form::

    parser = MultipartParser(b"boundary")
    for chunk in (*chunks, None):
        parser.receive_data(chunk)
        while (event := parser.next_event()) is not NEED_DATA:
            ...

The parser is strict where a form can be read in two ways, for what this end and a filter before it read differently is
how filters are passed by: lines end in CR LF, a line that begins with the boundary is a delimiter or an error, a
parameter occurs once, and ``filename*``, which RFC 7578 forbids, never names a file.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from werkzeug.exceptions import RequestEntityTooLarge

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Headers: t.TypeAlias = tuple[tuple[str, str], ...]

MAX_PART_HEADERS: t.Final = 8
"""Headers that a part may have. Browsers send two, mail libraries up to six."""

MAX_PART_HEADER_SIZE: t.Final = 8192
"""Bytes that the headers of a part may have together: what servers allow for a request line."""

_COPIED_SIZE: t.Final = 8192
"""Bytes up to which a piece of content is copied out of its chunk, so that it does not keep the chunk alive."""

# NOTE: RFC 2046 allows 70 bytes, but Werkzeug's own test client writes up to 75, depending on the time of day.
_BOUNDARY = re.compile(rb"[!-~](?:[ -~]{0,98}[!-~])?")
# What mail gateways may add to a delimiter line (RFC 2046, 5.1.1).
_PADDING = re.compile(rb"[ \t]+")
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# An unquoted value may be more than a token: Java sends boundary=----=_Part_1.
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=(?:"((?:[^"\\]|\\.)*+)"|([^\x00-\x20;",\x7f]+)))?', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')
_HEADER_NAME = re.compile(_TOKEN)
_FOLD = re.compile(r"\r\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# PERF: benchmarks/inprocess.py, kind "multipart fields". The headers as browsers, curl and most libraries write them.
ORDINARY = re.compile(
    r'[Cc]ontent-[Dd]isposition: (form-data; name="([^"\\%\x00-\x1f\x7f]*)"(?:; filename="([^"\\%\x00-\x1f\x7f]*)")?)'
    r"(?:\r\n[Cc]ontent-[Tt]ype: ([!-~](?:[ -~]*[!-~])?))?"
).fullmatch


class MultipartError(ValueError):
    """What was received is not a form; the text says where it is wrong."""


@dataclass(frozen=True, slots=True)
class Field:
    """The beginning of a part that is a form field."""

    name: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class File:
    """The beginning of a part that is a file. `filename` is what the client sent: it may hold any path."""

    name: str
    filename: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of a part's content; `more_data` is whether another follows.

    A large piece is a view of the chunk it was received in: it never changes, but keeps the chunk in memory.
    """

    data: bytes | memoryview
    more_data: bool


@dataclass(frozen=True, slots=True)
class End:
    """The end of the form. What follows it is ignored."""


@dataclass(frozen=True, slots=True)
class NeedData:
    """Nothing more is known until more is received."""


Event: t.TypeAlias = Field | File | Data | End | NeedData

NEED_DATA: t.Final = NeedData()
END: t.Final = End()


class MultipartParser:
    """Parses a form from chunks of any size, in time linear in what is received.

    The work is one search for the delimiter in each chunk. What is carried over to the next chunk is at most the
    beginning of a delimiter, or the headers of one part; preamble and epilogue are thrown away as they come. An error
    is final.

    :param boundary: 1 to 100 bytes, as the content type declares it; others raise :exc:`MultipartError`.
    :param max_parts: parts of the form, files included; ``None``, here and below, is no limit.
    :param max_form_memory_size: bytes that the names and values of all fields have together; files do not count.
    :param max_part_headers: headers of one part.
    :param max_part_header_size: bytes of them together; never without a limit, for they are held in memory.
    """

    __slots__ = (
        "_buffer",
        "_delimiter",
        "_field_size",
        "_head",
        "_is_complete",
        "_is_field",
        "_is_padded",
        "_last",
        "_position",
        "_read",
        "_searched",
        "max_form_memory_size",
        "max_part_header_size",
        "max_part_headers",
        "max_parts",
        "parts",
    )

    def __init__(
        self,
        boundary: bytes,
        *,
        max_parts: int | None = None,
        max_form_memory_size: int | None = None,
        max_part_headers: int | None = MAX_PART_HEADERS,
        max_part_header_size: int = MAX_PART_HEADER_SIZE,
    ) -> None:
        self._delimiter = b"\r\n--" + check_boundary(boundary)
        self.max_parts = max_parts
        self.max_form_memory_size = max_form_memory_size
        self.max_part_headers = max_part_headers
        self.max_part_header_size = max_part_header_size
        self.parts = 0
        self._field_size = 0
        # The state is the method that reads what is expected next.
        self._read: Callable[[MultipartParser], Event] = MultipartParser._read_start
        self._buffer = b""
        self._last: int | None = None
        self._head: bytearray | None = None
        self._position = 0
        self._searched = 0
        self._is_field = False
        self._is_padded = False
        self._is_complete = False

    def receive_data(self, data: bytes | None) -> None:
        """Take the next chunk, or ``None`` for the end of what is received."""
        self._last = None
        if data is None:
            self._is_complete = True
        elif self._read is MultipartParser._read_epilogue:
            self._buffer = b""
        elif self._head is not None:
            self._head += data
        elif self._position == len(self._buffer):
            self._buffer = data
            self._position = 0
        else:
            self._buffer = self._buffer[self._position :] + data
            self._position = 0

    def next_event(self) -> Event:
        """The next event, or ``NEED_DATA``.

        Raises :exc:`MultipartError` for what is not a form, and :exc:`RequestEntityTooLarge`, naming the setting, for
        one that exceeds a limit.
        """
        event = self._read(self)
        if event is NEED_DATA and self._is_complete and self._read is not MultipartParser._read_epilogue:
            where = f"in part {self.parts}" if self.parts else "without one part"
            raise MultipartError(f"The form ends {where}, before the boundary that closes it: it was cut off.")
        return event

    def _read_start(self) -> Event:
        opening = self._delimiter[2:]
        if self._buffer.startswith(opening):
            self._position = len(opening)
            self._read = MultipartParser._read_delimiter_end
            return self._read_delimiter_end()
        if opening.startswith(self._buffer):
            return NEED_DATA
        self._read = MultipartParser._read_preamble
        return self._read_preamble()

    def _read_preamble(self) -> Event:
        found = self._buffer.find(self._delimiter, self._position)
        if found < 0:
            self._position = self._delimiter_start()
            return NEED_DATA
        self._position = found + len(self._delimiter)
        self._read = MultipartParser._read_delimiter_end
        return self._read_delimiter_end()

    def _read_delimiter_end(self) -> Event:
        if padding := _PADDING.match(self._buffer, self._position):
            self._position = padding.end()
            self._is_padded = True
        rest = self._buffer[self._position : self._position + 2]
        if rest == b"\r\n":
            self._is_padded = False
            self._count_part()
            self._read = MultipartParser._read_headers
            return self._read_headers()
        if rest == b"--" and not self._is_padded:
            self._read = MultipartParser._read_epilogue
            return END
        if rest in (b"", b"\r") or (rest == b"-" and not self._is_padded):
            return NEED_DATA
        raise MultipartError(f"A line after part {self.parts} begins with the boundary, but is not a delimiter.")

    def _read_headers(self) -> Event:
        # The position is at the line break before the headers: a part may have none.
        most = self._position + self.max_part_header_size + 6
        head = self._buffer if self._head is None else self._head
        end = head.find(b"\r\n\r\n", max(self._position, self._searched - 3), most)
        if end < 0:
            if len(head) >= most:
                raise RequestEntityTooLarge(
                    f"The headers of part {self.parts} of the form are larger than {self.max_part_header_size} bytes."
                    " To accept them, raise the 'MAX_FORM_PART_HEADER_SIZE' setting."
                )
            if self._head is None:
                # They may come in many pieces, which are gathered in what grows without being copied.
                self._head = bytearray(head[self._position :])
                self._buffer = b""
                self._position = 0
            self._searched = len(self._head)
            return NEED_DATA
        if self._head is not None:
            self._buffer, self._head, self._last = bytes(self._head), None, None
        block = self._buffer[self._position + 2 : end]
        # The second line break may belong to a delimiter already: a part may have no content (RFC 2046, 5.1.1).
        self._position = end + 2
        self._searched = 0
        self._read = MultipartParser._read_content_start
        return self._open_part(block)

    def _read_content_start(self) -> Event:
        buffer, position = self._buffer, self._position
        if buffer.startswith(self._delimiter, position):
            return self._end_part(position, position)
        if len(buffer) - position < len(self._delimiter) and self._delimiter.startswith(buffer[position:]):
            return NEED_DATA
        self._position += 2
        self._read = MultipartParser._read_content
        return self._read_content()

    def _read_content(self) -> Event:
        start = self._position
        # PERF: benchmarks/multipart_rate.py. CPython searches backwards several times faster than forwards, in linear
        # time too, since a delimiter has one CR. Once a chunk: what is behind the last delimiter is searched no more.
        if self._last is None:
            self._last = self._buffer.rfind(self._delimiter, start)
        found = self._buffer.find(self._delimiter, start) if self._last >= start else -1
        if found >= 0:
            return self._end_part(start, found)
        end = self._delimiter_start()
        if end == start:
            return NEED_DATA
        self._position = end
        return Data(self._content(start, end), True)

    def _read_epilogue(self) -> Event:
        return NEED_DATA

    def _end_part(self, start: int, end: int) -> Data:
        self._position = end + len(self._delimiter)
        self._read = MultipartParser._read_delimiter_end
        return Data(self._content(start, end), False)

    def _content(self, start: int, end: int) -> bytes | memoryview:
        size = end - start
        if self._is_field:
            self._count_field(size)
        if size <= _COPIED_SIZE:
            return self._buffer[start:end]
        if size == len(self._buffer):
            return self._buffer
        return memoryview(self._buffer)[start:end]

    def _delimiter_start(self) -> int:
        """Where the end of the buffer may be the beginning of a delimiter; the length of the buffer, if nowhere.

        A delimiter has one CR, its first byte: the last CR of the buffer is the only place to look at.
        """
        buffer = self._buffer
        last = buffer.rfind(b"\r", max(self._position, len(buffer) - len(self._delimiter) + 1))
        return last if last >= 0 and self._delimiter.startswith(buffer[last:]) else len(buffer)

    def _open_part(self, block: bytes) -> Field | File:
        try:
            text = block.decode()
        except UnicodeDecodeError:
            raise MultipartError(f"The headers of part {self.parts} are not valid UTF-8.") from None
        ordinary = ORDINARY(text)
        if ordinary is not None:
            disposition, name, filename, content_type = ordinary.groups()
            headers: Headers = (("Content-Disposition", disposition),)
            if content_type is not None:
                headers += (("Content-Type", content_type),)
        else:
            headers = self._parse_headers(text)
            name, filename = self._parse_disposition(headers)
        if self.max_part_headers is not None and len(headers) > self.max_part_headers:
            raise RequestEntityTooLarge(
                f"Part {self.parts} of the form has more than {self.max_part_headers} headers. To accept it, raise the"
                " 'MAX_FORM_PART_HEADERS' setting."
            )
        self._is_field = filename is None
        if filename is not None:
            return File(name, filename, headers)
        self._count_field(len(name.encode()))
        return Field(name, headers)

    def _parse_headers(self, text: str) -> Headers:
        headers = []
        for line in _FOLD.sub(" ", text).split("\r\n") if text else ():
            name, colon, value = line.partition(":")
            if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
                raise MultipartError(f"Part {self.parts} has a malformed header: {line[:80]!r}.")
            headers.append((name, value.strip(" \t")))
        return tuple(headers)

    def _parse_disposition(self, headers: Headers) -> tuple[str, str | None]:
        """The name and the filename of a part (RFC 7578, 4.2)."""
        dispositions = [value for name, value in headers if name.lower() == "content-disposition"]
        if len(dispositions) != 1:
            raise MultipartError(f"Part {self.parts} has {len(dispositions) or 'no'} Content-Disposition headers.")
        kind, options = parse_options(dispositions[0])
        if kind != "form-data" or "name" not in options:
            raise MultipartError(f"Part {self.parts} is not form data with a name: {dispositions[0][:80]!r}.")
        filename = options.get("filename")
        if filename is None and "filename*" in options:
            raise MultipartError(
                f"Part {self.parts} names its file with 'filename*', which RFC 7578 forbids in forms: send 'filename'."
            )
        return options["name"], filename

    def _count_part(self) -> None:
        self.parts += 1
        if self.max_parts is not None and self.parts > self.max_parts:
            raise too_many_parts(self.max_parts)

    def _count_field(self, size: int) -> None:
        self._field_size += size
        if self.max_form_memory_size is not None and self._field_size > self.max_form_memory_size:
            raise too_much_memory(self.max_form_memory_size)


class MultipartEncoder:
    """Writes a form: the inverse of :class:`MultipartParser`.

    What a form cannot say raises :exc:`ValueError`: content that holds the boundary at the beginning of a line, control
    characters in names, and ``%22`` in them, which stands for the double quote.
    """

    __slots__ = ("_delimiter", "_is_empty", "_tail")

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + check_boundary(boundary)
        self._is_empty = True
        self._tail = b""

    def send_event(self, event: Event) -> bytes:
        """The bytes of one event, to be sent in order."""
        if isinstance(event, Data):
            return self._content(event.data)
        if isinstance(event, End):
            return self._break() + b"--\r\n"
        if isinstance(event, NeedData):
            return b""
        lines = [f'Content-Disposition: form-data; name="{_quote(event.name)}"']
        if isinstance(event, File):
            lines[0] += f'; filename="{_quote(event.filename)}"'
        for name, value in event.headers:
            if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
                raise ValueError(f"A part cannot have the header {name!r}: {value!r}.")
            if name.lower() != "content-disposition":
                lines.append(f"{name}: {value}")
        self._tail = b"\r\n"
        return self._break() + "\r\n".join(["", *lines, "", ""]).encode()

    def _break(self) -> bytes:
        was_empty, self._is_empty = self._is_empty, False
        return self._delimiter[2:] if was_empty else self._delimiter

    def _content(self, data: bytes | memoryview) -> bytes:
        content = self._tail + data
        if self._delimiter in content:
            raise ValueError("The content of a part holds the boundary: choose another boundary.")
        self._tail = content[-len(self._delimiter) :]
        return bytes(data)


def encode(events: Iterable[Event], boundary: bytes) -> bytes:
    """The form that `events` make, the :class:`End` included."""
    return b"".join(map(MultipartEncoder(boundary).send_event, (*events, END)))


def check_boundary(boundary: bytes) -> bytes:
    """`boundary`, if it can be one (RFC 2046, 5.1.1): 1 to 100 visible ASCII characters, or blanks but at the end."""
    if not _BOUNDARY.fullmatch(boundary):
        raise MultipartError("The boundary of the form is missing, longer than 100 bytes, or has an invalid character.")
    return boundary


def parse_options(value: str) -> tuple[str, dict[str, str]]:
    """The kind, in lower case, and the parameters of a header such as ``form-data; name="a"``.

    Like Werkzeug's ``parse_options_header``: a backslash escapes a quote or itself, ``%22`` is a quote, as browsers
    write it. Unlike it: a parameter that is malformed or occurs twice raises :exc:`MultipartError`, and ``name*`` is a
    parameter of its own, not another form of ``name``.
    """
    value = value.strip(" \t")
    kind = value.partition(";")[0]
    position = len(kind)
    options: dict[str, str] = {}
    while position < len(value):
        parameter = _PARAMETER.match(value, position)
        if parameter is None:
            raise MultipartError(f"A header has a malformed parameter: {value[position : position + 80]!r}.")
        position = parameter.end()
        name, quoted, bare = parameter.groups()
        if name is None:
            continue
        if (name := name.lower()) in options:
            raise MultipartError(f'A header has the parameter "{name}" twice.')
        options[name] = (bare if quoted is None else _ESCAPE.sub(r"\1", quoted)).replace("%22", '"')
    return kind.strip(" \t").lower(), options


def too_many_parts(limit: int) -> RequestEntityTooLarge:
    """The error for a form of more than `limit` parts or fields; it names the setting."""
    return RequestEntityTooLarge(
        f"The form has more than {limit} fields and files. To accept it, raise the 'MAX_FORM_PARTS' setting, or set"
        " 'request.max_form_parts' before the form is read."
    )


def too_much_memory(limit: int) -> RequestEntityTooLarge:
    """The error for fields of more than `limit` bytes together; it names the setting."""
    return RequestEntityTooLarge(
        f"The fields of the form are larger than {limit} bytes together. To accept them, raise the"
        " 'MAX_FORM_MEMORY_SIZE' setting, or set 'request.max_form_memory_size' before the form is read."
    )


def _quote(name: str) -> str:
    if _CONTROL.search(name) or "%22" in name:
        raise ValueError(f"A form cannot hold the name {name!r}.")
    return name.replace("\\", "\\\\").replace('"', "%22")
