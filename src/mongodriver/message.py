"""The bounds of the integers in messages."""

__all__ = ["MAX_INT32", "MIN_INT32"]

MAX_INT32 = 2**31 - 1
MIN_INT32 = -(2**31)
