"""What synchronous and asynchronous cursors have in common for their users."""

from mongodriver.values.cursor_type import (
    CursorType,
)

__all__ = [
    "CursorType",
]
