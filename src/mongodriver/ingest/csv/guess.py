"""Guess the types of columns from a sample of their values.

A guess is careful: `007` and `1_000` are text, and so are `1e3` or `+49`, which may be
numbers of parts or telephones, where no other value of the column is a plain number. What is rare
does not decide: one value in a hundred may be anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import Enum

from bsonx.csv import (
    BLANKS,
    INT64,
    NUMBER,
    NUMBER_WORDS,
    PLAIN_TRUTH,
    guessed_date,
    is_lost,
    with_point,
)

__all__ = ["NULLS", "TEXT_NULLS", "guess"]

#: What means null where nothing else is said, in columns that are not text.
NULLS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", r"\N")
#: The same in text, where the others may be words.
TEXT_NULLS = ("",)
_RARE = 100
_DIGITS = re.compile(r"[+-]?[0-9]+")


class _Look(Enum):
    """What a value looks like."""

    INT = "a plain integer"
    FLOAT = "a plain number"
    SIGNED = "an integer with a plus"
    ODD_FLOAT = "a number as few write it"
    WORD = "NaN or an infinity"
    CODE = "digits that are no number"
    BOOL = "a truth value"
    DATE = "a date"
    OTHER = "text"


def _look(text: str) -> _Look:
    if text in NUMBER_WORDS:
        return _Look.WORD
    if match := NUMBER.fullmatch(text):
        point, exponent = match["point"], match["exponent"]
        if point is None and exponent is None and "." not in text:
            if int(text) not in INT64:
                return _Look.CODE
            return _Look.SIGNED if text[0] == "+" else _Look.INT
        if is_lost(text, float(text)):
            return _Look.OTHER
        bare = exponent is not None and exponent[1] not in "+-" and "." not in text
        odd = bare or point == "." or text[0] == "+"
        return _Look.ODD_FLOAT if odd else _Look.FLOAT
    if _DIGITS.fullmatch(text):
        return _Look.CODE
    if text.lower() in PLAIN_TRUTH:
        return _Look.BOOL
    return _Look.OTHER if isinstance(guessed_date(text), str) else _Look.DATE


def guess(values: Iterable[str], nulls: Iterable[str] = NULLS, decimal: str = ".") -> str:
    """Return the type of a column with such values: `int?`, `float?`, `bool?`, `date?` or `str`.

    :param nulls: values that say nothing about it.
    :param decimal: what stands in front of the fraction of a number.
    :return: `str` where nothing says anything.
    """
    left_out = frozenset(nulls)
    looks: Counter[_Look] = Counter()
    seen: dict[str, _Look] = {}
    for value in values:
        text = value.strip(BLANKS)
        if text in left_out or value in left_out:
            continue
        if (look := seen.get(text)) is None:
            look = seen[text] = _look(with_point(text) if decimal == "," else text)
        looks[look] += 1
    return _decide(looks)


def _decide(looks: Counter[_Look]) -> str:
    total = looks.total()
    if not total or looks[_Look.CODE]:
        return "str"
    plain = looks[_Look.INT] + looks[_Look.FLOAT]
    numbers = plain + looks[_Look.SIGNED] + looks[_Look.ODD_FLOAT] + looks[_Look.WORD]
    if _is_nearly(numbers, total):
        if plain:
            return "float?" if looks[_Look.FLOAT] + looks[_Look.ODD_FLOAT] else "int?"
        return "float?" if looks[_Look.WORD] == numbers == total else "str"
    if _is_nearly(looks[_Look.BOOL], total):
        return "bool?"
    return "date?" if _is_nearly(looks[_Look.DATE], total) else "str"


def _is_nearly(count: int, total: int) -> bool:
    return (total - count) * _RARE <= count
