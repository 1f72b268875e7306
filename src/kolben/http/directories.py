"""Files of a directory, by paths that may come from requests: ``send_from_directory``, and what static routes send.

What was found out about an ordinary file is remembered for as long as it has the same time and size.
"""

from __future__ import annotations

import os
import stat
import typing as t
from dataclasses import dataclass, replace
from functools import lru_cache

from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join
from werkzeug.utils import get_content_type

from ..globals import current_app, get_current
from .files import (
    ACCEPT_RANGES,
    NO_CACHE,
    FileBody,
    Source,
    add_caching,
    add_disposition,
    add_validators,
    guess_type,
    respond,
    select_of,
)
from .headers import check_headers
from .local_disks import IN_MEMORY, local_file_system
from .response import Prepared
from .wire import Page

if t.TYPE_CHECKING:
    from ..app import Kolben
    from .files import MaxAge
    from .request import Request
    from .response import Response


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
            return t.cast("Response", response)
    base = os.path.join(current_app.root_path, os.fspath(directory) or ".")
    full_path = safe_join(base, os.fspath(path))
    if full_path is None:
        raise NotFound()
    try:
        status = _stat_inside(base, full_path)
        if not stat.S_ISREG(status.st_mode):
            raise NotFound()
        return respond(Source(full_path, None, status.st_size, status.st_mtime), **kwargs)
    except FileNotFoundError:
        raise NotFound() from None


_MAX_AGE_ALONE = {"max_age"}
_LONGEST_KNOWN = 512
"""Characters of a path that is remembered."""
_MOST_KNOWN = 512
"""Files that are remembered. A full table starts afresh."""
_SMALL = 64 * 1024
"""Bytes of a file that is read at once, where it is opened."""


@dataclass(frozen=True, slots=True)
class _Known:
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
    app: Kolben,
    req: Request,
    directory: str,
    path: str,
    max_age: MaxAge = None,
    on_loop: bool = False,
    as_page: bool = False,
) -> Response | Page | None:
    """What :func:`send_from_directory` sends for an ordinary file; ``None`` for all else, errors above all.

    PERF: benchmarks/inprocess.py, kinds "static file" and "static 304". The file is looked at each time; what follows
    from its name, time and size is worked out once.

    :param on_loop: send only what can be had without waiting for a disk: of files that :func:`look_at_disk` was told
        about. It is ASGI's.
    :param as_page: give a small file as a page, for nobody wants to see a response.
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
    is_unchanged = prepared is known.unchanged
    body: t.Any = [] if is_unchanged or req.method == "HEAD" else _open_known(known, 0, known.size, on_loop)
    if body is None:
        return None
    if as_page and type(body) is list:
        return _page(prepared, body, on_loop)
    response: Response = cls.__new__(cls)
    response.prepared = prepared
    response.direct_passthrough = True
    response.response = body
    if is_unchanged:
        response._status, response._status_code = _NOT_MODIFIED
    return response


def _page(prepared: Prepared, body: list[bytes], is_asgi: bool) -> Page:
    page = Page()
    page.status, page.status_code = _NOT_MODIFIED if prepared.status == 304 else _OK
    page.headers = prepared.raw.copy() if is_asgi else prepared.wire.copy()
    page.body = body[0] if body else b""
    page.told = None
    return page


_OK, _NOT_MODIFIED = ("200 OK", 200), ("304 NOT MODIFIED", 304)
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
    add_caching(headers, seconds)
    code, start, stop = select_of(headers, known.etag, known.modified, known.size, req)
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
        _known[known.path] = replace(known, file_system=found)


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
    source = Source(path, None, status.st_size, status.st_mtime)
    modified = add_validators(headers, source, True, None)
    validators = tuple(headers)
    etag = headers["ETag"]
    headers.clear()
    name = os.path.basename(path)
    mimetype, encoding = guess_type(name)
    if encoding is not None:
        headers.add("Content-Encoding", encoding)
    add_disposition(headers, name, False)
    content_type = ("Content-Type", get_content_type(mimetype, "utf-8"))
    always = [*validators, NO_CACHE, ACCEPT_RANGES]
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
