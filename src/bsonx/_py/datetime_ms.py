"""DatetimeMS in pure Python, and the conversions between milliseconds and ``datetime``."""

from __future__ import annotations

import datetime
from typing import Any

from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bsonx.errors import InvalidBSON
from bsonx.tz_util import utc

_EPOCH_AWARE = datetime.datetime(1970, 1, 1, tzinfo=utc)
_EPOCH_NAIVE = datetime.datetime(1970, 1, 1)
MIN_MILLIS = -62135596800000  # 0001-01-01T00:00:00
MAX_MILLIS = 253402300799999  # 9999-12-31T23:59:59.999

RANGE_HINT = (
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

    _type_marker = 9

    def __init__(self, value: int | datetime.datetime) -> None:
        if isinstance(value, int):
            if not -(2**63) <= value <= 2**63 - 1:
                raise OverflowError("Must be a 64-bit integer of milliseconds")
            self._value = value
        elif isinstance(value, datetime.datetime):
            self._value = millis_from_datetime(value)
        else:
            raise TypeError(f"{type(value)} is not a valid type for DatetimeMS")

    def as_datetime(
        self, codec_options: CodecOptions = DEFAULT_CODEC_OPTIONS
    ) -> datetime.datetime | DatetimeMS:
        """Return this as decoding with ``codec_options`` would; InvalidBSON out of range."""
        return datetime_from_millis(self._value, codec_options)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._value!s})"

    # Ordering takes anything that an int can be compared with; equality does not.
    def __lt__(self, other: Any) -> bool:
        return self._value < other  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> bool:
        return self._value <= other  # type: ignore[no-any-return]

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, DatetimeMS):
            return self._value == other._value
        return False

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __gt__(self, other: Any) -> bool:
        return self._value > other  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> bool:
        return self._value >= other  # type: ignore[no-any-return]

    def __int__(self) -> int:
        return self._value


DatetimeMS.__module__ = "bsonx.datetime_ms"


def millis_from_datetime(value: datetime.datetime) -> int:
    """Return milliseconds since the epoch; naive times are UTC, microseconds are cut off."""
    if value.tzinfo is not None:
        offset = value.utcoffset()
        value = value.replace(tzinfo=None)
        if offset is not None:
            value -= offset
    span = value - _EPOCH_NAIVE
    return span.days * 86400000 + span.seconds * 1000 + span.microseconds // 1000


def datetime_from_millis(millis: int, options: CodecOptions) -> datetime.datetime | DatetimeMS:
    """Return what a stored datetime decodes to."""
    conversion = options.datetime_conversion
    if conversion == DatetimeConversion.DATETIME_MS:
        return DatetimeMS(millis)
    try:
        return _within_range(millis, options, conversion)
    except OverflowError as exc:
        if conversion == DatetimeConversion.DATETIME_AUTO:
            return DatetimeMS(millis)
        raise InvalidBSON(f"{exc} {RANGE_HINT}") from exc


def _within_range(
    millis: int, options: CodecOptions, conversion: DatetimeConversion | None
) -> datetime.datetime:
    clamp = conversion == DatetimeConversion.DATETIME_CLAMP
    if clamp:
        millis = max(MIN_MILLIS, min(MAX_MILLIS, millis))
    seconds, rest = divmod(millis, 1000)
    span = datetime.timedelta(seconds=seconds, microseconds=rest * 1000)
    if not options.tz_aware:
        return _EPOCH_NAIVE + span
    moment = _EPOCH_AWARE + span
    if options.tzinfo is None:
        return moment
    try:
        return moment.astimezone(options.tzinfo)
    except OverflowError:
        if not clamp:
            raise
        return moment.replace(tzinfo=options.tzinfo)
