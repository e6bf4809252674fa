"""What ``CodecOptions(profile="python")`` encodes beyond BSON's own types.

``simplified`` is called for values that BSON has no type for; it returns one that has. The native
encoder does the same in ``csrc/typed/profile.c``.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import math
import pathlib
import sys
from typing import Any

from bsonx._py.types.moments import plain_timedelta
from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64

__all__ = ["PROFILES", "simplified"]

PROFILES = (None, "python")

_MILLISECOND = datetime.timedelta(milliseconds=1)
_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()


def simplified(value: Any) -> Any:
    """Return a value to encode instead, or ``NotImplemented``.

    ValueError for a value that its BSON type cannot hold (a Decimal of more than 34 digits).
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, decimal.Decimal):
        try:
            return Decimal128(value)
        except decimal.DecimalException as exc:
            raise ValueError(f"{value} has no exact Decimal128 form") from exc
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return Int64(plain_timedelta(value) // _MILLISECOND)
    if isinstance(value, set | frozenset | collections.deque):
        return list(value)
    if isinstance(value, pathlib.PurePath):
        return str(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return _numpy_scalar(numpy, value)
    return NotImplemented


# Milliseconds of numpy's units, or units in a millisecond where those are shorter. A duration in
# years or months is of their average length in the Gregorian calendar, as numpy has it.
_UNIT_MILLIS = {
    "Y": 31556952000,
    "M": 2629746000,
    "W": 604800000,
    "D": 86400000,
    "h": 3600000,
    "m": 60000,
    "s": 1000,
    "ms": 1,
    "generic": 1,
}
_UNITS_PER_MILLI = {"us": 10**3, "ns": 10**6, "ps": 10**9, "fs": 10**12, "as": 10**15}


def _duration_millis(count: int, unit: str) -> int:
    """Return whole milliseconds, rounded down. In numpy's own conversions int64 wraps around."""
    if unit in _UNITS_PER_MILLI:
        return count // _UNITS_PER_MILLI[unit]
    return count * _UNIT_MILLIS[unit]


def _moment_millis(count: int, unit: str) -> int:
    """Return milliseconds since the epoch of ``count`` units since then."""
    if unit not in ("Y", "M"):
        return _duration_millis(count, unit)
    # The calendar repeats after 400 years, of 146097 days.
    cycles, months = divmod(count * (12 if unit == "Y" else 1), 4800)
    start = datetime.date(1970 + months // 12, months % 12 + 1, 1)
    days = start.toordinal() - _EPOCH_ORDINAL + cycles * 146097
    return days * _UNIT_MILLIS["D"]


def _numpy_time(numpy: Any, value: Any) -> Any:
    if numpy.isnat(value):
        return None
    unit, step = numpy.datetime_data(value.dtype)
    count = int(value.astype("int64")) * step
    if isinstance(value, numpy.timedelta64):
        return Int64(_duration_millis(count, unit))
    from bsonx.datetime_ms import DatetimeMS

    return DatetimeMS(_moment_millis(count, unit))


def _numpy_scalar(numpy: Any, value: Any) -> Any:
    if isinstance(value, numpy.datetime64 | numpy.timedelta64):
        return _numpy_time(numpy, value)
    if isinstance(value, numpy.bool_ | numpy.integer):
        return value.item()
    if isinstance(value, numpy.floating):
        number = float(value)
        if math.isinf(number) and not numpy.isinf(value):
            raise OverflowError(f"{value!r} is too large for a double")
        return number
    return NotImplemented
