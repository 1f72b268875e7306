"""Signed values in ItsDangerous's format: what it writes is read here, and what is written here it reads.

ItsDangerous does the same in some fifty calls, and compresses in memory that takes longer to get than to use.
"""

from __future__ import annotations

import hashlib
import time
import typing as t
import zlib
from binascii import a2b_base64, b2a_base64
from hmac import compare_digest

from itsdangerous import URLSafeTimedSerializer

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_SHORT = 40
"""Bytes up to which nothing is won by compressing."""
_WINDOW = 4096


class CookieSerializer(URLSafeTimedSerializer):
    """A :class:`itsdangerous.URLSafeTimedSerializer` with HMAC-SHA1, of keys that are derived by HMAC-SHA1 too.

    What is valid by the newest key is read, and everything is written, in a few steps. All else, above all what is
    wrong, is left to ItsDangerous, which decides and says why.

    PERF: benchmarks/sessions.py.
    """

    def __init__(self, keys: list[str] | list[bytes], **options: t.Any) -> None:
        super().__init__(keys, **options)
        # RFC 2104: H(K ^ opad, H(K ^ ipad, text)).
        block = self.make_signer().derive_key().ljust(64, b"\0")
        # NOTE: what has taken in the key is copied, which takes less than beginning anew. It is never changed itself.
        self._inner, self._outer = hashlib.sha1(block.translate(_INNER)), hashlib.sha1(block.translate(_OUTER))
        self._stamp = (0, b"")

    def loads(self, s: str | bytes, max_age: int | None = None, **options: t.Any) -> t.Any:  # type: ignore[override]  # as there
        """Read what :meth:`dumps` wrote.

        :param max_age: seconds since then.
        :raises itsdangerous.BadData: it is forged, older, or cannot be read.
        """
        if not options:
            try:
                payload = self._verified(s.encode() if isinstance(s, str) else s, max_age)
                if payload is not None:
                    return self.load_payload(payload)
            except Exception:  # raised again, in its own words, by what follows
                pass
        return super().loads(s, max_age, **options)

    def _verified(self, signed: bytes, max_age: int | None) -> bytes | None:
        value, _, signature = signed.rpartition(b".")
        if not compare_digest(self._signature(value), signature):
            return None
        payload, dot, stamp = value.rpartition(b".")
        age = int(time.time()) - int.from_bytes(_decode(stamp), "big")
        return payload if dot and (max_age is None or 0 <= age <= max_age) else None

    def load_payload(self, payload: bytes, *args: t.Any, **options: t.Any) -> t.Any:
        """Read the value that was signed."""
        if args or options or not self.is_text_serializer:
            return super().load_payload(payload, *args, **options)
        try:
            text = zlib.decompress(_decode(payload[1:])) if payload.startswith(b".") else _decode(payload)
            return self.serializer.loads(text.decode())
        except Exception:
            return super().load_payload(payload)

    def dumps(self, obj: t.Any, salt: str | bytes | None = None) -> t.Any:
        """Write and sign a value."""
        if salt is not None or not self.is_text_serializer:
            return super().dumps(obj, salt)
        value = self.dump_payload(obj) + self._timestamp()
        return (value + b"." + self._signature(value)).decode()

    def dump_payload(self, obj: t.Any) -> bytes:
        """Write a value, compressed where that makes it shorter, as ItsDangerous does."""
        if not self.is_text_serializer:
            return super().dump_payload(obj)
        text: bytes = self.serializer.dumps(obj, **self.serializer_kwargs).encode()
        if len(text) > _SHORT:
            compressed = _compress(text)
            if len(compressed) < len(text) - 1:
                return b"." + _encode(compressed)
        return _encode(text)

    def _timestamp(self) -> bytes:
        """The seconds, as they stand behind the payload; they are the same for many requests."""
        now = int(time.time())
        second, stamp = self._stamp
        if second != now:
            stamp = b"." + _encode(now.to_bytes(8, "big").lstrip(b"\0"))
            self._stamp = (now, stamp)
        return stamp

    def _signature(self, value: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value)
        outer.update(inner.digest())
        return _encode(outer.digest())


def _encode(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def _decode(text: bytes) -> bytes:
    return a2b_base64(text.translate(_FROM_URL) + b"==="[: -len(text) % 4])


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def _compress(text: bytes) -> bytes:
    """:func:`zlib.compress`, with a window no larger than the text: 35 µs less, most of which went into its memory."""
    if len(text) > _WINDOW:
        return zlib.compress(text)
    compressor = zlib.compressobj(-1, zlib.DEFLATED, 12, 5)
    return compressor.compress(text) + compressor.flush()
