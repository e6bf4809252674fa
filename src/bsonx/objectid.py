"""Unique identifiers of documents."""

from typing import TYPE_CHECKING

from bsonx._switch import HAS_C
from bsonx.errors import InvalidId  # which code written for PyMongo imports from here
from bsonx.tz_util import utc

if TYPE_CHECKING or not HAS_C:
    from bsonx._py.types.objectid import ObjectId
else:
    from bsonx._native import ObjectId

__all__ = ["InvalidId", "ObjectId", "utc"]
