"""Keys and array positions as they are stored."""

from __future__ import annotations

from typing import Any

from bsonx.errors import InvalidDocument


class Names(dict[Any, bytes]):
    """Stored names (UTF-8 and a NUL) of the keys seen before; :meth:`new` checks the others."""

    _LIMIT = 4096
    _LONGEST = 64
    _checked = False

    def new(self, key: Any) -> bytes:
        """Return the stored name of a key; InvalidDocument for what cannot be one."""
        try:
            name = str.encode(key) + b"\0"
        except TypeError:
            message = f"documents must have only string keys, key was {key!r}"
            raise InvalidDocument(message) from None
        if "\0" in key:
            raise InvalidDocument("Key names must not contain the NULL byte")
        if self._checked:
            _refuse_operators(key)
        if len(self) < self._LIMIT and type(key) is str and len(key) <= self._LONGEST:
            self[key] = name
        return name


class CheckedNames(Names):
    """Names that also refuse operators and dotted paths."""

    _checked = True


def _refuse_operators(key: str) -> None:
    if key.startswith("$"):
        raise InvalidDocument(f"key {key!r} must not start with '$'")
    if "." in key:
        raise InvalidDocument(f"key {key!r} must not contain '.'")


class _Positions(Names):
    """Stored names of array positions."""

    def new(self, key: Any) -> bytes:
        """Return the stored name of a position."""
        return b"%d\0" % key


NAMES = Names()
CHECKED_NAMES = CheckedNames()
POSITIONS = _Positions({position: b"%d\0" % position for position in range(1024)})
