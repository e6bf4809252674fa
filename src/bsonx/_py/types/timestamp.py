"""Timestamp in pure Python."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping
from typing import Any

from bsonx._markers import Markers as _Markers
from bsonx._py.types.moments import utc_moment
from bsonx.tz_util import utc

_LIMIT = 4294967296


class Timestamp:
    """A moment of the server's log: ``time`` in seconds and a counter ``inc`` within the second.

    ``time`` may be a datetime (naive: UTC). TypeError for other types, ValueError outside
    0 to 2**32 - 1.
    """

    __slots__ = ("__inc", "__time")

    _type_marker = _Markers.TIMESTAMP

    def __init__(self, time: datetime.datetime | int, inc: int) -> None:
        if isinstance(time, datetime.datetime):
            time = calendar.timegm(utc_moment(time).timetuple())
        if not isinstance(time, int):
            raise TypeError(f"time must be an instance of int, not {type(time)}")
        if not isinstance(inc, int):
            raise TypeError(f"inc must be an instance of int, not {type(inc)}")
        if not 0 <= time < _LIMIT:
            raise ValueError("time must be contained in [0, 2**32)")
        if not 0 <= inc < _LIMIT:
            raise ValueError("inc must be contained in [0, 2**32)")
        self.__time = int(time)
        self.__inc = int(inc)

    @property
    def time(self) -> int:
        """Seconds since the epoch."""
        return self.__time

    @property
    def inc(self) -> int:
        """The counter within the second."""
        return self.__inc

    def as_datetime(self) -> datetime.datetime:
        """Return the second as an aware datetime in UTC."""
        return datetime.datetime.fromtimestamp(self.__time, utc)

    def __getstate__(self) -> Mapping[Any, Any]:
        return {"_Timestamp__inc": self.__inc, "_Timestamp__time": self.__time}

    def __setstate__(self, state: Any) -> None:
        self.__inc = state["_Timestamp__inc"]
        self.__time = state["_Timestamp__time"]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Timestamp):
            return self.__time == other.__time and self.__inc == other.__inc
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, Timestamp):
            return (self.__time, self.__inc) < (other.__time, other.__inc)
        return NotImplemented

    def __le__(self, other: Any) -> bool:
        if isinstance(other, Timestamp):
            return (self.__time, self.__inc) <= (other.__time, other.__inc)
        return NotImplemented

    def __gt__(self, other: Any) -> bool:
        if isinstance(other, Timestamp):
            return (self.__time, self.__inc) > (other.__time, other.__inc)
        return NotImplemented

    def __ge__(self, other: Any) -> bool:
        if isinstance(other, Timestamp):
            return (self.__time, self.__inc) >= (other.__time, other.__inc)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.__time, self.__inc))

    def __repr__(self) -> str:
        return f"Timestamp({self.__time}, {self.__inc})"


Timestamp.__module__ = "bsonx.timestamp"
