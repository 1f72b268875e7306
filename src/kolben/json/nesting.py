"""How deeply a JSON text is nested, found out without following it into the depth.

msgspec asks the interpreter whether the stack has room for one level more. CPython 3.12 and 3.13 answer by a count of
10,000 calls, whatever the size of the stack: on a stack of 2 MiB, as Granian's WSGI threads have, the process
is gone before. (3.11 counts to the recursion limit, 3.14 looks at the stack itself.)
"""

from __future__ import annotations

import re
import sys
import typing as t
from itertools import accumulate

MAX_DEPTH: t.Final = 1000
"""The most arrays and objects that may stand in one another; about what CPython 3.11 allows."""

IS_NEEDED: t.Final = (3, 12) <= sys.version_info[:2] <= (3, 13)

# NOTE: a string that is not closed is matched too: refusing it would begin anew at every quote in it.
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def is_too_deep(text: str | bytes | bytearray) -> bool:
    """Whether the text has more than :data:`MAX_DEPTH` levels. Linear in its length.

    Texts with fewer brackets than that, nearly all of them, cost two counts.
    """
    if isinstance(text, (bytes, bytearray)):
        if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
            return False
        text = text.decode("latin-1")
    elif text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    brackets = _NO_BRACKETS.sub("", _STRING.sub("", text))
    for _ in range(8):
        # PERF: benchmarks/inprocess.py, kind "json body". Each pass takes the innermost level of an ordinary document.
        brackets = brackets.replace("{}", "").replace("[]", "")
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH - 16
