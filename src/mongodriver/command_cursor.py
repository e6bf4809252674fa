"""Synchronous cursors of commands."""

from mongodriver.synchronous.command_cursor import CommandCursor, RawBatchCommandCursor

__all__ = ["CommandCursor", "RawBatchCommandCursor"]
