"""Regular expressions."""

from typing import TYPE_CHECKING

from bsonx._py.types.regex import str_flags_to_int
from bsonx._switch import HAS_C

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.regex import Regex
else:
    from bsonx._native import Regex

__all__ = ["Regex", "str_flags_to_int"]
