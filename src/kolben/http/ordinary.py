"""Reading a ``multipart/form-data`` body that is in memory and looks as browsers and most libraries write it.

What is read here is what :class:`.MultipartParser` reads. Whatever is not plain to see as ordinary, is too much, or is
wrong, is left to it.
"""

from __future__ import annotations

import io
import re
import typing as t

from werkzeug.datastructures import FileStorage, Headers

from .multipart import ORDINARY

_boundary_of = re.compile(r"multipart/form-data; ?boundary=([A-Za-z0-9'+_./?=-]{1,70})").fullmatch

Parts: t.TypeAlias = tuple[list[tuple[str, str]], list[tuple[str, FileStorage]]]


def read_ordinary(
    data: bytes,
    content_type: str,
    make_file: t.Callable[..., FileStorage],
    *,
    max_form_memory_size: int | None,
    max_form_parts: int | None,
    max_part_headers: int | None,
    max_part_header_size: int,
) -> Parts | None:
    """The fields and the files of a whole body, or ``None`` if :class:`.MultipartParser` must look at it.

    :param make_file: what makes a file of its content: as :class:`werkzeug.datastructures.FileStorage`.
    """
    # PERF: benchmarks/inprocess.py, kinds "multipart fields" and "upload": no events and no states, and one copy of
    # what a part holds.
    delimiter = _delimiter(content_type, max_part_headers)
    if delimiter is None or not data.startswith(delimiter[2:]):
        return None
    width, position = len(delimiter), len(delimiter) - 2
    following = _positions(data, delimiter, len(data) if max_form_parts is None else max_form_parts)
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, FileStorage]] = []
    size = 0
    while data.startswith(b"\r\n", position):
        if not following:
            return None
        end, stop = data.find(b"\r\n\r\n", position, position + max_part_header_size + 6), following.pop()
        if end < 0 or stop < end + 2:
            return None
        try:
            part = ORDINARY(data[position + 2 : end].decode())
            if part is None:
                return None
            disposition, name, filename, kind = part.groups()
            content = data[end + 4 : stop]
            if filename is not None:
                files.append(
                    (name, make_file(io.BytesIO(content), filename, name, headers=_headers(disposition, kind)))
                )
            elif kind is not None:
                return None
            else:
                size += end - position + len(content)
                fields.append((name, content.decode()))
        except UnicodeDecodeError:
            return None
        position = stop + width
    if not data.startswith(b"--", position) or (max_form_memory_size is not None and size > max_form_memory_size):
        return None
    return fields, files


def _delimiter(content_type: str, max_part_headers: int | None) -> bytes | None:
    """What stands before each part and behind the last; ``None`` for what is not read here."""
    boundary = _boundary_of(content_type)
    if boundary is None or (max_part_headers is not None and max_part_headers < 2):
        return None
    return b"\r\n--" + boundary[1].encode()


def _headers(disposition: str, content_type: str | None) -> Headers:
    head = [("Content-Disposition", disposition)]
    if content_type is not None:
        head.append(("Content-Type", content_type))
    return Headers(head)


def _positions(data: bytes, delimiter: bytes, at_most: int) -> list[int]:
    """Where the delimiters are, the last first; none if there are more than `at_most`.

    NOTE: CPython searches backwards several times faster than forwards, and in linear time too: it looks at a place
    where the first byte is a delimiter's, from its end on, and as a delimiter has no second CR, no further than to the
    next CR of the data.
    """
    positions: list[int] = []
    position = len(data)
    while (position := data.rfind(delimiter, 0, position)) >= 0:
        if len(positions) >= at_most:
            return []
        positions.append(position)
    return positions
