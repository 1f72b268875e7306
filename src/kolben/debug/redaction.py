"""Which names stand for secrets, and text without the secrets that are known."""

from __future__ import annotations

import os
import re
import typing as t
from urllib.parse import quote, quote_plus

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "••••••"

MIN_LENGTH = 6
"""A shorter secret is masked where it stands under its name; elsewhere it could be part of any word."""

_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|pwd|token|api[_-]?key|access[_-]?key|private[_-]?key|signing|credential|csrf|xsrf"
    r"|^(proxy[_-])?authorization$|^(set[_-])?cookie$|^https?_(authorization|cookie)$|session[_-]?id|^auth$|_dsn$|^dsn$",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")


def is_secret_name(name: object) -> bool:
    """Whether what stands under this name (of a variable, setting, header, field) is not to be shown."""
    text = name.decode("latin-1") if type(name) is bytes else name
    return type(text) is str and _SECRET_NAME.search(text) is not None


class Redactor:
    """Masks known secrets in text: as they are, and as ``repr()``, URLs and forms write them."""

    def __init__(self, secrets: Iterable[object]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if not isinstance(secret, (str, bytes)):
                continue
            text = secret.decode("latin-1") if isinstance(secret, bytes) else secret
            if len(text) >= MIN_LENGTH:
                forms |= {text, repr(text)[1:-1], repr(secret)[2:-1], quote(text, errors="replace")}
                forms |= {quote(text, "", errors="replace"), quote_plus(text, errors="replace")}
        longest_first = sorted((form for form in forms if len(form) >= MIN_LENGTH), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        text = _PASSWORD_IN_URL.sub(_without_password, text)
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def in_place(self, text: str) -> str:
        """The text without them and as long as before, so that columns stay."""
        return text if self._pattern is None else self._pattern.sub(lambda match: "•" * len(match[0]), text)


def secrets_of_environment() -> list[object]:
    """The values of environment variables that are named as secrets, and the passwords in those that are URLs."""
    # NOTE: a path, of the folder (PWD) or of a file with the secret, is none; and it stands in every traceback.
    return [value for value in secrets_of(os.environ) if not os.path.isabs(str(value))]


def secrets_of(settings: Mapping[str, t.Any]) -> Iterable[object]:
    """The values that stand under the name of a secret, and the passwords in URLs."""
    for name, value in list(settings.items()):
        if is_secret_name(name):
            yield from value if isinstance(value, (list, tuple)) else [value]
        elif isinstance(value, str):
            yield from _PASSWORD_IN_URL.findall(value)


def _without_password(match: re.Match[str]) -> str:
    return match[0].replace(f":{match[1]}@", f":{MASK}@")
