"""Read concerns: what a read may see."""

from mongodriver.values.read_concern import (
    DEFAULT_READ_CONCERN,
    ReadConcern,
)

__all__ = [
    "DEFAULT_READ_CONCERN",
    "ReadConcern",
]
