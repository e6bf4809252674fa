"""How deep JSON text may nest: what the interpreter's own reader takes differs from version to
version, and with the limit that a program sets."""

from __future__ import annotations

import json
import re

_MAX_DEPTH = 1000  # as everywhere in the codec (BX_MAX_DEPTH)
#: Brackets, and strings as a whole, the last one without its end in damaged text.
_TOKEN = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_WHAT = {"[": "array", "{": "object"}


def refuse_depth(text: str | bytes | bytearray, end: int | None = None) -> None:
    """Raise RecursionError where `text`, up to the character `end`, opens too many levels.

    An object that stands for a BSON value counts as one.
    """
    openings = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(map(text.count, openings)) <= _MAX_DEPTH:  # type: ignore[arg-type]  # of its kind
        return
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text), "replace")
    depth = 0
    for token in _TOKEN.finditer(text, 0, len(text) if end is None else end):
        first = text[token.start()]
        if first in _WHAT:
            depth += 1
            if depth > _MAX_DEPTH:
                raise RecursionError(
                    "maximum recursion depth exceeded while decoding a JSON "
                    f"{_WHAT[first]} from a unicode string"
                )
        elif first != '"':
            depth -= 1
