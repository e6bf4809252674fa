"""What a library built on the driver tells the server about itself."""

from __future__ import annotations

from typing import Any, NamedTuple

from mongodriver.values.public_names import known_as

__all__ = ["DriverInfo"]


class _DriverInfoFields(NamedTuple):
    name: Any
    version: Any = None
    platform: Any = None


class DriverInfo(_DriverInfoFields):
    """Name, version and platform of a library, for the handshake's metadata.

    Raises TypeError if one of them is no string, ValueError if one holds the delimiter "|".
    """

    __slots__ = ()

    name: str
    version: str | None
    platform: str | None

    def __new__(
        cls, name: str, version: str | None = None, platform: str | None = None
    ) -> DriverInfo:
        info = super().__new__(cls, name, version, platform)
        for field, value in info._asdict().items():
            if value is None:
                continue
            if not isinstance(value, str):
                raise TypeError(
                    f"Wrong type for DriverInfo {field} option, value must be an instance of "
                    f"str, not {type(value)}"
                )
            if "|" in value:
                raise ValueError(f"DriverInfo {field} must not contain the '|' delimiter")
        return info


known_as("mongodriver.driver_info", globals())
