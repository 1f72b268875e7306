"""Large files: an upload that is read while it arrives, a download that can be resumed."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from kolben import Blueprint, Response, current_app, render_template, request, send_file
from kolben.typing import ResponseReturnValue

bp = Blueprint("files", __name__, url_prefix="/files")

LARGEST_UPLOAD = 512 * 1024 * 1024
LINE_LENGTH = 16
LINES_AT_ONCE = 64 * 1024


@bp.get("/")
def index() -> ResponseReturnValue:
    lines = current_app.config["SAMPLE_SIZE"] // LINE_LENGTH
    return render_template("files.html", largest_upload=LARGEST_UPLOAD, lines=lines, line_length=LINE_LENGTH)


@bp.post("/upload", stream_body=True, max_content_length=LARGEST_UPLOAD)
async def upload() -> ResponseReturnValue:
    """The size and SHA-256 of a file. None of it is kept: the memory that this takes does not grow with the file."""
    size = 0
    digest = hashlib.sha256()
    async for chunk in request.body_chunks():
        size += len(chunk)
        digest.update(chunk)
    return {"name": request.args.get("name", "file"), "size": size, "sha256": digest.hexdigest()}


@bp.get("/numbers.txt")
def numbers() -> Response:
    """A large file. A browser or `curl --continue-at -` may ask for a part of it (`Range`)."""
    path = Path(current_app.instance_path) / "numbers.txt"
    size = current_app.config["SAMPLE_SIZE"]
    if not path.is_file() or path.stat().st_size != size:
        write_numbers(path, size)
    return send_file(path, as_attachment=True)


def write_numbers(path: Path, size: int) -> None:
    """Write numbered lines, all of one length. Whoever reads `path` sees all of them or none."""
    lines = size // LINE_LENGTH
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        for start in range(1, lines + 1, LINES_AT_ONCE):
            numbers = range(start, min(start + LINES_AT_ONCE, lines + 1))
            file.write("".join(f"line {number:>10}\n" for number in numbers).encode())
        file.write(bytes(size % LINE_LENGTH))
    Path(file.name).replace(path)
