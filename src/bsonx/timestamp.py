"""The server's internal timestamps (not for dates: see ``datetime``)."""

from typing import TYPE_CHECKING

from bsonx._switch import HAS_C
from bsonx.tz_util import utc

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.timestamp import Timestamp
else:
    from bsonx._native import Timestamp

__all__ = ["UPPERBOUND", "Timestamp", "utc"]

UPPERBOUND = 4294967296  # seconds and increment are unsigned 32-bit numbers
