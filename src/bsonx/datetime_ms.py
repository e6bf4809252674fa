"""Dates as milliseconds since the epoch, without the limits of ``datetime``."""

import datetime

from bsonx._impl import DatetimeMS
from bsonx.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions, DatetimeConversion
from bsonx.errors import InvalidBSON
from bsonx.tz_util import utc

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
