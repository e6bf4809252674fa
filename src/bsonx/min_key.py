"""The value that sorts before every other one."""

from __future__ import annotations

from typing import Any

from bsonx._markers import Markers as _Markers

__all__ = ["MinKey"]


class MinKey:
    """The BSON type that is less than every other value. All instances are equal."""

    __slots__ = ()

    _type_marker = _Markers.MINKEY

    def __getstate__(self) -> Any:
        return {}

    def __setstate__(self, state: Any) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MinKey)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return self._type_marker

    def __lt__(self, other: Any) -> bool:
        return not isinstance(other, MinKey)

    def __le__(self, other: Any) -> bool:
        return True

    def __gt__(self, other: Any) -> bool:
        return False

    def __ge__(self, other: Any) -> bool:
        return isinstance(other, MinKey)

    def __repr__(self) -> str:
        return "MinKey()"
