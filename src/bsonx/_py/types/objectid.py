"""ObjectId in pure Python."""

from __future__ import annotations

import binascii
import calendar
import datetime
import os
import struct
import threading
import time
from typing import Any, NoReturn

from bsonx._markers import Markers as _Markers
from bsonx._py.types.moments import utc_moment
from bsonx.errors import InvalidId
from bsonx.tz_util import utc

_COUNTER_LIMIT = 0xFFFFFF


class _Generator:
    """Makes the 12 bytes of new ids: seconds (4), random per process (5), counter (3)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reseed()

    def reseed(self) -> None:
        """Draw the random part anew: a forked child must not repeat its parent's ids."""
        self._lock = threading.Lock()
        self._random = os.urandom(5)
        self._counter = int.from_bytes(os.urandom(3), "big")

    def __call__(self) -> bytes:
        with self._lock:
            counter = self._counter
            self._counter = (counter + 1) & _COUNTER_LIMIT
        seconds = int(time.time()) & 0xFFFFFFFF
        return seconds.to_bytes(4, "big") + self._random + counter.to_bytes(3, "big")


generate = _Generator()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=generate.reseed)


class ObjectId:
    """A 12-byte unique id: 4 bytes of seconds, 5 random bytes, a 3-byte counter (big-endian).

    ``oid`` is None for a new id, 12 bytes, 24 hexadecimal digits or an ObjectId. InvalidId for
    another str, TypeError for other types.
    """

    __slots__ = ("__id",)

    _type_marker = _Markers.OBJECTID

    def __init__(self, oid: str | ObjectId | bytes | None = None) -> None:
        if oid is None:
            self.__id = generate()
        elif isinstance(oid, bytes) and len(oid) == 12:
            self.__id = oid
        else:
            self.__id = _validated(oid)

    @classmethod
    def from_datetime(cls, generation_time: datetime.datetime) -> ObjectId:
        """Return the smallest ObjectId of a second, for range queries: it is not unique.

        Naive times are UTC. struct.error before 1970 or after 2106.
        """
        seconds = calendar.timegm(utc_moment(generation_time).timetuple())
        return cls(struct.pack(">I", seconds) + b"\x00" * 8)

    @classmethod
    def is_valid(cls, oid: Any) -> bool:
        """Return whether ``ObjectId(oid)`` works; False for None and empty values."""
        if not oid:
            return False
        try:
            ObjectId(oid)
        except (InvalidId, TypeError):
            return False
        return True

    @property
    def binary(self) -> bytes:
        """The 12 bytes."""
        return self.__id

    @property
    def generation_time(self) -> datetime.datetime:
        """The time of creation (UTC, aware, whole seconds)."""
        seconds = int.from_bytes(self.__id[:4], "big")
        return datetime.datetime.fromtimestamp(seconds, utc)

    def __getstate__(self) -> bytes:
        return self.__id

    def __setstate__(self, value: Any) -> None:
        # Pickles of old PyMongo versions hold a dict, those of Python 2 a latin-1 str.
        oid = value["_ObjectId__id"] if isinstance(value, dict) else value
        oid = oid.encode("latin-1") if isinstance(oid, str) else oid
        if not isinstance(oid, bytes) or len(oid) != 12:
            raise ValueError("the state of an ObjectId must be 12 bytes")
        self.__id = oid

    def __str__(self) -> str:
        return self.__id.hex()

    def __repr__(self) -> str:
        return f"ObjectId('{self!s}')"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ObjectId):
            return self.__id == other.__id
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        if isinstance(other, ObjectId):
            return self.__id != other.__id
        return NotImplemented

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, ObjectId):
            return self.__id < other.__id
        return NotImplemented

    def __le__(self, other: Any) -> bool:
        if isinstance(other, ObjectId):
            return self.__id <= other.__id
        return NotImplemented

    def __gt__(self, other: Any) -> bool:
        if isinstance(other, ObjectId):
            return self.__id > other.__id
        return NotImplemented

    def __ge__(self, other: Any) -> bool:
        if isinstance(other, ObjectId):
            return self.__id >= other.__id
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.__id)


ObjectId.__module__ = "bsonx.objectid"


def _invalid(oid: Any) -> NoReturn:
    raise InvalidId(
        f"{oid!r} is not a valid ObjectId, it must be a 12-byte input or a 24-character hex string"
    )


def _validated(oid: Any) -> bytes:
    if isinstance(oid, ObjectId):
        return oid.binary
    if not isinstance(oid, str):
        raise TypeError(f"id must be an instance of (bytes, str, ObjectId), not {type(oid)}")
    if len(oid) != 24:
        _invalid(oid)
    try:
        return binascii.unhexlify(oid)
    except ValueError:
        _invalid(oid)
