"""What ``CodecOptions(profile="python")`` encodes beyond BSON's own types.

``simplified`` is called for values that BSON has no type for; it returns one that has. The native
encoder does the same in ``csrc/typed/profile.c``.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import sys
from typing import Any

from bsonx.decimal128 import Decimal128
from bsonx.int64 import Int64

__all__ = ["PROFILES", "simplified"]

PROFILES = (None, "python")

_MILLISECOND = datetime.timedelta(milliseconds=1)


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
        return Int64(value // _MILLISECOND)
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, pathlib.PurePath):
        return str(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return _numpy_scalar(numpy, value)
    return NotImplemented


def _numpy_scalar(numpy: Any, value: Any) -> Any:
    if isinstance(value, numpy.datetime64):
        if numpy.isnat(value):
            return None
        from bsonx.datetime_ms import DatetimeMS

        return DatetimeMS(int(value.astype("datetime64[ms]").astype("int64")))
    if isinstance(value, numpy.timedelta64):
        if numpy.isnat(value):
            return None
        return Int64(int(value.astype("timedelta64[ms]").astype("int64")))
    if isinstance(value, numpy.bool_ | numpy.integer):
        return value.item()
    if isinstance(value, numpy.floating):
        return float(value)
    return NotImplemented
