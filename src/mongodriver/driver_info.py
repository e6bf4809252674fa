"""What a library built on the driver tells the server about itself."""

from mongodriver.values.driver_info import (
    DriverInfo,
)

__all__ = [
    "DriverInfo",
]
