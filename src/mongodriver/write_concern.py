"""Write concerns: how many members must acknowledge a write."""

from mongodriver.values.write_concern import (
    DEFAULT_WRITE_CONCERN,
    WriteConcern,
    validate_boolean,
)

__all__ = [
    "DEFAULT_WRITE_CONCERN",
    "WriteConcern",
    "validate_boolean",
]
