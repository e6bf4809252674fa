"""Dates as milliseconds since the epoch, without the limits of ``datetime``."""

import datetime
from typing import TYPE_CHECKING

from bsonx._switch import HAS_C
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bsonx.errors import InvalidBSON
from bsonx.tz_util import utc

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.datetime_ms import DatetimeMS
else:
    from bsonx._native import DatetimeMS

__all__ = [
    "DEFAULT_CODEC_OPTIONS",
    "EPOCH_AWARE",
    "EPOCH_NAIVE",
    "CodecOptions",
    "DatetimeConversion",
    "DatetimeMS",
    "InvalidBSON",
    "utc",
]

EPOCH_AWARE = datetime.datetime(1970, 1, 1, tzinfo=utc)
EPOCH_NAIVE = datetime.datetime(1970, 1, 1)
