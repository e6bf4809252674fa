"""The ``_type_marker`` of the BSON types of every compatible package."""

from __future__ import annotations


class Markers:
    """The native codec has the same numbers in ``csrc/core/common.h``."""

    BINARY = 5
    OBJECTID = 7
    DATETIME = 9
    REGEX = 11
    CODE = 13
    TIMESTAMP = 17
    INT64 = 18
    DECIMAL128 = 19
    DBREF = 100
    RAW_DOCUMENT = 101
    MAXKEY = 127
    MINKEY = 255
