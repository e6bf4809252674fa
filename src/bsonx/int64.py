"""64-bit integers."""

from bsonx._impl import Int64

__all__ = ["Int64"]
