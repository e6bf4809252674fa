"""From the text of one field to a value: types that are given, and types that are guessed.

What does not fit a given type is a ValueError. What does not fit a guess stays what it is, text. A
type that is guessed is written with a question mark (``int?``). Blanks around numbers, dates, truth
values and ids do not count; text keeps its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import isinf
from typing import Any

from bsonx.datetime_ms import DatetimeMS
from bsonx.decimal128 import Decimal128
from bsonx.objectid import ObjectId

__all__ = [
    "BLANKS",
    "CONVERTERS",
    "INT64",
    "NUMBER",
    "NUMBER_WORDS",
    "NUMERIC",
    "PLAIN_DATE",
    "PLAIN_TRUTH",
    "guessed_date",
    "guessed_float",
    "guessed_int",
    "is_lost",
    "shown",
    "to_utc",
    "with_comma",
    "with_point",
]

Converter = Callable[[str], Any]

BLANKS = " \t"
INT64 = range(-(1 << 63), 1 << 63)
_EXACT_DIGITS = 15  # a float holds that many
_LONGEST_INT = 25  # characters; more are not worth a look
_ANY_INT = re.compile(r"[+-]?[0-9]+")
_PLAIN_INT = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
#: As programs write numbers: 007 is none, nor is 1_000.
NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?P<point>\.[0-9]*)?|\.[0-9]+)(?P<exponent>[eE][+-]?[0-9]+)?"
)
#: As R, pandas, numpy, C and Java write what is no finite number. Nan and Inf may be names.
NUMBER_WORDS = frozenset(
    sign + word
    for sign in ("", "-", "+")
    for word in ("NaN", "nan", "NAN", "Inf", "inf", "INF", "Infinity", "infinity")
)
#: ISO 8601, up to the milliseconds that BSON holds; years with a sign may have more digits.
PLAIN_DATE = re.compile(
    r"([0-9]{4}|[+-][0-9]{4,9})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,3})0*)?)?"
    r"(?:Z|([+-])([0-9]{2}):?([0-9]{2}))?)?"
)
_TRUTH = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_TRUTH |= {"false": False, "f": False, "no": False, "n": False, "0": False}
PLAIN_TRUTH = {"true": True, "false": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERA = 146097  # days of 400 years
_FIRST, _LAST = -62135596800000, 253402300799999  # milliseconds that datetime holds


def shown(text: str) -> str:
    """The text in quotes, and not all of it when it is long: for messages."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def to_int(text: str) -> int:
    """The 64-bit integer that `text` names."""
    bare = text.strip(BLANKS)
    if not _ANY_INT.fullmatch(bare) or len(bare) > _LONGEST_INT or int(bare) not in INT64:
        raise ValueError(f"{shown(text)} is not a 64-bit integer")
    return int(bare)


def to_float(text: str) -> float:
    """The number as a float; NaN and infinities may be spelled out."""
    try:
        value = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        value = None
    if value is None:
        raise ValueError(f"{shown(text)} is not a number")
    if is_lost(text, value):
        raise ValueError(f"{shown(text)} is too large or too small for a float")
    return value


def is_lost(text: str, value: float) -> bool:
    """Whether a finite number has become infinite, or a number other than 0 has become 0."""
    if isinf(value):
        return any(digit in text for digit in "0123456789")
    return value == 0 and any(digit in text.lower().split("e")[0] for digit in "123456789")


def to_decimal(text: str) -> Decimal128:
    """The number as a Decimal128."""
    try:
        if text.isascii():
            return Decimal128(text.strip(BLANKS))
    except Exception:  # decimal's own errors derive from ArithmeticError, not ValueError
        pass
    raise ValueError(f"{shown(text)} is not a decimal number")


def to_bool(text: str) -> bool:
    """The truth value that `text` names: true/false, t/f, yes/no, y/n, 1/0."""
    try:
        return _TRUTH[text.strip(BLANKS).lower()]
    except KeyError:
        raise ValueError(f"{shown(text)} is not a truth value")


def to_date(text: str) -> datetime | DatetimeMS:
    """The ISO 8601 date or time; without an offset it is taken as UTC.

    A DatetimeMS where it is outside the years 1 to 9999, which a sign says.
    """
    bare = text.strip(BLANKS)
    try:
        if match := PLAIN_DATE.fullmatch(bare):
            return _date_of(match)
        return to_utc(datetime.fromisoformat(bare))
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(text)} is not an ISO 8601 date")


def to_utc(moment: datetime) -> datetime:
    """The same moment in UTC; naive ones are UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _date_of(match: re.Match[str]) -> datetime | DatetimeMS:
    """Raises ValueError where there is no such date."""
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    hour, minute, second = int(match[4] or 0), int(match[5] or 0), int(match[6] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("no such time")
    # The calendar repeats itself every 400 years.
    days = date(year % 400 + 400, month, day).toordinal() + (year // 400 - 1) * _ERA
    days -= _EPOCH.toordinal()
    minutes = hour * 60 + minute
    if match[8]:
        offset, rest = int(match[9]), int(match[10])
        if offset > 23 or rest > 59:
            raise ValueError("no such offset")
        minutes += (offset * 60 + rest) * (1 if match[8] == "-" else -1)
    millis = (days * 1440 + minutes) * 60_000 + second * 1000 + int((match[7] or "").ljust(3, "0"))
    if not _FIRST <= millis <= _LAST:
        if millis not in INT64:
            raise ValueError("no such date in BSON")
        return DatetimeMS(millis)
    return _EPOCH + timedelta(milliseconds=millis)


def to_objectid(text: str) -> ObjectId:
    """The ObjectId of 24 hex digits."""
    try:
        return ObjectId(text.strip(BLANKS))
    except Exception:
        raise ValueError(f"{shown(text)} is not an ObjectId")


def guessed_int(text: str) -> int | float | str:
    """An integer; another number is still better than text."""
    bare = text.strip(BLANKS)
    if _PLAIN_INT.fullmatch(bare) and len(bare) <= 20 and bare != "-0":
        value = int(bare)
        return value if value in INT64 else text
    return _number(text, bare)


def guessed_float(text: str) -> int | float | str:
    """A float; an integer where a float would lose digits."""
    bare = text.strip(BLANKS)
    if _PLAIN_INT.fullmatch(bare) and len(bare.lstrip("+-")) > _EXACT_DIGITS:
        return guessed_int(text)
    return _number(text, bare)


def _number(text: str, bare: str) -> float | str:
    if bare in NUMBER_WORDS:
        return float(bare)
    if not NUMBER.fullmatch(bare) or (_PLAIN_INT.fullmatch(bare) and len(bare) > 20):
        return text
    value = float(bare)
    return text if is_lost(bare, value) else value


def guessed_bool(text: str) -> bool | str:
    """True or false, spelled so."""
    return PLAIN_TRUTH.get(text.strip(BLANKS).lower(), text)


def guessed_date(text: str) -> datetime | DatetimeMS | str:
    """A date in the plain forms of ISO 8601."""
    match = PLAIN_DATE.fullmatch(text.strip(BLANKS))
    if match is None:
        return text
    try:
        return _date_of(match)
    except ValueError:
        return text


_COMMA_FOR_POINT = str.maketrans(",.", ".\0")


def with_point(text: str) -> str:
    """A number that has a comma for its point, as others are written; one with a point is none."""
    return text.translate(_COMMA_FOR_POINT)


def with_comma(convert: Converter) -> Converter:
    """What converts numbers that have a comma for their point."""

    def converted(text: str) -> Any:
        try:
            value = convert(with_point(text))
        except ValueError as error:
            raise ValueError(str(error).replace(shown(with_point(text)), shown(text)))
        return text if isinstance(value, str) else value

    return converted


#: Of numbers.
NUMERIC = frozenset(("int", "float", "decimal", "int?", "float?"))
#: By the type's name.
CONVERTERS: dict[str, Converter] = {
    "bool": to_bool,
    "date": to_date,
    "decimal": to_decimal,
    "float": to_float,
    "int": to_int,
    "objectid": to_objectid,
    "str": str,
    "int?": guessed_int,
    "float?": guessed_float,
    "bool?": guessed_bool,
    "date?": guessed_date,
}
