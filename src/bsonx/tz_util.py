"""Time zones with a fixed offset."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

__all__ = ["ZERO", "FixedOffset", "utc"]

ZERO: timedelta = timedelta(0)


class FixedOffset(tzinfo):
    """A time zone that is always ``offset`` (minutes or a timedelta) east of UTC."""

    def __init__(self, offset: float | timedelta, name: str) -> None:
        self.__offset = offset if isinstance(offset, timedelta) else timedelta(minutes=offset)
        self.__name = name

    def __getinitargs__(self) -> tuple[timedelta, str]:
        return self.__offset, self.__name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__offset!r}, {self.__name!r})"

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """Return the fixed offset."""
        return self.__offset

    def tzname(self, dt: datetime | None) -> str:
        """Return the name given at construction."""
        return self.__name

    def dst(self, dt: datetime | None) -> timedelta:
        """Return zero: there is no daylight saving time."""
        return ZERO


utc: FixedOffset = FixedOffset(0, "UTC")
