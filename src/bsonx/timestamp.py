"""The server's internal timestamps (not for dates: see ``datetime``)."""

from bsonx._impl import Timestamp
from bsonx.tz_util import utc

__all__ = ["UPPERBOUND", "Timestamp", "utc"]

UPPERBOUND = 4294967296  # seconds and increment are unsigned 32-bit numbers
