"""What is uploaded and downloaded: mebibytes of which no two are alike, so that one that is missing shows."""

from __future__ import annotations

_BLOCK = bytes(range(256)) * 4096


def block(number: int) -> bytes:
    """The mebibyte of this number."""
    return number.to_bytes(4, "big") + _BLOCK[4:]
