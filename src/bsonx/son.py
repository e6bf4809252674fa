"""A dictionary with an explicit key order."""

from __future__ import annotations

import copy as _copy
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from re import Pattern as RE_TYPE  # the name that code written for PyMongo imports
from typing import Any, TypeVar

__all__ = ["RE_TYPE", "SON"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_T = TypeVar("_T")

# re.compile objects refuse deep copies in no version we support, but sharing them is cheaper.
_SHARED = re.Pattern


class SON(dict[_Key, _Value]):
    """A dict that compares to other SONs with regard to key order.

    Commands need their name first; a plain dict keeps insertion order too, so SON matters only
    for that comparison and for code written when dicts had no order.
    """

    def __init__(
        self,
        data: Mapping[_Key, _Value] | Iterable[tuple[_Key, _Value]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.update(data)
        self.update(kwargs)

    def __new__(cls, *args: Any, **kwargs: Any) -> SON[_Key, _Value]:
        return super().__new__(cls, *args, **kwargs)

    def __repr__(self) -> str:
        return f"SON([{', '.join(f'({key!r}, {self[key]!r})' for key in self)}])"

    def __setitem__(self, key: _Key, value: _Value) -> None:
        super().__setitem__(key, value)

    def __delitem__(self, key: _Key) -> None:
        super().__delitem__(key)

    def __iter__(self) -> Iterator[_Key]:
        return super().__iter__()

    def __len__(self) -> int:
        return super().__len__()

    def copy(self) -> SON[_Key, _Value]:
        """Return a shallow copy."""
        other: SON[_Key, _Value] = SON()
        other.update(self)
        return other

    def has_key(self, key: _Key) -> bool:
        """Deprecated: use ``key in son``."""
        warnings.warn(
            "SON.has_key() is deprecated, use the in operator instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return key in self

    def iterkeys(self) -> Iterator[_Key]:
        """Deprecated: use ``keys()``."""
        warnings.warn(
            "SON.iterkeys() is deprecated, use the keys() method instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.__iter__()

    def itervalues(self) -> Iterator[_Value]:
        """Iterate over the values in key order."""
        yield from super().values()

    def values(self) -> list[_Value]:  # type: ignore[override]
        """Return the values as a list, in key order."""
        return [value for _, value in self.items()]

    def clear(self) -> None:
        """Remove everything."""
        super().clear()

    def setdefault(self, key: _Key, default: _Value) -> _Value:
        """Return the value of ``key``, after storing ``default`` if there is none."""
        try:
            return self[key]
        except KeyError:
            self[key] = default
        return default

    def pop(self, key: _Key, *args: _Value | _T) -> _Value | _T:
        """Remove ``key`` and return its value, or the default if given; else KeyError."""
        if len(args) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(args)}")
        try:
            value = self[key]
        except KeyError:
            if args:
                return args[0]
            raise
        del self[key]
        return value

    def popitem(self) -> tuple[_Key, _Value]:
        """Remove and return the first pair; KeyError when empty."""
        for key in self:
            value = self[key]
            del self[key]
            return key, value
        raise KeyError("container is empty")

    def update(self, other: Any | None = None, **kwargs: _Value) -> None:
        """Add pairs from a mapping, an object with ``keys``, or an iterable of pairs."""
        if other is not None:
            for key, value in other.items() if hasattr(other, "items") else _pairs(other):
                self[key] = value
        for name, value in kwargs.items():
            self[name] = value  # type: ignore[index]

    def get(  # type: ignore[override]
        self, key: _Key, default: _Value | _T | None = None
    ) -> _Value | _T | None:
        """Return the value of ``key`` or ``default``."""
        try:
            return self[key]
        except KeyError:
            return default

    def __eq__(self, other: object) -> bool:
        """Compare with a SON pairwise in order, with any other mapping without regard to order."""
        if isinstance(other, SON):
            return len(self) == len(other) and list(self.items()) == list(other.items())
        return bool(self.to_dict() == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def to_dict(self) -> dict[_Key, _Value]:
        """Return plain dicts and lists all the way down."""

        def plain(value: Any) -> Any:
            if isinstance(value, list):
                return [plain(item) for item in value]
            if isinstance(value, Mapping):
                return {key: plain(item) for key, item in value.items()}
            return value

        return plain(dict(self))  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, SON[_Key, _Value]]) -> SON[_Key, _Value]:
        other: SON[_Key, _Value] = SON()
        known = memo.get(id(self))
        if known is not None:
            return known
        memo[id(self)] = other
        for key, value in self.items():
            other[key] = value if isinstance(value, _SHARED) else _copy.deepcopy(value, memo)
        return other


def _pairs(source: Any) -> Iterable[tuple[Any, Any]]:
    if hasattr(source, "keys"):
        return ((key, source[key]) for key in source.keys())  # noqa: SIM118 (it may not iterate)
    return ((key, value) for key, value in source)
