"""DatetimeMS in pure Python, and the conversions between milliseconds and ``datetime``."""

from __future__ import annotations

import datetime
import operator
import sys
from typing import Any

from bsonx._markers import Markers as _Markers
from bsonx._py.types.moments import EPOCH_NAIVE, millis_from_datetime
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bsonx.errors import InvalidBSON
from bsonx.tz_util import utc

_EPOCH_AWARE = datetime.datetime(1970, 1, 1, tzinfo=utc)
MIN_MILLIS = -62135596800000  # 0001-01-01T00:00:00
MAX_MILLIS = 253402300799999  # 9999-12-31T23:59:59.999

_RANGE_HINT = (
    "(Consider Using CodecOptions(datetime_conversion=DATETIME_AUTO) or "
    "MongoClient(datetime_conversion='DATETIME_AUTO')). See: "
    "https://www.mongodb.com/docs/languages/python/pymongo-driver/current/data-formats/"
    "dates-and-times/#handling-out-of-range-datetimes"
)


class DatetimeMS:
    """A date as int64 milliseconds since the epoch, any year.

    ``value`` is an int or a datetime (naive: UTC; microseconds are cut off). TypeError for other
    types, OverflowError beyond 64 bits.
    """

    __slots__ = ("_value",)

    _type_marker = _Markers.DATETIME

    def __init__(self, value: int | datetime.datetime) -> None:
        if isinstance(value, int):
            if not -(2**63) <= value <= 2**63 - 1:
                raise OverflowError("Must be a 64-bit integer of milliseconds")
            self._value = int(value)
        elif isinstance(value, datetime.datetime):
            self._value = millis_from_datetime(value)
        else:
            raise TypeError(f"{type(value)} is not a valid type for DatetimeMS")

    def as_datetime(
        self, codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS
    ) -> datetime.datetime:
        """Return this as decoding with ``codec_options`` would; InvalidBSON out of range."""
        conversion = operator.index(codec_options.datetime_conversion)  # type: ignore[arg-type]
        try:
            # To type checkers always a datetime, as PyMongo says.
            moment: Any = datetime_from_millis(self._value, codec_options, conversion)
        except OverflowError as exc:
            raise InvalidBSON(f"{exc} {_RANGE_HINT}") from exc
        return moment  # type: ignore[no-any-return]

    def __getstate__(self) -> Any:
        return None, {"_value": self._value}  # (instance dict, slots), for every pickle protocol

    def __setstate__(self, state: Any) -> None:
        self._value = state[1]["_value"]

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!s})"

    # Ordering takes anything that an int can be compared with; equality does not.
    def __lt__(self, other: DatetimeMS | int) -> bool:
        return self._value < other

    def __le__(self, other: DatetimeMS | int) -> bool:
        return self._value <= other

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DatetimeMS):
            return self._value == other._value
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __gt__(self, other: DatetimeMS | int) -> bool:
        return self._value > other

    def __ge__(self, other: DatetimeMS | int) -> bool:
        return self._value >= other

    def __int__(self) -> int:
        return self._value


DatetimeMS.__module__ = "bsonx.datetime_ms"


def datetime_from_millis(
    millis: int, options: CodecOptions[Any], conversion: int
) -> datetime.datetime | DatetimeMS:
    """Return what a stored datetime converts to; OverflowError out of range."""
    if conversion == DatetimeConversion.DATETIME_MS:
        return DatetimeMS(millis)
    clamp = conversion == DatetimeConversion.DATETIME_CLAMP
    if clamp:
        millis = max(MIN_MILLIS, min(MAX_MILLIS, millis))
    try:
        return _moment(millis, options.tz_aware, options.tzinfo)
    except OverflowError:
        if conversion == DatetimeConversion.DATETIME_AUTO:
            return DatetimeMS(millis)
        if not clamp:
            raise
        # In range in UTC, but not in the zone.
        end = MIN_MILLIS if millis < 0 else MAX_MILLIS
        return _moment(end, False, None).replace(tzinfo=options.tzinfo)


def _moment(millis: int, tz_aware: bool, tzinfo: datetime.tzinfo | None) -> datetime.datetime:
    seconds, rest = divmod(millis, 1000)
    span = datetime.timedelta(seconds=seconds, microseconds=rest * 1000)
    if not tz_aware:
        return EPOCH_NAIVE + span
    moment = _EPOCH_AWARE + span
    return moment if tzinfo is None else moment.astimezone(tzinfo)


def out_of_range(millis: int, exc: OverflowError) -> str:
    """Return the message for a stored datetime that ``datetime`` cannot hold."""
    if MIN_MILLIS <= millis <= MAX_MILLIS:  # only the time zone leads out of the range
        return str(exc)
    if millis - millis % 1000 < -(2**63):
        millis += 2**64  # PyMongo rounds to seconds in 64 bits, where this wraps
    cycles, rest = divmod(millis, 146097 * 86400000)  # the calendar repeats after 400 years
    year = _moment(rest, False, None).year + 400 * cycles
    # The words of Python's own datetime, which are PyMongo's.
    new = sys.version_info >= (3, 14)
    text = f"year must be in 1..9999, not {year}" if new else f"year {year} is out of range"
    return f"{text} {_RANGE_HINT}"
