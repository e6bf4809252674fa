"""Dates as milliseconds since the epoch, without the limits of ``datetime``."""

import datetime

from bsonx._impl import DatetimeMS
from bsonx.tz_util import utc

__all__ = ["EPOCH_AWARE", "EPOCH_NAIVE", "DatetimeMS"]

EPOCH_AWARE = datetime.datetime(1970, 1, 1, tzinfo=utc)
EPOCH_NAIVE = datetime.datetime(1970, 1, 1)
