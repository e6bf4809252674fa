"""What Binary, Code and Regex keep their values in.

The extension has classes for that, whose instances have a field where others need a dict each; in
pure Python it is what the interpreter has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsonx._switch import HAS_C

__all__ = ["BinaryStorage", "CodeStorage", "RegexStorage"]

if TYPE_CHECKING or not HAS_C:
    BinaryStorage = bytes
    CodeStorage = str

    class RegexStorage:
        """The attributes of a Regex."""

        __slots__ = ("flags", "pattern")

        pattern: Any
        flags: int
else:
    from bsonx._native import BinaryStorage, CodeStorage, RegexStorage
