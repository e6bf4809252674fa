"""Synchronous cursors of queries."""

from mongodriver.synchronous.cursor import Cursor, CursorType, RawBatchCursor

__all__ = ["Cursor", "CursorType", "RawBatchCursor"]
