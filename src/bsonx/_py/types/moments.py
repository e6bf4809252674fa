"""What ``datetime`` objects say of themselves, subclasses included."""

from __future__ import annotations

import datetime
import sys
from typing import Any

EPOCH_NAIVE = datetime.datetime(1970, 1, 1)


def millis_from_datetime(value: datetime.datetime) -> int:
    """Return milliseconds since the epoch; naive times are UTC, microseconds are cut off."""
    plain = type(value) is datetime.datetime and value.tzinfo is None
    span = (value if plain else utc_moment(value)) - EPOCH_NAIVE
    return span.days * 86400000 + span.seconds * 1000 + span.microseconds // 1000


def utc_moment(value: datetime.datetime) -> datetime.datetime:
    """Return a plain naive datetime in UTC; naive times are UTC.

    Subclasses may keep their value elsewhere than in the fields of their base (pandas.Timestamp
    beyond the year 9999, NaT): they are asked for their offset and their attributes, and what they
    raise passes. ValueError or OverflowError for what is no datetime.
    """
    offset = value.utcoffset()
    moment = asked_fields(value)
    if offset is None:
        return moment
    if not isinstance(offset, datetime.timedelta):
        raise TypeError(f"utcoffset() must return None or a timedelta, not {type(offset)!r}")
    return moment - plain_timedelta(offset)


def asked_fields(value: datetime.datetime) -> datetime.datetime:
    """Return the date and time that ``value`` says it has, without its zone."""
    if type(value) is datetime.datetime:
        return value.replace(tzinfo=None)
    date = value.year, value.month, value.day
    return datetime.datetime(*date, value.hour, value.minute, value.second, value.microsecond)


def is_nat(value: Any) -> bool:
    """Return whether ``value`` is ``pandas.NaT``, which nobody has who has not imported pandas."""
    return value is not None and value is getattr(sys.modules.get("pandas"), "NaT", None)


def plain_timedelta(value: datetime.timedelta) -> datetime.timedelta:
    """Return a timedelta of exactly that class; subclasses are asked for their attributes."""
    if type(value) is datetime.timedelta:
        return value
    return datetime.timedelta(value.days, value.seconds, value.microseconds)
