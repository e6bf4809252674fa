"""What a column of values is, by numbers: those of csrc/arrow/kinds.h."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CODE", "DECIMAL128", "DEPTH", "OBJECTID", "STRING", "Kind"]

#: Fields nested deeper than this are refused; MongoDB takes documents of 100 levels.
DEPTH = 100

# Forms: what a text or bytes become. Those of 0 and more are subtypes of Binary.
STRING = -1
CODE = -2
OBJECTID = -3
DECIMAL128 = -4


class Kind(IntEnum):
    """Kinds of columns; `csrc/arrow/kinds.h` says what the numbers of a plan are to each."""

    NULL = 0
    BOOL = 1
    INT8 = 2
    UINT8 = 3
    INT16 = 4
    UINT16 = 5
    INT32 = 6
    UINT32 = 7
    INT64 = 8
    UINT64 = 9
    FLOAT16 = 10
    FLOAT32 = 11
    FLOAT64 = 12
    DECIMAL = 13
    TEXT = 14
    TEXT_VIEW = 15
    BINARY = 16
    BINARY_VIEW = 17
    FIXED = 18
    DATE32 = 19
    DATE64 = 20
    TIMESTAMP = 21
    LIST = 22
    LIST_VIEW = 23
    FIXED_LIST = 24
    STRUCT = 25
    MAP = 26
    DICTIONARY = 27
    RUNS = 28
    UNION = 29
