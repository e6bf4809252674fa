"""Regular expressions."""

from bsonx._impl import Regex
from bsonx._py.types.regex import str_flags_to_int

__all__ = ["Regex", "str_flags_to_int"]
