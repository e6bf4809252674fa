"""Int64 in pure Python."""

from __future__ import annotations

from typing import Any

from bsonx._markers import Markers as _Markers


class Int64(int):
    """An int that is always stored as a BSON int64, however small it is.

    Decoded int64 values have this type, so they keep their type when written back.
    """

    __slots__ = ()

    _type_marker = _Markers.INT64

    def __getstate__(self) -> Any:
        return {}

    def __setstate__(self, state: Any) -> None:
        pass


Int64.__module__ = "bsonx.int64"
