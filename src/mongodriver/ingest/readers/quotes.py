"""Where the quoting of CSV went wrong (RFC 4180, section 2: rules 5 to 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# A quoted field, quotes inside it doubled; the group is empty when it is not closed.
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+("?)')


@dataclass(frozen=True)
class QuoteFault:
    """A quoted field that is not as it must be: `line` (from 0) is where its quote opened."""

    line: int
    problem: str


def find_fault(lines: Sequence[str], delimiter: str, longest: int) -> QuoteFault | None:
    """Return the first fault in a row that begins with the first of `lines`.

    `longest` is how many characters a field may have. None: it is not the quoting.
    """
    text = "".join(lines)
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*+")
    behind = (delimiter, "\r", "\n", "")
    at = 0
    while at < len(text):
        field = _QUOTED.match(text, at)
        if field is None:
            unquoted = plain.match(text, at)
            assert unquoted is not None  # it matches nothing, too
            at = unquoted.end() + 1
            continue
        start, at = field.span()
        size = at - start - 1 - len(field[1]) - text.count('""', start + 1, at - len(field[1]))
        problem = ""
        if size > longest:
            problem = f"is not closed within {longest} characters"
        elif not field[1]:
            problem = "is not closed"
        elif text[at : at + 1] not in behind:
            problem = "is closed in front of more text"
        if problem:
            return QuoteFault(text.count("\n", 0, start), problem)
        at += 1
    return None
