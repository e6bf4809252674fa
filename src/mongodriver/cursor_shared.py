"""What synchronous and asynchronous cursors have in common for their users."""

from mongodriver.values.cursor_type import (
    _QUERY_OPTIONS,
    CursorType,
)

__all__ = [
    "_QUERY_OPTIONS",
    "CursorType",
]
