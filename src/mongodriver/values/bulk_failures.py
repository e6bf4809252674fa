"""What an error of a bulk write says of many failures: in one line, by code, and within bounds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .error_codes import is_too_large

__all__ = ["by_code", "summary", "within_bounds"]

#: Characters that the details may take in the text of an error.
LONGEST = 4_000
#: Kinds of failures that a summary names, the most frequent first.
_NAMED = 5

_DUPLICATE_KEYS = (11000, 11001, 12582)
_INDEX = re.compile(r" index: (?:\S*\$)?(\S+)")
#: What codes mean that have a name of their own here; the server sends none with these errors.
_NAMES = {
    2: "BadValue",
    9: "FailedToParse",
    14: "TypeMismatch",
    28: "PathNotViable",
    40: "ConflictingUpdateOperators",
    50: "time limit",
    66: "ImmutableField",
    112: "WriteConflict",
    121: "validation",
}


def by_code(errors: Sequence[Mapping[str, Any]]) -> dict[Any, list[Mapping[str, Any]]]:
    """The failed writes by their codes, each code's in their order."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for error in errors:
        found.setdefault(error.get("code"), []).append(error)
    return found


def summary(details: Mapping[str, Any], total: int | None) -> str:
    """One line such as "3 of 10,000 failed: 2 E11000 on idx_email, 1 validation".

    :param total: how many writes were asked for, if that is known.
    """
    errors = details.get("writeErrors") or ()
    asked = "" if total is None else f" of {total:,}"
    text = f"{len(errors):,}{asked} failed"
    if errors:
        text += ": " + ", ".join(_counted(Counter(map(_kind, errors))))
    concerns = details.get("writeConcernErrors") or ()
    if concerns:
        text += f"; {len(concerns):,} write concern error{'s' if len(concerns) > 1 else ''}"
    return text


def _counted(kinds: Counter[str]) -> Iterator[str]:
    for kind, number in kinds.most_common(_NAMED):
        yield f"{number:,} {kind}"
    others = kinds.total() - sum(number for _, number in kinds.most_common(_NAMED))
    if others:
        yield f"{others:,} other"


def _kind(error: Any) -> str:
    code = error.get("code") if isinstance(error, Mapping) else None
    if code in _DUPLICATE_KEYS:
        found = _INDEX.search(str(error.get("errmsg", "")))
        return f"E{code} on {found[1]}" if found else f"E{code}"
    if isinstance(error, Mapping) and is_too_large(code, error.get("errmsg")):
        return "too large"
    return "other" if code is None else _NAMES.get(code, f"code {code}")


def within_bounds(details: Mapping[str, Any], account: Callable[[], str]) -> str:
    """The details as text: all of them, or as far as it is not too long and then `account`."""
    parts: list[str] = []
    length = 0
    for part in _parts(details):
        parts.append(part)
        length += len(part)
        if length > LONGEST:
            return f"{''.join(parts)[:LONGEST]}... ({account()})"
    return "".join(parts)


def _parts(details: Mapping[str, Any]) -> Iterator[str]:
    """The `repr` of the details piece by piece: lists, the long ones, item by item."""
    if type(details) is not dict:
        yield str(details)
        return
    between = "{"
    for name, value in details.items():
        yield f"{between}{name!r}: "
        between = ", "
        if type(value) is list and value:
            inner = "["
            for item in value:
                yield f"{inner}{item!r}"
                inner = ", "
            yield "]"
        else:
            yield repr(value)
    yield "{}" if between == "{" else "}"
