"""64-bit integers."""

from typing import TYPE_CHECKING

from bsonx._switch import HAS_C

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.int64 import Int64
else:
    from bsonx._native import Int64

__all__ = ["Int64"]
